#include "gateway/patient_journal.h"

#include <gtest/gtest.h>

#include "gateway/away_journal_test.h"
#include "journal/sqlite_journal.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

struct LevelLog final : base::Log {
  void write(base::Level level, std::string_view, const Fields&) override {
    levels.push_back(level);
  }
  std::vector<base::Level> levels;
};

struct PatientJournalTest : testing::Test {
  test::TempDirectory folder;
  io::Loop loop;
  test::VirtualClock clock;
  LevelLog log;
  io::BlockingPool pool;
  journal::SqliteJournal sqlite{loop, clock, pool, folder / "journal.db", {"status"}};
  AwayJournal away{sqlite};
  PatientJournal journal{clock, log, away};

  static journal::Batch batch() {
    journal::Batch batch{.run = "u", .fence = {1, 0}, .events = {}, .blobs = {}};
    batch.add(journal::RunBegun{.ns = "n", .name = "r", .policyHash = "", .attempt = 1});
    batch.add_blob("a content");
    return batch;
  }

  // What is asked for while the journal is away is answered when it is back, and not before.
  template <class T>
  T answer_to_patience(io::Task<T> asked) {
    away.failure = base::Code::unavailable;
    std::optional<T> answer;
    auto ask = [](io::Task<T> task, std::optional<T>& room) -> io::Task<> {
      room = co_await std::move(task);
    };
    io::TaskGroup group(loop);
    group.spawn("asking", ask(std::move(asked), answer));
    for (int i = 0; i < 5; ++i) {
      loop.run_ready();
      clock.advance(base::Duration(5'000));
    }
    EXPECT_FALSE(answer);
    EXPECT_GE(away.asked, 5);
    away.failure.reset();
    clock.advance(base::Duration(5'000));
    loop.run(group.join());
    return std::move(*answer);
  }
};

TEST_F(PatientJournalTest, WritesWhatWasDecidedOnceThereIsSpace) {
  EXPECT_EQ(answer_to_patience(journal.append(batch())), 0);
  EXPECT_EQ(loop.run(sqlite.events("u", -1, 10)).size(), 1U);
}

TEST_F(PatientJournalTest, ReadsWhatARunGoesOnFromOnceItIsBack) {
  loop.run(sqlite.append(batch()));
  const std::string content = batch().blobs.front().sha256;
  EXPECT_EQ(answer_to_patience(journal.state("u"))->name, "r");
  EXPECT_EQ(answer_to_patience(journal.events("u", -1, 10)).size(), 1U);
  EXPECT_EQ(answer_to_patience(journal.find("u", journal::Kind::run_begun, ""))->seq, 0);
  EXPECT_EQ(answer_to_patience(journal.blobs({content})).front(), "a content");
}

TEST_F(PatientJournalTest, WaitsForTheNextEventAndAcknowledgesIt) {
  loop.run(sqlite.append(batch()));
  const auto deliveries = answer_to_patience(journal.next("status", std::nullopt, 10));
  ASSERT_EQ(deliveries.size(), 1U);
  auto acknowledge = [&]() -> io::Task<bool> {
    co_await journal.ack("status", deliveries.front().position);
    co_return true;
  };
  EXPECT_TRUE(answer_to_patience(acknowledge()));
}

TEST_F(PatientJournalTest, SaysOnceThatItWaitsAndOnceThatItIsBackHoweverManyWait) {
  away.failure = base::Code::unavailable;
  io::TaskGroup group(loop);
  auto look = [&]() -> io::Task<> { co_await journal.state("u"); };
  for (int i = 0; i < 3; ++i) group.spawn("looking", look());
  for (int i = 0; i < 4; ++i) {
    loop.run_ready();
    clock.advance(base::Duration(5'000));
  }
  EXPECT_EQ(log.levels, std::vector{base::Level::error});
  away.failure.reset();
  clock.advance(base::Duration(5'000));
  loop.run(group.join());
  EXPECT_EQ(log.levels, (std::vector{base::Level::error, base::Level::info}));
}

TEST_F(PatientJournalTest, PassesARefusalOn) {
  away.failure = base::Code::conflict;
  EXPECT_THROW(loop.run(journal.append(batch())), base::Error);
  EXPECT_EQ(away.asked, 1);
}

}  // namespace
}  // namespace gateway
