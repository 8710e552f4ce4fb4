#include "io/lockdown.h"

#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "base/error.h"

namespace io {

namespace {

constexpr const char* refused[] = {"execve",
                                   "execveat",
                                   "fork",
                                   "vfork",
                                   "ptrace",
                                   "unshare",
                                   "setns",
                                   "mount",
                                   "umount2",
                                   "pivot_root",
                                   "chroot",
                                   "move_mount",
                                   "open_tree",
                                   "fsopen",
                                   "fsmount",
                                   "mount_setattr",
                                   "init_module",
                                   "finit_module",
                                   "delete_module",
                                   "kexec_load",
                                   "bpf",
                                   "perf_event_open",
                                   "userfaultfd",
                                   "process_vm_readv",
                                   "process_vm_writev",
                                   "io_uring_setup",
                                   "io_uring_enter",
                                   "io_uring_register",
                                   "add_key",
                                   "request_key",
                                   "keyctl",
                                   "swapon",
                                   "swapoff",
                                   "reboot",
                                   "sethostname",
                                   "settimeofday",
                                   "clock_settime",
                                   "acct",
                                   "quotactl",
                                   "open_by_handle_at",
                                   "personality",
                                   "setuid",
                                   "setgid",
                                   "setresuid",
                                   "setresgid",
                                   "kexec_file_load",
                                   "pidfd_getfd"};

void check(int answer, const std::string& what) {
  if (answer < 0)
    throw base::Error(base::Code::internal,
                      "seccomp: " + what + ": error " + std::to_string(-answer));
}

}  // namespace

void lock_down() {
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) throw base::Error(base::Code::internal, "seccomp: no filter");
  check(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1), "all threads");
  const std::uint32_t deny = SCMP_ACT_ERRNO(EPERM);
  for (const char* name : refused) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) continue;  // this libseccomp does not know it
    check(seccomp_rule_add(filter.get(), deny, call, 0), name);
  }
  // clone(2) of a process (no CLONE_THREAD) is a fork by another name; clone3's flags are behind a
  // pointer: ENOSYS makes the C library use clone.
  constexpr std::uint64_t clone_thread = 0x10000;
  check(seccomp_rule_add(filter.get(), deny, SCMP_SYS(clone), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, clone_thread, 0)),
        "clone");
  check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0), "clone3");
  // Families above AF_INET, but for AF_INET6: netlink, packet, vsock, alg, …
  check(seccomp_rule_add(filter.get(), deny, SCMP_SYS(socket), 1,
                         SCMP_A0(SCMP_CMP_GT, static_cast<std::uint64_t>(AF_INET6))),
        "socket");
  for (int family = AF_INET + 1; family < AF_INET6; ++family)
    check(seccomp_rule_add(filter.get(), deny, SCMP_SYS(socket), 1,
                           SCMP_A0(SCMP_CMP_EQ, static_cast<std::uint64_t>(family))),
          "socket");
  check(seccomp_load(filter.get()), "loading");
}

}  // namespace io
