#include "io/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/text.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace io {
namespace {

using namespace std::chrono_literals;

class Children : public ::testing::Test {
 protected:
  static ProcessSpec shell(const std::string& script) {
    return {.argv = {"/bin/sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}};
  }
  int end_of(const ProcessSpec& spec) {
    Process process(loop_, spec);
    return loop_.run(process.wait());
  }
  CommandResult run(ProcessSpec spec, std::string input = "") {
    return loop_.run(run_command(loop_, clock_, std::move(spec), std::move(input), 60s));
  }
  Loop loop_;
  SystemClock clock_{loop_};
};

TEST_F(Children, TellHowTheyEnded) {
  EXPECT_EQ(end_of(shell("exit 0")), 0);
  EXPECT_EQ(end_of(shell("exit 7")), 7);
  EXPECT_EQ(end_of(shell("kill -TERM $$")), 128 + SIGTERM);
}

TEST_F(Children, TellHowTheyEndedAlsoWhereTheirSignalWasIgnored) {
  ::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(end_of(shell("exit 7")), 7);
}

TEST_F(Children, ThatCannotBeStartedAreErrors) {
  try {
    Process(loop_, {.argv = {"/no/such/program"}});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::not_found);
    EXPECT_STREQ(error.what(), "starting /no/such/program: No such file or directory");
  }
  EXPECT_THROW(Process(loop_, {.argv = {"relative"}}), base::Error);
  EXPECT_THROW(Process(loop_, {.argv = {"/bin/true"}, .directory = "/no/such"}), base::Error);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST_F(Children, GetOnlyWhatTheyWereGiven) {
  ::setenv("SECRET_OF_THE_PARENT", "x", 1);
  const Fd stray(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  auto spec = shell("echo \"$A:$SECRET_OF_THE_PARENT\"; pwd; ls /proc/self/fd | tr '\\n' ' '");
  spec.env.push_back("A=b");
  spec.directory = "/tmp";
  // 3 is the directory that ls itself opens.
  EXPECT_EQ(run(spec).out, "b:\n/tmp\n0 1 2 3 ");
}

TEST_F(Children, GetDescriptorsAtTheirNumbersAlsoWhenTheyCross) {
  int first[2], second[2];
  ASSERT_EQ(::pipe2(first, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(second, O_CLOEXEC), 0);
  const Fd a(first[0]), b(first[1]), c(second[0]), d(second[1]);
  auto spec = shell(base::cat("echo one >&", d.get(), "; echo two >&", b.get()));
  spec.fds = {{b.get(), d.get()}, {d.get(), b.get()}};
  EXPECT_EQ(end_of(spec), 0);
  char buffer[16];
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(::read(a.get(), buffer, 16))), "one\n");
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(::read(c.get(), buffer, 16))), "two\n");
}

TEST_F(Children, HaveNullInPlaceOfStandardStreams) {
  EXPECT_EQ(end_of(shell("test \"$(readlink /proc/$$/fd/0)\" = /dev/null && echo x && echo y >&2")),
            0);
}

TEST_F(Children, StartWithPlainSignals) {
  constexpr int of_the_c_library = 33;
  constexpr unsigned long ignore[4] = {1};  // SIG_IGN in the kernel's struct sigaction
  unsigned long before[4];
  ::syscall(SYS_rt_sigaction, of_the_c_library, ignore, before, sizeof(unsigned long));
  EXPECT_EQ(run(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'")).out,
            "SigBlk:0000000000000000SigIgn:0000000000000000");
  ::syscall(SYS_rt_sigaction, of_the_c_library, before, nullptr, sizeof(unsigned long));
}

TEST_F(Children, RunAsAnotherUserWithoutGroups) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root";
  auto spec = shell("id -u; id -g; id -G");
  spec.user = {4711, 4712};
  EXPECT_EQ(run(spec).out, "4711\n4712\n4712\n");
  spec.argv = {"/root/none"};
  EXPECT_THROW(end_of(spec), base::Error);
}

TEST_F(Children, DieWithTheirParentWhenAsked) {
  auto spec = shell("grep -q . /proc/self/status; exec sleep 1000");
  spec.parent_death_signal = SIGKILL;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  spec.fds = {{in.get(), 1}};
  const pid_t parent = ::fork();
  if (parent == 0) {
    Loop loop;
    Process process(loop, spec);
    ::_exit(0);
  }
  in = Fd();
  ::waitpid(parent, nullptr, 0);
  char byte;
  EXPECT_EQ(::read(out.get(), &byte, 1), 0);  // its end of the pipe closed: it is dead
}

TEST_F(Children, AreKilledByTheirDescriptor) {
  Process process(loop_, shell("exec sleep 1000"));
  process.kill(SIGKILL);
  EXPECT_EQ(loop_.run(process.wait()), 128 + SIGKILL);
  process.kill(SIGKILL);  // fine
}

TEST_F(Children, NotWaitedForAreReaped) {
  int pid;
  {
    Process process(loop_, shell("exit 3"));
    pid = process.pid();
  }
  while (::kill(pid, 0) == 0) loop_.run_ready();
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(Children, OfACommandGetInputAndGiveOutput) {
  const std::string input(300'000, 'x');  // more than a pipe holds
  const CommandResult result = run(shell("cat; echo done >&2; exit 3"), input);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, input);
  EXPECT_EQ(result.err, "done\n");
}

TEST_F(Children, OfACommandNeedNotReadTheirInput) {
  EXPECT_EQ(run(shell("exec <&-; echo ok"), std::string(300'000, 'x')).out, "ok\n");
}

TEST_F(Children, OfACommandAreCutAtOneMebibyte) {
  const CommandResult result = run(shell("head -c 3000000 /dev/zero"));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out.size(), 1024u * 1024);
}

TEST_F(Children, OfACommandEndThoughTheirOwnChildrenHoldThePipe) {
  const CommandResult result = run(shell("sleep 1000 & echo $!"));
  EXPECT_EQ(result.code, 0);
  ::kill(std::stoi(result.out), SIGKILL);
}

TEST_F(Children, OfACommandAreKilledAtTheDeadline) {
  test::VirtualClock clock;
  TaskGroup group(loop_);
  base::Code code{};
  auto running = [&]() -> Task<> {
    auto spec = shell("exec sleep 1000");
    try {
      co_await run_command(loop_, clock, spec, "", 5s);
    } catch (const base::Error& error) {
      code = error.code();
    }
  };
  group.spawn("run", running());
  loop_.run_ready();
  clock.advance(5s);
  loop_.run(group.join());
  EXPECT_EQ(code, base::Code::timeout);
  while (::waitpid(-1, nullptr, WNOHANG) == 0) loop_.run_ready();  // ends: nothing is left alive
}

TEST_F(Children, OfACommandTakeTheirDescendantsAlongAtTheDeadline) {
  test::VirtualClock clock;
  test::TempDirectory folder;
  TaskGroup group(loop_);
  auto running = [&]() -> Task<> {
    auto spec = shell("sleep 1000 & echo $! > pid.new; mv pid.new pid; wait");
    spec.directory = folder.path();
    try {
      co_await run_command(loop_, clock, spec, "", 5s);
    } catch (const base::Error&) {}
  };
  group.spawn("run", running());
  std::optional<std::string> pid;
  while (!(pid = find_file(folder / "pid"))) loop_.run_ready();
  clock.advance(5s);
  loop_.run(group.join());
  // An orphan is reaped by somebody else, in its own time: dead or a zombie is all that can be
  // asked.
  const auto alive = [&] {
    auto status = find_file("/proc/" + std::string(base::trim(*pid)) + "/status");
    return status && status->find("State:\tZ") == std::string::npos;
  };
  while (alive()) loop_.run_ready();
}

}  // namespace
}  // namespace io
