#include "agent/launcher.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.h"
#include "io/conn.h"
#include "io/file.h"
#include "io/http.h"
#include "protocol/codec.h"
#include "support/temp_directory.h"

namespace agent {
namespace {

using namespace protocol;

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// A pod: its volumes stay from one execution to the next.
struct LauncherTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  SilentLog log;
  test::TempDirectory folder;
  Welcome welcome{.ns = "default", .name = "r", .uid = "u", .model = "m", .task = "do it"};
  std::optional<Outcome> outcome;
  std::vector<Step> steps;
  std::string out, err;
  Launcher* launcher = nullptr;

  LauncherTest() {
    for (const char* name : {"workspace", "tmp", "ipc"}) ::mkdir((folder / name).c_str(), 0755);
  }

  io::Task<> handle(io::Exchange& exchange) {
    const std::string body = co_await exchange.body(1 << 24);
    std::string answer = "{}";
    if (exchange.target() == "/v1/hello") answer = to_text(welcome);
    if (exchange.target() == "/v1/outcome") outcome = from_text<Outcome>(body);
    co_await exchange.respond({200, {{"Content-Type", "application/json"}}, answer});
  }

  // One execution; its exit code.
  int run(std::vector<std::string> argv) {
    io::HttpServer server(loop, clock, log, {},
                          [this](io::Exchange& exchange) { return handle(exchange); });
    auto listener = io::listen_tcp(loop, "127.0.0.1", 0);
    io::TaskGroup group(loop);
    group.spawn("bridge", server.serve(*listener, nullptr));
    BridgeClient client(loop, clock, io::tcp_dialer("127.0.0.1", listener->port()));
    Launcher one(loop, clock, client,
                 {.argv = std::move(argv),
                  .env = {"PATH=/usr/bin:/bin", "RESULT=" + (folder / "ipc/result")},
                  .workspace = folder / "workspace",
                  .temporary = folder / "tmp",
                  .result_file = folder / "ipc/result",
                  .progress_file = folder / "ipc/.progress"},
                 {[this](const Step& step) { steps.push_back(step); },
                  [this](std::string_view bytes) { out += bytes; },
                  [this](std::string_view bytes) {
                    err += bytes;
                    if (launcher) launcher->stop(SIGTERM);
                  }});
    if (stop_at_first_word) launcher = &one;
    const int code = loop.run(one.run());
    launcher = nullptr;
    group.stop();
    loop.run(group.join());
    ++welcome.execution;
    return code;
  }
  int run_shell(const std::string& script) { return run({"sh", "-c", script}); }
  bool stop_at_first_word = false;
};

TEST_F(LauncherTest, TakesTheOutputOfAProgramThatSucceedsAsItsResult) {
  EXPECT_EQ(run_shell("pwd; echo words >&2; echo 42"), 0);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, RunStatus::success);
  EXPECT_EQ(outcome->text, (folder / "workspace") + "\n42");
  EXPECT_EQ(out, (folder / "workspace") + "\n42\n");
  EXPECT_EQ(err, "words\n");
  EXPECT_EQ(steps.front().type, StepType::start);
  EXPECT_EQ(steps.back().text, "success");
}

TEST_F(LauncherTest, PrefersTheResultFile) {
  EXPECT_EQ(run_shell("echo noise; printf '%s' 'the answer' > $RESULT"), 0);
  EXPECT_EQ(outcome->text, "the answer");
}

TEST_F(LauncherTest, TakesAnyBytesButNotTooMany) {
  EXPECT_EQ(run_shell("printf 'a\\377b' > $RESULT"), 0);
  EXPECT_EQ(outcome->text,
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(run_shell("head -c 9000000 /dev/zero > $RESULT"), 0);
  EXPECT_EQ(outcome->status, RunStatus::error);
  EXPECT_NE(outcome->error.find("its result cannot be taken"), std::string::npos);
}

TEST_F(LauncherTest, KeepsTheEndOfALongOutput) {
  EXPECT_EQ(run_shell("yes é | head -c 3000000; echo last"), 0);
  EXPECT_LE(outcome->text.size(), 256u * 1024);
  EXPECT_TRUE(outcome->text.ends_with("last"));
  EXPECT_TRUE(outcome->text.starts_with("é"));
}

TEST_F(LauncherTest, StartsAgainInAnEmptyWorkspace) {
  EXPECT_EQ(run_shell("mkdir -p d; echo x > d/f; echo old > $RESULT; kill -KILL $$"),
            128 + SIGKILL);
  EXPECT_FALSE(outcome) << "a crash is no outcome";
  EXPECT_EQ(run_shell("ls; ls -A"), 0);
  EXPECT_EQ(outcome->text, "");
}

TEST_F(LauncherTest, FailsTheRunWhenItsProgramFailsTwiceWithoutProgress) {
  welcome.completed = 0;
  EXPECT_EQ(run_shell("exit 7"), 7);
  welcome.completed = 3;
  EXPECT_EQ(run_shell("exit 7"), 7) << "three calls further";
  EXPECT_FALSE(outcome);
  EXPECT_EQ(run_shell("echo no such key >&2; exit 7"), 0);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, RunStatus::error);
  EXPECT_EQ(outcome->error,
            "the program ended with code 7, and so it did before, with no model call completed in "
            "between; its last words: no such key");
}

TEST_F(LauncherTest, NeverTakesASignalForAFailure) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run_shell("kill -SEGV $$"), 128 + SIGSEGV);
  EXPECT_FALSE(outcome);
}

TEST_F(LauncherTest, SaysThatThereIsNoSuchProgram) {
  EXPECT_EQ(run({"no-such-agent"}), 0);
  EXPECT_EQ(outcome->error, "spec.harness.command: the image has no program \"no-such-agent\"");
}

TEST_F(LauncherTest, TellsTheProgramItsTask) {
  welcome.task = "count $(SYSTEM_PROMPT)";
  welcome.system = "be brief";
  EXPECT_EQ(run({"sh", "-c", "echo \"$TASK|$SYSTEM_PROMPT|$0|$1\"", "<$(TASK)>", "$(HOME)"}), 0);
  EXPECT_EQ(outcome->text, "count $(SYSTEM_PROMPT)|be brief|<count $(SYSTEM_PROMPT)>|$(HOME)");
}

TEST_F(LauncherTest, SaysThatATaskIsTooLong) {
  welcome.task = std::string(200'000, 'x');
  EXPECT_EQ(run_shell("true"), 0);
  EXPECT_EQ(outcome->status, RunStatus::error);
  EXPECT_NE(outcome->error.find("Argument list too long"), std::string::npos) << outcome->error;
}

TEST_F(LauncherTest, TakesNoEndForAnOutcomeThatItWasToldToMake) {
  stop_at_first_word = true;
  EXPECT_EQ(run_shell("trap 'exit 0' TERM; echo up >&2; while :; do sleep 0.01; done"),
            128 + SIGTERM);
  EXPECT_FALSE(outcome);
}

TEST_F(LauncherTest, WaitsForNoStreamThatADescendantHolds) {
  EXPECT_EQ(run_shell("sleep 1000 & echo $!"), 0);
  const int left = std::stoi(outcome->text);
  EXPECT_EQ(::kill(left, SIGKILL), 0);
}

TEST_F(LauncherTest, RunsNothingWhenTheOutcomeIsCommitted) {
  welcome.outcome = Outcome{};
  EXPECT_EQ(run_shell("exit 9"), 0);
  EXPECT_FALSE(outcome);
}

}  // namespace
}  // namespace agent
