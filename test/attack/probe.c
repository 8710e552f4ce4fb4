// What an attacker brings along: a static program for the calls that no shell makes. It lies in the containers under attack, and its
// `door`, a socket in /workspace, is the shell that attack.py speaks to. Every command ends by itself.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEBIBYTE (1024 * 1024)

static void die(const char *what) {
  printf("%s: %s\n", what, strerrorname_np(errno));
  exit(1);
}

// What a call gave: "name 0" when it was let through, else its error.
static void say(const char *name, long result) {
  printf("%s %s\n", name, result >= 0 ? "0" : strerrorname_np(errno));
  fflush(stdout);
}

// ---- door PATH: "sh\n<script>" runs it and tells its exit code; "tcp PORT\n" and "unix PATH\n" carry bytes there and back ----

static size_t read_all(int fd, char *to, size_t room) {
  size_t size = 0;
  for (ssize_t got; size < room && (got = read(fd, to + size, room - size)) > 0;) size += (size_t)got;
  return size;
}

static void carry(int one, int other) {
  struct pollfd ends[2] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
  int open_ends = 2;
  while (open_ends > 0 && poll(ends, 2, 60000) > 0) {
    for (int i = 0; i < 2; ++i) {
      char bytes[65536];
      if (!ends[i].revents) continue;
      const int to = i ? one : other;
      const ssize_t got = read(i ? other : one, bytes, sizeof bytes);
      for (ssize_t put = 0, n; put < got; put += n)
        if ((n = write(to, bytes + put, (size_t)(got - put))) < 0) return;
      if (got > 0) continue;
      shutdown(to, SHUT_WR);
      ends[i].fd = -1;
      --open_ends;
    }
  }
}

static int to_loopback(int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  return connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd;
}

static int to_path(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd;
}

static void serve_one(int guest) {
  char line[128] = {0};
  for (size_t i = 0; i + 1 < sizeof line && read(guest, line + i, 1) == 1 && line[i] != '\n';) ++i;
  line[strcspn(line, "\n")] = 0;
  if (strcmp(line, "sh") != 0) {
    const int fd = strncmp(line, "unix ", 5) == 0 ? to_path(line + 5) : to_loopback(atoi(line + 4));
    if (fd >= 0) carry(guest, fd);
    _exit(0);
  }
  static char script[MEBIBYTE];
  read_all(guest, script, sizeof script - 1);
  const pid_t shell = fork();
  if (shell == 0) {
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0), dup2(guest, 1), dup2(guest, 2);
    execl("/bin/sh", "sh", "-c", script, (char *)0);
    _exit(127);
  }
  int status = 0;
  waitpid(shell, &status, 0);
  dprintf(guest, "\nexit %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  _exit(0);
}

static void leave(int signal) { _exit(signal == SIGUSR1 ? 0 : 1); }  // a first process takes no other way out

static int door(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  unlink(path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 512) < 0) die("door");
  chmod(path, 0777);
  signal(SIGCHLD, SIG_IGN), signal(SIGUSR1, leave), signal(SIGUSR2, leave);
  printf("open\n");
  fflush(stdout);
  for (int guest; (guest = accept4(fd, 0, 0, SOCK_CLOEXEC)) >= 0; close(guest))
    if (fork() == 0) {
      signal(SIGCHLD, SIG_DFL);
      serve_one(guest);
    }
  return 1;
}

// ---- calls: what no container has any business with. Arguments are harmless where a call were let through. ----

static int ignored(void *p) { return (int)(intptr_t)p; }

static long clone_with(int flags) {
  static char stack[65536] __attribute__((aligned(16)));
  return clone(ignored, stack + sizeof stack, flags | SIGCHLD, 0);
}

static long clone3_with(uint64_t flags) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } args = {.flags = flags, .exit_signal = SIGCHLD};
  const long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(0);
  return pid;
}

