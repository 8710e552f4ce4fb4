#include "journal/sqlite_journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "io/file.h"
#include "journal/chain.h"
#include "journal/record.h"
#include "journal/tables.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace journal {
namespace {

class InSqlite : public ::testing::Test {
 protected:
  test::TempDirectory directory_;
  std::string path_ = directory_ / "journal.db";
  io::Loop loop_;
  test::VirtualClock clock_;
  io::BlockingPool pool_;
};

Batch begun(const std::string& run) {
  Batch batch{.run = run, .fence = {1, 0}};
  return batch.add(RunBegun{.ns = "default", .name = run});
}

TEST_F(InSqlite, OneAppendIsOneCommit) {
  SqliteJournal journal(loop_, clock_, pool_, path_);
  loop_.run(journal.append(begun("a")));
  Batch batch{.run = "a", .fence = {1, 1}};
  batch.add_blob(std::string(5000, 'x'));
  batch.add(ModelIntent{}).add(ModelOutcome{});
  loop_.run(journal.append(batch));
  EXPECT_EQ(journal.counters().commits, 2u);
}

TEST_F(InSqlite, AppendsOfManyRunsShareCommits) {
  SqliteJournal journal(loop_, clock_, pool_, path_);
  io::TaskGroup group(loop_);
  auto one = [&](std::string run) -> io::Task<> {
    Batch batch = begun(run);
    co_await journal.append(std::move(batch));
  };
  for (int i = 0; i < 500; ++i) group.spawn("append", one(std::to_string(i)));
  loop_.run(group.join());
  EXPECT_EQ(journal.counters().jobs, 500u);
  EXPECT_LT(journal.counters().commits, 250u);
}

TEST_F(InSqlite, TheFileGrowsWithTheConversationOnly) {
  const auto size_after = [&](int turns) {
    const std::string path = directory_ / std::to_string(turns);
    std::mt19937 random(1);  // incompressible
    {
      SqliteJournal journal(loop_, clock_, pool_, path);
      loop_.run(journal.append(begun("a")));
      for (std::int64_t turn = 1; turn <= turns; ++turn) {
        Batch batch{.run = "a", .fence = {1, 1}};
        std::string text(2000, ' ');
        std::ranges::generate(text, [&] { return static_cast<char>(random()); });
        const std::string name = batch.add_blob(text);
        batch.add(ModelIntent{.turn = turn, .parent = turn - 1, .appended = {name}});
        loop_.run(journal.append(batch));
      }
    }
    return static_cast<double>(std::filesystem::file_size(path));
  };
  const double base = size_after(50), twice = size_after(100), four = size_after(200);
  EXPECT_NEAR((four - twice) / (twice - base), 2.0, 0.3);
}

TEST_F(InSqlite, ConsumersThatAreNotNamedAnyMoreHoldNothingBack) {
  {
    SqliteJournal journal(loop_, clock_, pool_, path_, {"old", "stays"});
    loop_.run(journal.append(begun("a")));
    loop_.run(journal.ack("stays", 1));
    EXPECT_EQ(loop_.run(journal.next("old", std::nullopt, 10)).size(), 1u);
  }
  SqliteJournal journal(loop_, clock_, pool_, path_, {"stays"});
  EXPECT_THROW(loop_.run(journal.next("old", std::nullopt, 10)), base::Error);
  loop_.run(journal.append(begun("b")));
  EXPECT_EQ(loop_.run(journal.next("stays", std::nullopt, 10)).at(0).event.id(), "b/0");
}

TEST_F(InSqlite, WithoutConsumersTheOutboxStaysEmpty) {
  {
    SqliteJournal journal(loop_, clock_, pool_, path_);
    loop_.run(journal.append(begun("a")));
  }
  SqliteJournal journal(loop_, clock_, pool_, path_, {"new"});
  loop_.run(journal.append(begun("b")));
  EXPECT_EQ(loop_.run(journal.next("new", std::nullopt, 10)).at(0).event.id(), "b/0");
}

// A file of the first schema, written with the SQL of its time.
TEST_F(InSqlite, LeavesNoBytesOfWhatWasErasedInItsFile) {
  const std::string little = "nobody may read this again", name = "a-run-of-some-name";
  std::mt19937 random(1);
  std::string large(20'000, '\0');  // on pages of its own, and not compressed
  for (char& byte : large) byte = static_cast<char>(random());
  const auto has = [&](std::string_view text) { return io::read_file(path_).contains(text); };
  const auto do_with_journal = [&](auto what) {
    SqliteJournal journal(loop_, clock_, pool_, path_);
    loop_.run(what(journal));
  };
  do_with_journal([&](SqliteJournal& journal) {
    Batch batch{.run = "a", .fence = {1, 0}};
    batch.add_blob(little);
    batch.add_blob(large);
    batch.add(RunBegun{.ns = "default", .name = name}).add(RunOutcome{});
    return journal.append(batch);
  });
  for (const auto& text : {little, large.substr(10'000, 100), name}) EXPECT_TRUE(has(text));
  do_with_journal([](SqliteJournal& journal) { return journal.erase("a"); });
  EXPECT_FALSE(has(little));
  for (std::size_t at = 0; at < large.size(); at += 100) EXPECT_FALSE(has(large.substr(at, 20)));
  EXPECT_TRUE(has(name));
  do_with_journal([](SqliteJournal& journal) { return journal.forget("a"); });
  EXPECT_FALSE(has(name));
}

TEST_F(InSqlite, BringsAFileOfTheFirstSchemaUpToDate) {
  {
    sqlite::FileKind first = file_kind();
    first.migrations.resize(1);
    sqlite::Database database(path_, first, sqlite::Access::read_write);
    for (const auto& [run, at] : {std::pair{"late", 30}, {"early", 10}}) {
      database.run(
          "INSERT INTO runs(run_uid, ns, name, attempt, execution, seq, link)"
          " VALUES (?, 'x', 'n', 1, 0, 1, zeroblob(32))",
          run);
      for (int seq : {0, 1})
        database.run(
            "INSERT INTO events VALUES (?, ?, 1, 0, 'execution.begun', 1, '', ?, zeroblob(32),"
            " zeroblob(32), '{}')",
            run, seq, at + 25 * seq);
    }
  }
  SqliteJournal journal(loop_, clock_, pool_, path_);
  std::vector<std::string> ids;
  for (const auto& delivery : loop_.run(journal.history("x", 0, 10)))
    ids.push_back(delivery.event.id());
  EXPECT_EQ(ids, (std::vector<std::string>{"early/0", "late/0", "early/1", "late/1"}));
  loop_.run(journal.append(begun("new")));
  const auto runs = loop_.run(journal.runs({.ns = "x"}, 10));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].run, "late");
  EXPECT_EQ(loop_.run(journal.runs({.ns = "default"}, 10)).at(0).number, 3);
}

// ---- death ----

struct Told {
  std::int32_t run;
  std::int32_t seq;
};

// Goes on with four runs from where the file stands; tells each append after it was acknowledged.
void append_and_tell(const std::string& path, int pipe) {
  io::Loop loop;
  test::VirtualClock clock;
  io::BlockingPool pool(1);
  SqliteJournal journal(loop, clock, pool, path, {"one"});
  auto go_on = [&](std::int32_t number) -> io::Task<> {
    const std::string run = std::to_string(number);
    const auto state = co_await journal.state(run);
    Fence fence{1, state ? state->fence.execution + 1 : 1};
    if (!state) {
      Batch first = begun(run);
      co_await journal.append(std::move(first));
    }
    for (std::int64_t turn = 1;; ++turn) {
      Batch batch{.run = run, .fence = fence};
      const std::string name = batch.add_blob(run + " " + std::to_string(turn));
      batch.add(ModelIntent{.turn = turn, .parent = turn - 1, .appended = {name}});
      batch.add(ModelOutcome{.turn = turn, .message = name, .usage = {1, 1}});
      const std::int64_t seq = co_await journal.append(std::move(batch));
      const Told told{number, static_cast<std::int32_t>(seq)};
      if (::write(pipe, &told, sizeof told) != sizeof told) ::_exit(1);
    }
  };
  io::TaskGroup group(loop);
  for (std::int32_t run = 0; run < 4; ++run) group.spawn("run", go_on(run));
  loop.run(group.join());
}

TEST(JournalDeath, AtAnyMomentLosesNoAcknowledgedEventAndLeavesNoGap) {
  const test::TempDirectory directory;
  const std::string path = directory / "journal.db";
  std::mt19937 random(4711);
  for (int round = 0; round < 10; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      append_and_tell(path, ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    std::map<std::int32_t, std::int64_t> last;
    Told told;
    for (auto left = random() % 150 + 1; ::read(ends[0], &told, sizeof told) == sizeof told;) {
      last[told.run] = told.seq;
      if (--left == 0) ::kill(pid, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    io::Loop loop;
    test::VirtualClock clock;
    io::BlockingPool pool(1);
    SqliteJournal journal(loop, clock, pool, path, {"one"});
    for (const auto& [run, seq] : last) {
      const auto state = loop.run(journal.state(std::to_string(run)));
      ASSERT_TRUE(state);
      EXPECT_GE(state->seq, seq);
      const auto events = loop.run(journal.events(std::to_string(run), -1, 100'000));
      ASSERT_EQ(find_fault(events, *state), std::nullopt);
      // An intent and its outcome came in one append; their blob came with them.
      EXPECT_EQ(state->sums.modelCalls, state->sums.inputTokens);
      for (const auto& event : events)
        if (event.kind == Kind::model_outcome)
          ASSERT_EQ(loop.run(journal.blobs({read<ModelOutcome>(event).message})).size(), 1u);
    }
  }
}

}  // namespace
}  // namespace journal
