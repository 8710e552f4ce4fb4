#include "gateway/keeper.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "journal/sqlite_journal.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

using namespace std::chrono_literals;

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

struct KeeperTest : testing::Test {
  void begin(const std::string& run) {
    journal::Batch batch{.run = run, .fence = {1, 0}};
    batch.add(journal::RunBegun{.ns = "ns-" + run, .name = run});
    loop.run(journal.append(batch));
  }
  void end(const std::string& run) {
    journal::Batch batch{.run = run, .fence = {1, 1}};
    batch.add(journal::RunOutcome{});
    loop.run(journal.append(batch));
  }
  void acknowledge() {
    const auto all = loop.run(journal.next("status", {}, 100));
    loop.run(journal.ack("status", all.back().position));
  }
  std::string runs() {
    std::string out;
    for (const char* run : {"a", "b", "c"})
      if (loop.run(journal.state(run))) out += run;
    return out;
  }
  // Lets the keeper work until it waits for its next look.
  void settle() {
    auto wait = [this]() -> io::Task<> {
      while (clock.waiting() == 0) co_await io::yield();
    };
    loop.run(wait());
  }
  void start(base::Duration keep) {
    group.spawn("keeper", forget_old_runs(clock, log, journal, journal, keep));
    settle();
  }
  void pass(base::Duration time) {
    clock.advance(time);
    settle();
  }

  test::TempDirectory folder;
  io::Loop loop;
  test::VirtualClock clock;
  SilentLog log;
  io::BlockingPool pool;
  journal::SqliteJournal journal{loop, clock, pool, folder / "journal.db", {"status"}};
  io::TaskGroup group{loop};
};

TEST_F(KeeperTest, ForgetsARunWhenItHasEndedLongAgo) {
  for (const char* run : {"a", "b", "c"}) begin(run);
  end("a");
  acknowledge();
  start(48h);
  pass(1h);
  end("b");
  acknowledge();
  for (int hour = 2; hour < 48; ++hour) pass(1h);
  EXPECT_EQ(runs(), "abc");
  pass(1h);  // exactly as old as it may be
  EXPECT_EQ(runs(), "abc");
  pass(1h);
  EXPECT_EQ(runs(), "bc");
  for (int hour = 50; hour < 200; ++hour) pass(1h);
  EXPECT_EQ(runs(), "c") << "it has not ended";
}

TEST_F(KeeperTest, LooksOftenWhenRunsAreKeptShortly) {
  begin("a");
  end("a");
  acknowledge();
  start(10s);
  for (int second = 0; second < 11; ++second) pass(1s);
  EXPECT_EQ(runs(), "");
}

TEST_F(KeeperTest, ComesBackToARunThatAConsumerHasStillToHearOf) {
  for (const char* run : {"a", "b"}) begin(run);
  end("a");
  end("b");
  start(1s);
  pass(2s);
  EXPECT_EQ(runs(), "ab");
  acknowledge();
  pass(1s);
  EXPECT_EQ(runs(), "");
}

TEST_F(KeeperTest, ForgetsMoreRunsThanAPageHolds) {
  for (int i = 0; i < 250; ++i) {
    begin(base::cat("r", i));
    end(base::cat("r", i));
  }
  for (int i = 0; i < 5; ++i) acknowledge();  // two events of each, a hundred at once
  start(1s);
  pass(2s);
  EXPECT_TRUE(loop.run(journal.ended(clock.now(), 10)).empty());
}

}  // namespace
}  // namespace gateway
