#include "io/lockdown.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

namespace io {
namespace {

bool is_refused(long answer) { return answer < 0 && errno == EPERM; }

// In a child of its own: the filter cannot be taken back.
[[noreturn]] void look_around() {
  lock_down();
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  bool fine = is_refused(::execv(program, arguments)) && is_refused(::fork()) &&
              is_refused(::socket(AF_NETLINK, SOCK_RAW, 0)) &&
              is_refused(::socket(AF_PACKET, SOCK_RAW, 0)) &&
              is_refused(::socket(AF_X25, SOCK_SEQPACKET, 0));
  fine = fine && ::socket(AF_INET, SOCK_STREAM, 0) >= 0 &&
         ::socket(AF_INET6, SOCK_STREAM, 0) >= 0 && ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
  bool ran = false;
  std::thread([&ran] { ran = true; }).join();
  ::_exit(fine && ran ? 0 : 1);
}

TEST(Lockdown, RefusesProgramsAndOddSocketsButNotThreads) {
  EXPECT_EXIT(look_around(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace io
