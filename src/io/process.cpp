#include "io/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

namespace {

constexpr std::size_t stack_bytes = 64 * 1024;
#if __has_feature(thread_sanitizer)
constexpr bool thread_sanitizer = true;  // which loses count of threads when memory is shared
#else
constexpr bool thread_sanitizer = false;
#endif

struct Mapping {
  explicit Mapping(std::size_t bytes)
      : size(bytes),
        at(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (at == MAP_FAILED) throw_errno("making", "a stack");
  }
  Mapping(const Mapping&) = delete;
  ~Mapping() { ::munmap(at, size); }
  std::size_t size;
  void* at;
};

// Signals wait while a child runs in our memory.
struct SignalsHeld {
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  sigset_t before;
};

// What the child needs, made before it exists: it may neither allocate nor take a lock.
struct Plan {
  const ProcessSpec& spec;
  std::vector<char*> argv, envp;
  std::vector<std::pair<int, int>> moves;  // {ours, the child's}, sorted by the child's
  std::vector<int> raised;                 // our descriptors, copied above all targets
  pid_t parent = ::getpid();
  struct Failure {
    int error;
    const char* doing;
  };
  Failure* failure;  // in shared memory

  Plan(const ProcessSpec& s, Failure* f) : spec(s), moves(s.fds), failure(f) {
    for (const auto& word : s.argv) argv.push_back(const_cast<char*>(word.c_str()));
    for (const auto& word : s.env) envp.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    std::ranges::sort(moves, {}, &std::pair<int, int>::second);
    raised.resize(moves.size());
  }

  bool place_descriptors() {
    const int above = std::max(2, moves.empty() ? 0 : moves.back().second) + 1;
    for (std::size_t i = 0; i < moves.size(); ++i)
      if ((raised[i] = ::fcntl(moves[i].first, F_DUPFD_CLOEXEC, above)) < 0) return false;
    for (std::size_t i = 0; i < moves.size(); ++i)
      if (::dup2(raised[i], moves[i].second) < 0) return false;
    for (int standard = 0; standard <= 2; ++standard) {
      if (std::ranges::find(moves, standard, &std::pair<int, int>::second) != moves.end()) continue;
      const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      if (null < 0 || (null != standard && ::dup2(null, standard) < 0)) return false;
      if (null == standard && ::fcntl(null, F_SETFD, 0) < 0) return false;
    }
    return close_others();
  }

  // The gaps between the targets, and everything above.
  bool close_others() const {
    unsigned from = 3;
    for (const auto& [ours, target] : moves) {
      const auto kept = static_cast<unsigned>(target);
      if (kept < from) continue;
      if (kept > from && ::syscall(SYS_close_range, from, kept - 1, 0) < 0) return false;
      from = kept + 1;
    }
    return ::syscall(SYS_close_range, from, ~0u, 0) == 0;
  }

  // By system call: glibc's wrappers change the ids of all threads of a process.
  bool change_user() const {
    if (!spec.user) return true;
    const auto [uid, gid] = *spec.user;
    return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
           ::syscall(SYS_setresgid, gid, gid, gid) == 0 &&
           ::syscall(SYS_setresuid, uid, uid, uid) == 0;
  }

  // After the change of user, which clears it; a parent that is gone already sends nothing.
  bool follow_parent() const {
    if (spec.parent_death_signal == 0) return true;
    return ::prctl(PR_SET_PDEATHSIG, spec.parent_death_signal) == 0 && ::getppid() == parent;
  }

