#include "executor/executor.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/json.h"
#include "io/file.h"
#include "support/temp_directory.h"

namespace executor {
namespace {

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

struct ExecutorTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  SilentLog log;
  test::TempDirectory folder;
  Config config{.ipc = folder.path(), .workspace = folder.path(), .environment = {"PATH=/bin"}};

  void ask(const std::string& id, base::Json request) {
    request.as_object()["id"] = id;
    io::write_file(folder / ("tools/exec-request-" + id + ".json"), base::to_text(request), 0600);
  }
  // Waits until its folder has it.
  io::Task<base::Json> answer(std::string id) {
    const std::string path = folder / ("tools/exec-result-" + id + ".json");
    io::DirectoryWatch changes(loop, folder / "tools");
    std::optional<std::string> text = io::find_file(path);
    while (!text) {
      co_await changes.next();
      text = io::find_file(path);
    }
    co_return base::parse_json(*text);
  }
};

TEST_F(ExecutorTest, MayStartBeforeTheBridgeHasMadeItsFolder) {
  io::TaskGroup group(loop);
  group.spawn("executor", run(loop, clock, log, config));
  loop.run_ready();
  io::make_directories(folder / "tools", 0700);
  ask("1", {{"command", "echo here"}});
  const base::Json result =
      loop.run(io::within(clock, base::Duration(20'000), "the answer", answer("1")));
  EXPECT_EQ(base::text_at(result, {"stdout"}), "here\n");
  EXPECT_EQ(base::find_int(result, {"exitCode"}), 0);
}

TEST_F(ExecutorTest, IsNotHeldByAPipeInAFilesPlace) {
  io::make_directories(folder / "tools", 0700);
  ASSERT_EQ(::mkfifo((folder / "tools/exec-request-1.json").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "tools/exec-result-2.json").c_str(), 0600), 0);
  ask("2", {{"command", "echo never"}});
  ask("3", {{"command", "echo here"}});
  io::TaskGroup group(loop);
  group.spawn("executor", run(loop, clock, log, config));
  const base::Json piped =
      loop.run(io::within(clock, base::Duration(20'000), "the answer", answer("1")));
  EXPECT_EQ(base::find_int(piped, {"exitCode"}), 126);
  const base::Json result =
      loop.run(io::within(clock, base::Duration(20'000), "the answer", answer("3")));
  EXPECT_EQ(base::text_at(result, {"stdout"}), "here\n");
}

TEST_F(ExecutorTest, SaysThatItsShellIsMissing) {
  config.shell = folder / "no-shell";
  io::make_directories(folder / "tools", 0700);
  ask("1", {{"command", "true"}});
  io::TaskGroup group(loop);
  group.spawn("executor", run(loop, clock, log, config));
  const base::Json result =
      loop.run(io::within(clock, base::Duration(20'000), "the answer", answer("1")));
  EXPECT_EQ(base::find_int(result, {"exitCode"}), 126);
  EXPECT_NE(base::text_at(result, {"stderr"}).find("no-shell"), std::string::npos) << result;
}

// The sidecar dies while its command runs, and is restarted.
struct ExecutorRestartTest : ExecutorTest {
  base::Json ask_two_executors(bool idempotent) {
    io::make_directories(folder / "tools", 0700);
    ask("1", {{"command", "echo run >>log; touch begun/now; [ -e second ] || sleep 60"},
              {"idempotent", idempotent}});
    io::make_directories(folder / "begun", 0700);
    {
      io::TaskGroup group(loop);
      io::DirectoryWatch begun(loop, folder / "begun");
      group.spawn("executor", run(loop, clock, log, config));
      loop.run(io::within(clock, base::Duration(20'000), "the command's begin", begun.next()));
    }
    io::write_file(folder / "second", "", 0600);
    io::TaskGroup group(loop);
    group.spawn("executor", run(loop, clock, log, config));
    return loop.run(io::within(clock, base::Duration(20'000), "the answer", answer("1")));
  }
};

TEST_F(ExecutorRestartTest, RunsNoCommandASecondTime) {
  const base::Json result = ask_two_executors(false);
  EXPECT_EQ(base::find_int(result, {"exitCode"}), 137);
  EXPECT_TRUE(base::text_at(result, {"stderr"}).starts_with("outcome unknown: ")) << result;
  EXPECT_EQ(io::read_file(folder / "log"), "run\n");
}

TEST_F(ExecutorRestartTest, RunsAnIdempotentCommandAgain) {
  const base::Json result = ask_two_executors(true);
  EXPECT_EQ(base::find_int(result, {"exitCode"}), 0);
  EXPECT_EQ(io::read_file(folder / "log"), "run\nrun\n");
}

}  // namespace
}  // namespace executor
