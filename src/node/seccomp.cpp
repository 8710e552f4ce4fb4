#include "node/security.h"

namespace node {

namespace {

// What programs need that keep to themselves. Left out on purpose, beyond what containerd's default
// leaves out: io_uring, bpf, userfaultfd, keyrings, ptrace and process_vm (also of one's own
// children), perf, mount and namespace calls, module and clock setting, handles, kexec; Landlock,
// whose rules keep a deleted file on the disk where nobody sees it.
constexpr std::string_view allowed[] = {
    // files
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup",
    "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod",
    "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr",
    "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futimesat",
    "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link", "linkat",
    "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat",
    "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2",
    "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
    "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice",
    "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee",
    "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes", "vmsplice", "write",
    "writev",
    // memory
    "brk", "madvise", "membarrier", "memfd_create", "memfd_secret", "mincore", "mlock", "mlock2",
    "mlockall", "mmap", "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap",
    "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages",
    // processes, threads, signals
    "alarm", "arch_prctl", "capget", "capset", "chroot", "execve", "execveat", "exit", "exit_group",
    "fork", "futex", "futex_wait", "futex_waitv", "futex_wake", "get_robust_list",
    "get_thread_area", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getitimer",
    "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresuid", "getrlimit",
    "getrusage", "getsid", "gettid", "getuid", "kill", "pause", "pidfd_open", "pidfd_send_signal",
    "prctl", "prlimit64", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
    "seccomp", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid",
    "setgid", "setgroups", "setitimer", "setpgid", "setpriority", "setregid", "setresgid",
    "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "sigaltstack", "signalfd",
    "signalfd4", "tgkill", "times", "tkill", "uname", "vfork", "wait4", "waitid", "sysinfo",
    "getrandom",
    // time
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime",
    "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // waiting
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd", "eventfd2", "poll", "ppoll", "pselect6", "select",
    // sockets and other ways to talk
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
    "msgctl", "msgget", "msgrcv", "msgsnd", "pipe", "pipe2", "recvfrom", "recvmmsg", "recvmsg",
    "semctl", "semget", "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto", "setsockopt",
    "shmat", "shmctl", "shmdt", "shmget", "shutdown", "socketpair"};

constexpr std::int64_t namespace_flags = 0x7E020000;  // CLONE_NEW* of clone(2)
constexpr std::int64_t clone_thread = 0x10000, clone_files = 0x400;
constexpr std::int64_t enosys = 38;
constexpr std::int64_t af_unix = 1, af_inet = 2, af_inet6 = 10, af_netlink = 16, netlink_route = 0;

base::Json argument(int index, std::int64_t value, std::string_view op,
                    std::int64_t value_two = 0) {
  return base::JsonObject{{"index", index}, {"value", value}, {"valueTwo", value_two}, {"op", op}};
}

base::Json make() {
  base::JsonArray names;
  for (auto name : allowed) names.emplace_back(name);
  base::JsonArray rules;
  rules.push_back({{"names", names}, {"action", "SCMP_ACT_ALLOW"}});
  auto allow_when = [&](std::string_view name, base::JsonArray arguments) {
    rules.push_back({{"names", base::JsonArray{name}},
                     {"action", "SCMP_ACT_ALLOW"},
                     {"args", std::move(arguments)}});
  };
  auto masked = [](std::int64_t mask, std::int64_t value) {
    return base::JsonArray{argument(0, mask, "SCMP_CMP_MASKED_EQ", value)};
  };
  // clone without new namespaces; a thread shares its process's descriptors, so that all of them
  // are to be seen in /proc.
  allow_when("clone", masked(namespace_flags | clone_thread, 0));
  allow_when("clone",
             masked(namespace_flags | clone_thread | clone_files, clone_thread | clone_files));
  // clone3, whose flags a filter cannot see, looks absent, and libc falls back to clone; so does
  // Landlock, and programs do without.
  rules.push_back({{"names", base::JsonArray{"clone3", "landlock_create_ruleset"}},
                   {"action", "SCMP_ACT_ERRNO"},
                   {"errnoRet", enosys}});
  // No vsock, packet, alg, bluetooth…; of netlink only routes, where libc reads addresses from.
  for (std::int64_t family : {af_unix, af_inet, af_inet6})
    allow_when("socket", {argument(0, family, "SCMP_CMP_EQ")});
  allow_when("socket",
             {argument(0, af_netlink, "SCMP_CMP_EQ"), argument(2, netlink_route, "SCMP_CMP_EQ")});
#if defined(__aarch64__)
  base::JsonArray architectures{"SCMP_ARCH_AARCH64"};
#else
  base::JsonArray architectures{"SCMP_ARCH_X86_64"};
#endif
  return base::JsonObject{
      {"defaultAction", "SCMP_ACT_ERRNO"}, {"architectures", architectures}, {"syscalls", rules}};
}

}  // namespace

const base::Json& seccomp_default() {
  static const base::Json profile = make();
  return profile;
}

}  // namespace node