static long lower_nice(void) { return setpriority(PRIO_PROCESS, 0, -20); }
static long real_time(void) {
  struct sched_param param = {.sched_priority = 1};
  return sched_setscheduler(0, SCHED_FIFO, &param);
}
static long raise_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = ++limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit);
}
static long make_immutable(void) {
  const int fd = open("/workspace/immutable", O_CREAT | O_RDWR, 0600);
  int flags = 0x10;  // FS_IMMUTABLE_FL
  const long result = ioctl(fd, 0x40086602, &flags);
  unlink("/workspace/immutable");
  return result;
}
static long handle_open(void) {  // the shocker: any inode of the disk by its number
  struct {
    unsigned int bytes;
    int type;
    unsigned char handle[8];
  } root = {8, 1, {2}};
  const int disk = open("/workspace", O_RDONLY);
  return syscall(SYS_open_by_handle_at, disk, &root, O_RDONLY);
}
static long ask_netlink(int type, void *body, size_t size) {
  struct {
    struct nlmsghdr head;
    char body[128];
  } ask = {.head = {.nlmsg_type = (uint16_t)type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE}};
  memcpy(ask.body, body, size);
  ask.head.nlmsg_len = (uint32_t)(sizeof ask.head + size);
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (fd < 0 || send(fd, &ask, ask.head.nlmsg_len, 0) < 0) return -1;
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
  } answer;
  if (recv(fd, &answer, sizeof answer, 0) < 0) return -1;
  errno = -answer.error.error;
  return errno ? -1 : 0;
}
static long add_address(void) {
  struct {
    struct ifaddrmsg about;
    struct rtattr attribute;
    uint32_t address;
  } ask = {{.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 1}, {8, IFA_LOCAL}, htonl(0x0a000001)};
  return ask_netlink(RTM_NEWADDR, &ask, sizeof ask);
}
static long add_link(void) {
  struct ifinfomsg about = {.ifi_family = AF_UNSPEC, .ifi_index = 77};
  return ask_netlink(RTM_NEWLINK, &about, sizeof about);
}
static long add_route(void) {
  struct rtentry route = {.rt_flags = RTF_UP};
  ((struct sockaddr_in *)&route.rt_dst)->sin_family = AF_INET;
  ((struct sockaddr_in *)&route.rt_genmask)->sin_family = AF_INET;
  route.rt_dev = (char *)"lo";
  return ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCADDRT, &route);
}
static long push_input(void) { return ioctl(0, TIOCSTI, "x"); }
static long old_abi(void) {  // getpid of i386: another door into the kernel
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
  if (result < 0) errno = (int)-result, result = -1;
  return result;
}
static long capset_all(void) {
  struct {
    uint32_t version;
    int pid;
  } head = {0x20080522, 0};
  uint32_t data[6] = {~0u, ~0u, 0, ~0u, ~0u, 0};
  return syscall(SYS_capset, &head, data);
}
static long attach(void) {
  const pid_t child = fork();
  if (child == 0) {
    poll(0, 0, 500);
    _exit(0);
  }
  const long result = syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, child, 0, 0);
  const int error = errno;
  kill(child, SIGKILL);
  errno = error;
  return result;
}

#define CALL(name, ...) \
  if (fork_for(name)) { say(name, (long)(__VA_ARGS__)); _exit(0); }

// True in a child of its own: what one call changes, the next one does not see. A child that is killed is told, too.
static int fork_for(const char *name) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die(name);
  if (child == 0) {
    alarm(5);
    return 1;
  }
  int status;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("%s %s\n", name, strsignal(WTERMSIG(status)));
  return 0;
}

