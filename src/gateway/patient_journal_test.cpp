#include "gateway/patient_journal.h"

#include <gtest/gtest.h>

#include "journal/sqlite_journal.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

struct CountingLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override { ++lines; }
  int lines = 0;
};

// A real journal on a disk that is full for some time.
class FullDisk final : public journal::Journal {
 public:
  explicit FullDisk(journal::Journal& journal) : journal_(journal) {}
  io::Task<std::int64_t> append(journal::Batch batch) override {
    ++asked;
    if (failure) throw base::Error(*failure, "journal.db: disk full");
    const std::int64_t seq = co_await journal_.append(std::move(batch));
    co_return seq;
  }
  io::Task<std::optional<journal::RunState>> state(std::string run) override {
    return journal_.state(run);
  }
  io::Task<std::vector<journal::Event>> events(std::string run, std::int64_t after,
                                               std::size_t limit) override {
    return journal_.events(run, after, limit);
  }
  io::Task<std::optional<journal::Event>> find(std::string run, journal::Kind kind,
                                               std::string subject) override {
    return journal_.find(run, kind, subject);
  }
  io::Task<std::vector<std::string>> blobs(std::vector<std::string> names) override {
    return journal_.blobs(names);
  }
  io::Task<std::vector<journal::Delivery>> next(std::string consumer,
                                                std::optional<std::int64_t> after,
                                                std::size_t limit) override {
    return journal_.next(consumer, after, limit);
  }
  io::Task<> ack(std::string consumer, std::int64_t position) override {
    return journal_.ack(consumer, position);
  }
  io::Task<> erase(std::string run) override { return journal_.erase(run); }
  io::Task<> forget(std::string run) override { return journal_.forget(run); }

  std::optional<base::Code> failure;
  int asked = 0;

 private:
  journal::Journal& journal_;
};

struct PatientJournalTest : testing::Test {
  test::TempDirectory folder;
  io::Loop loop;
  test::VirtualClock clock;
  CountingLog log;
  io::BlockingPool pool;
  journal::SqliteJournal sqlite{loop, clock, pool, folder / "journal.db"};
  FullDisk disk{sqlite};
  PatientJournal journal{clock, log, disk};

  static journal::Batch batch() {
    journal::Batch batch{.run = "u", .fence = {1, 0}, .events = {}, .blobs = {}};
    batch.add(journal::RunBegun{.ns = "n", .name = "r", .policyHash = "", .attempt = 1});
    return batch;
  }
};

TEST_F(PatientJournalTest, WritesWhatWasDecidedOnceThereIsSpace) {
  disk.failure = base::Code::unavailable;
  std::optional<std::int64_t> seq;
  auto write = [&]() -> io::Task<> { seq = co_await journal.append(batch()); };
  io::TaskGroup group(loop);
  group.spawn("write", write());
  for (int i = 0; i < 5; ++i) {
    loop.run_ready();
    clock.advance(base::Duration(5'000));
  }
  EXPECT_FALSE(seq);
  EXPECT_GE(disk.asked, 5);
  EXPECT_EQ(log.lines, 1);

  disk.failure.reset();
  clock.advance(base::Duration(5'000));
  loop.run(group.join());
  EXPECT_EQ(seq, 0);
  EXPECT_EQ(loop.run(journal.events("u", -1, 10)).size(), 1U);
}

TEST_F(PatientJournalTest, PassesARefusalOn) {
  disk.failure = base::Code::conflict;
  EXPECT_THROW(loop.run(journal.append(batch())), base::Error);
  EXPECT_EQ(disk.asked, 1);
}

}  // namespace
}  // namespace gateway
