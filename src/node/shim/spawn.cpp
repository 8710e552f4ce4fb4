#include "node/shim/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "node/shim/poller.h"

namespace node::shim {

namespace {

[[noreturn]] void fail(const char* what) {
  const char* why = std::strerror(errno);
  ::dprintf(2, "shim: %s: %s\n", what, why);
  ::_exit(127);
}

void place_fds(const Child& child) {
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, 0);
  // First out of the way, then to their places: a source may sit on another's number.
  std::vector<std::pair<int, int>> moved;
  for (auto [ours, theirs] : child.fds) {
    const int high = ::fcntl(ours, F_DUPFD_CLOEXEC, 200);
    if (high < 0) fail("duplicating a descriptor");
    moved.emplace_back(high, theirs);
  }
  unsigned next = 3;
  for (auto [high, theirs] : moved) {
    if (::dup2(high, theirs) < 0) fail("placing a descriptor");
    next = std::max(next, static_cast<unsigned>(theirs) + 1);
  }
  ::close_range(next, ~0U, 0);
}

void drop_rights(unsigned uid, unsigned gid) {
  if (::setgroups(0, nullptr) < 0) fail("setgroups");
  if (::setresgid(gid, gid, gid) < 0) fail("setresgid");
  if (::setresuid(uid, uid, uid) < 0) fail("setresuid");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no_new_privs");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

pid_t spawn(const Child& child) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw base::Error(base::Code::internal, "fork failed");
  if (pid > 0) return pid;

  unblock_signals();
  place_fds(child);
  if (child.user) drop_rights(child.user->first, child.user->second);
  if (child.dies_with_us) {  // after the change of user, which clears it
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
  }
  auto env = child.env;
  if (child.names_listeners) env.push_back("LISTEN_PID=" + std::to_string(::getpid()));
  auto argv_pointers = pointers(child.argv);
  auto env_pointers = pointers(env);
  ::execve(child.argv[0].c_str(), argv_pointers.data(), env_pointers.data());
  fail(child.argv[0].c_str());
}

}  // namespace node::shim