static int calls(void) {
  char buffer[4096] = {0};
  struct iovec io = {buffer, sizeof buffer};
  const struct { const char *name; int flag; } kinds[] = {{"user", CLONE_NEWUSER}, {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
    {"network", CLONE_NEWNET}, {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    snprintf(buffer, sizeof buffer, "unshare-%s", kinds[i].name);
    CALL(buffer, unshare(kinds[i].flag));
    snprintf(buffer, sizeof buffer, "clone-%s", kinds[i].name);
    if (kinds[i].flag != 0x80) CALL(buffer, clone_with(kinds[i].flag));
    snprintf(buffer, sizeof buffer, "clone3-%s", kinds[i].name);
    CALL(buffer, clone3_with((uint64_t)kinds[i].flag));
  }
  CALL("clone-own-descriptors", clone_with(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));  // a thread that hides its files
  CALL("landlock", syscall(SYS_landlock_create_ruleset, 0, 0, 1));                     // and rules that hide them
  CALL("setns", setns(open("/proc/self/ns/net", O_RDONLY), 0));
  // mounts
  CALL("mount-tmpfs", mount("none", "/tmp", "tmpfs", 0, ""));
  CALL("mount-remount-root", mount("none", "/", 0, MS_REMOUNT | MS_BIND, ""));
  CALL("mount-proc", mount("proc", "/tmp", "proc", 0, ""));
  CALL("umount-proc-sys", umount2("/proc/sys", MNT_DETACH));
  CALL("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
  CALL("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  CALL("fsmount", syscall(SYS_fsmount, -1, 0, 0));
  CALL("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
  CALL("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/workspace", 0));
  CALL("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, buffer, 32));
  CALL("chroot", chroot("/tmp"));
  CALL("open_by_handle_at", handle_open());
  CALL("quotactl", syscall(SYS_quotactl, 0, "/dev/vda", 0, buffer));
  CALL("swapon", syscall(SYS_swapon, "/tmp/none", 0));
  CALL("acct", syscall(SYS_acct, "/tmp/none"));
  CALL("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
  CALL("immutable", make_immutable());
  // devices
  CALL("mknod-memory", mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1)));
  CALL("mknod-null", mknod("/tmp/null", S_IFCHR | 0600, makedev(1, 3)));
  CALL("mknod-disk", mknod("/tmp/disk", S_IFBLK | 0600, makedev(254, 0)));
  CALL("iopl", syscall(SYS_iopl, 3));
  CALL("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
  CALL("terminal-input", push_input());
  // other processes
  CALL("ptrace-child", attach());
  CALL("ptrace-traceme", syscall(SYS_ptrace, 0, 0, 0, 0));
  CALL("process_vm_readv", syscall(SYS_process_vm_readv, getppid(), &io, 1, &io, 1, 0));
  CALL("process_vm_writev", syscall(SYS_process_vm_writev, getppid(), &io, 1, &io, 1, 0));
  CALL("process_madvise", syscall(SYS_process_madvise, -1, &io, 1, 4, 0));
  CALL("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
  CALL("kcmp", syscall(SYS_kcmp, getpid(), getppid(), 0, 0, 0));
  CALL("move_pages", syscall(SYS_move_pages, 0, 0, 0, 0, 0, 0));
  CALL("personality", syscall(SYS_personality, 0x0040000));
  // what has been the way into kernels
  CALL("bpf", syscall(SYS_bpf, 0, buffer, 64));
  CALL("perf_event_open", syscall(SYS_perf_event_open, buffer, 0, -1, -1, 0));
  CALL("io_uring_setup", syscall(SYS_io_uring_setup, 4, buffer));
  CALL("userfaultfd", syscall(SYS_userfaultfd, 1));
  CALL("add_key", syscall(SYS_add_key, "user", "stolen", "x", 1, -3));
  CALL("request_key", syscall(SYS_request_key, "user", "stolen", 0, 0));
  CALL("keyctl", syscall(SYS_keyctl, 0, -3, 1));
  CALL("keyctl-session", syscall(SYS_keyctl, 1, "stolen"));
  CALL("i386", old_abi());
  CALL("x32", syscall(0x40000000 | SYS_getpid));
  // the machine's
  CALL("init_module", syscall(SYS_init_module, buffer, 0, ""));
  CALL("finit_module", syscall(SYS_finit_module, -1, "", 0));
  CALL("delete_module", syscall(SYS_delete_module, "none", 0));
  CALL("kexec_load", syscall(SYS_kexec_load, 0, ~0ul, 0, ~0ul));
  CALL("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
  CALL("settimeofday", syscall(SYS_settimeofday, 0, 0));
  CALL("clock_settime", syscall(SYS_clock_settime, 99, buffer));
  CALL("clock_adjtime", syscall(SYS_clock_adjtime, 99, buffer));
  CALL("sethostname", sethostname("taken", 5));
  CALL("syslog", syscall(SYS_syslog, 3, buffer, 16));
  CALL("vhangup", syscall(SYS_vhangup));
  // rights
  CALL("setuid", setuid(0));
  CALL("setresuid", setresuid(0, 0, 0));
  CALL("setgid", setgid(0));
  CALL("setgroups", syscall(SYS_setgroups, 0, 0));
  CALL("capset", capset_all());
  CALL("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
  CALL("keep-new-privileges", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  CALL("chown-to-root", chown("/workspace", 0, 0));
  CALL("nice", lower_nice());
  CALL("real-time", real_time());
  CALL("rlimit", raise_limit());
  // sockets
  CALL("socket-packet", socket(AF_PACKET, SOCK_RAW, 0));
  CALL("socket-packet-cooked", socket(AF_PACKET, SOCK_DGRAM, 0));
  CALL("socket-raw", socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
  CALL("socket-raw-icmp", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  CALL("socket-ping", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  CALL("socket-raw-6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  CALL("socket-vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
  CALL("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
  CALL("socket-key", socket(AF_KEY, SOCK_RAW, 2));
  CALL("socket-bluetooth", socket(AF_BLUETOOTH, SOCK_RAW, 0));
  CALL("socket-can", socket(AF_CAN, SOCK_RAW, 1));
  CALL("socket-xdp", socket(AF_XDP, SOCK_RAW, 0));
  CALL("socket-tipc", socket(AF_TIPC, SOCK_RDM, 0));
  for (int protocol = 1; protocol < 23; ++protocol) {  // all of netlink but its routes
    snprintf(buffer, sizeof buffer, "socket-netlink-%d", protocol);
    CALL(buffer, socket(AF_NETLINK, SOCK_RAW, protocol));
  }
  CALL("add-address", add_address());
  CALL("add-link", add_link());
  CALL("add-route", add_route());
  return 0;
}

// ---- network ----

static int try_connect(int type, const char *address, int port) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  const int is_six = inet_pton(AF_INET, address, &four.sin_addr) != 1;
  if (is_six && inet_pton(AF_INET6, address, &six.sin6_addr) != 1) die(address);
  const int fd = socket(is_six ? AF_INET6 : AF_INET, type, 0);
  alarm(5);
  long result = connect(fd, is_six ? (void *)&six : (void *)&four, is_six ? sizeof six : sizeof four);
  if (result == 0 && type == SOCK_DGRAM) {  // the second one hears of the first one's refusal
    send(fd, "knock", 5, 0);
    poll(0, 0, 50);
    result = send(fd, "knock", 5, 0);
  }
  say("connect", result);
  return 0;
}

static int try_abstract(const char *name) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path + 1, name, sizeof at.sun_path - 2);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  say("connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&at, size));
  return 0;
}

// ---- amounts ----

static int eat_memory(long mebibytes) {
  for (long i = 0; i < mebibytes; ++i) {
    char *more = mmap(0, MEBIBYTE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) die("mmap");
    memset(more, 1, MEBIBYTE);
  }
  printf("ate %ld\n", mebibytes);
  return 0;
}

// System V segments, which no process has to hold.
static int keep_segments(int count, long mebibytes) {
  for (int i = 0; i < count; ++i) {
    const int id = shmget(IPC_PRIVATE, (size_t)mebibytes * MEBIBYTE, IPC_CREAT | 0666);
    if (id < 0) die("shmget");
    char *at = shmat(id, 0, 0);
    if (at == (char *)-1) die("shmat");
    memset(at, 1, (size_t)mebibytes * MEBIBYTE);
    shmdt(at);
  }
  printf("kept %ld\n", count * mebibytes);
  return 0;
}

// As many processes as there may be, all gone again after a moment.
static int fork_all(int most) {
  int made = 0, why = 0;
  const pid_t group = getpid();
  setpgid(0, 0);
  for (; made < most; ++made) {
    const pid_t child = fork();
    if (child == 0) {
      setpgid(0, group);
      poll(0, 0, 5000);
      _exit(0);
    }
    if (child < 0) {
      why = errno;
      break;
    }
  }
  printf("made %d: %s\n", made, why ? strerrorname_np(why) : "0");
  fflush(stdout);
  signal(SIGTERM, SIG_IGN);
  kill(-group, SIGTERM);
  while (wait(0) > 0) {
  }
  return 0;
}

static void fill(int fd, long mebibytes) {
  static char block[MEBIBYTE];
  memset(block, 'x', sizeof block);
  for (long i = 0; i < mebibytes; ++i)
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block) die("write");
}

static int nameless(const char *folder, long mebibytes) {
  char path[256];
  snprintf(path, sizeof path, "%s/nameless", folder);
  const int fd = open(path, O_CREAT | O_RDWR | O_EXCL, 0600);
  if (fd < 0) die(path);
  unlink(path);
  fill(fd, mebibytes);
  return fd;
}

// Files without a name, held in one of three ways, `seconds` long.
static int hide(const char *folder, long mebibytes, const char *how, unsigned seconds) {
  int fd = nameless(folder, mebibytes);
  if (strcmp(how, "mapped") == 0) {
    if (mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) die("mmap");
    close(fd);
  } else if (strcmp(how, "passed") == 0) {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
    struct iovec io = {&byte, 1};
    struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(ends[0], &message, 0) < 0) die("sendmsg");
    close(fd);
  }
  printf("hidden %ld\n", mebibytes);
  fflush(stdout);
  poll(0, 0, (int)seconds * 1000);
  return 0;
}

// A file so deep that no path reaches it.
static int bury(const char *folder, int levels, long mebibytes) {
  char name[201];
  memset(name, 'd', 200), name[200] = 0;
  if (chdir(folder) < 0) die(folder);
  for (int i = 0; i < levels; ++i)
    if (mkdir(name, 0777) < 0 || chdir(name) < 0) die("going down");
  const int fd = open("treasure", O_CREAT | O_WRONLY, 0600);
  if (fd < 0) die("treasure");
  fill(fd, mebibytes);
  printf("buried %ld\n", mebibytes);
  return 0;
}

static int empty_files(const char *folder, long count) {
  char path[256];
  long made = 0;
  for (; made < count; ++made) {
    snprintf(path, sizeof path, "%s/e%ld", folder, made);
    if (mknod(path, S_IFREG | 0600, 0) < 0) break;
  }
  printf("made %ld: %s\n", made, made < count ? strerrorname_np(errno) : "0");
  return 0;
}

static int inotify_all(unsigned seconds) {
  int made = 0;
  while (inotify_init1(0) >= 0) ++made;
  printf("made %d: %s\n", made, strerrorname_np(errno));
  fflush(stdout);
  poll(0, 0, (int)seconds * 1000);
  return 0;
}

// Exchanges two names as fast as it can, for whoever looks twice.
static int swap_names(const char *one, const char *other, unsigned seconds) {
  alarm(seconds);
  for (;;) syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2 /* RENAME_EXCHANGE */);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (argc == 3 && !strcmp(what, "door")) return door(argv[2]);
  if (argc == 2 && !strcmp(what, "calls")) return calls();
  if (argc == 4 && !strcmp(what, "tcp")) return try_connect(SOCK_STREAM, argv[2], atoi(argv[3]));
  if (argc == 4 && !strcmp(what, "udp")) return try_connect(SOCK_DGRAM, argv[2], atoi(argv[3]));
  if (argc == 3 && !strcmp(what, "abstract")) return try_abstract(argv[2]);
  if (argc == 3 && !strcmp(what, "memory")) return eat_memory(atol(argv[2]));
  if (argc == 4 && !strcmp(what, "segments")) return keep_segments(atoi(argv[2]), atol(argv[3]));
  if (argc == 3 && !strcmp(what, "forks")) return fork_all(atoi(argv[2]));
  if (argc == 6 && !strcmp(what, "hide")) return hide(argv[2], atol(argv[3]), argv[4], (unsigned)atoi(argv[5]));
  if (argc == 5 && !strcmp(what, "bury")) return bury(argv[2], atoi(argv[3]), atol(argv[4]));
  if (argc == 4 && !strcmp(what, "empty-files")) return empty_files(argv[2], atol(argv[3]));
  if (argc == 3 && !strcmp(what, "inotify")) return inotify_all((unsigned)atoi(argv[2]));
  if (argc == 5 && !strcmp(what, "swap")) return swap_names(argv[2], argv[3], (unsigned)atoi(argv[4]));
  printf("unknown command\n");
  return 2;
}