  // By system call: glibc keeps 32 and 33 for itself and refuses to reset them, and whoever started
  // us may have left them ignored (musl does).
  static void reset_signals() {
    constexpr unsigned long standard[4] = {};  // the kernel's struct sigaction
    for (int signal = 1; signal < NSIG; ++signal)
      ::syscall(SYS_rt_sigaction, signal, standard, nullptr, sizeof(unsigned long));
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  int fail(const char* doing) const {
    *failure = {errno, doing};
    ::_exit(127);
  }

  int child() {
    reset_signals();
    if (!place_descriptors()) return fail("placing descriptors for");
    if (spec.session_leader && ::setsid() < 0) return fail("making a session for");
    if (::chdir(spec.directory.c_str()) < 0) return fail("changing the directory for");
    if (!change_user()) return fail("changing the user for");
    if (!follow_parent()) return fail("following the parent of");
    ::execve(argv[0], argv.data(), envp.data());
    return fail("starting");
  }
};

struct Started {
  pid_t pid;
  Fd pidfd;
};

// Whoever started us may have left SIGCHLD ignored, and the kernel then keeps no exit code.
void keep_exit_codes() {
  struct sigaction now;
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN)
    ::signal(SIGCHLD, SIG_DFL);
}

Started start(const ProcessSpec& spec) {
  keep_exit_codes();
  if (spec.argv.empty() || !spec.argv[0].starts_with('/'))
    throw base::Error(base::Code::invalid, "a program is named by its absolute path");
  const Mapping shared(stack_bytes);
  auto* failure = new (shared.at) Plan::Failure{0, ""};
  Plan plan(spec, failure);
  // Borrowing our memory until exec spares the copy of page tables. Not with another user: a
  // process of theirs that shares our memory would make it open to them.
  const int sharing = spec.user || thread_sanitizer ? 0 : CLONE_VM;
  int pidfd = -1;
  const auto enter = [](void* data) { return static_cast<Plan*>(data)->child(); };
  pid_t pid;
  {
    const SignalsHeld held;
    pid = ::clone(enter, static_cast<char*>(shared.at) + stack_bytes,
                  sharing | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  }
  if (pid < 0) throw_errno("forking for", spec.argv[0]);
  Fd owned(pidfd);
  if (failure->error == 0) return {pid, std::move(owned)};
  siginfo_t info;
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) < 0 &&
         errno == EINTR) {}
  errno = failure->error;
  throw_errno(failure->doing, spec.argv[0]);
}

int exit_code(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

// Lives until the child has ended, whatever becomes of the Process.
struct Process::Impl {
  Impl(asio::io_context& context, Started started)
      : pid(started.pid), pidfd(context, started.pidfd.release()) {}

  static void reap_at_end(const std::shared_ptr<Impl>& self) {
    self->pidfd.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self](boost::system::error_code error) {
                             if (!error && !self->reap()) reap_at_end(self);
                           });
  }

  // False when it was woken for nothing and the child still runs.
  bool reap() {
    siginfo_t info{};
    if (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd.native_handle()), &info,
                 WEXITED | WNOHANG) == 0) {
      if (info.si_pid == 0) return false;
      code = exit_code(info);
    }
    ended.set();
    return true;
  }

  pid_t pid;
  asio::posix::stream_descriptor pidfd;
  std::optional<int> code;  // nothing when somebody else has reaped it
  Event ended;
};

Process::Process(Loop& loop, const ProcessSpec& spec)
    : impl_(std::make_shared<Impl>(loop.impl().context, start(spec))) {
  Impl::reap_at_end(impl_);
}

Process::~Process() = default;

int Process::pid() const { return impl_->pid; }

void Process::kill(int signal) const {
  if (impl_->ended.is_set()) return;
  if (::syscall(SYS_pidfd_send_signal, impl_->pidfd.native_handle(), signal, nullptr, 0) < 0 &&
      errno != ESRCH)
    throw_errno("signalling", base::cat("process ", impl_->pid));
}

void Process::kill_session(int signal) const {
  // Its number is its own until it is reaped, and that is what sets `ended`.
  if (impl_->ended.is_set()) return;
  if (::kill(-impl_->pid, signal) < 0 && errno != ESRCH)
    throw_errno("signalling", base::cat("the session of process ", impl_->pid));
}

Task<int> Process::wait() {
  auto impl = impl_;
  co_await impl->ended.wait();
  if (!impl->code)
    throw base::Error(base::Code::internal,
                      base::cat("process ", impl->pid, " was reaped by somebody else"));
  co_return *impl->code;
}

}  // namespace io
