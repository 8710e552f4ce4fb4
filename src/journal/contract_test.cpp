// Both journals keep what a journal promises.
#include <gtest/gtest.h>

#include "journal/checkpoints_contract.h"
#include "journal/postgres_journal.h"
#include "journal/sqlite_journal.h"
#include "support/postgres_server.h"
#include "support/seeded_random.h"
#include "support/temp_directory.h"

namespace journal {
namespace {

class SqliteHome final : public JournalHome {
 public:
  SqliteHome() { reopen(); }
  io::Loop& loop() override { return loop_; }
  test::VirtualClock& clock() override { return clock_; }
  Journal& journal() override { return *journal_; }
  void reopen() override {
    other_.reset();
    journal_.reset();
    open(journal_);
  }
  Journal& other() override {
    if (!other_) open(other_);
    return *other_;
  }

 private:
  void open(std::optional<SqliteJournal>& journal) {
    journal.emplace(loop_, clock_, pool_, directory_ / "journal.db",
                    std::vector<std::string>{"one", "two"});
  }

  test::TempDirectory directory_;
  io::Loop loop_;
  test::VirtualClock clock_;
  io::BlockingPool pool_;
  std::optional<SqliteJournal> journal_, other_;
};

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

class PostgresHome final : public JournalHome {
 public:
  PostgresHome() { reopen(); }
  io::Loop& loop() override { return loop_; }
  test::VirtualClock& clock() override { return clock_; }
  Journal& journal() override { return *journal_; }
  void reopen() override {
    other_.reset();
    journal_.reset();
    journal_ = open();
  }
  Journal& other() override {
    if (!other_) other_ = open();
    return *other_;
  }

 private:
  std::unique_ptr<PostgresJournal> open() {
    return loop_.run(PostgresJournal::open(loop_, clock_, random_, log_, pool_,
                                           {.conninfo = base::Secret<std::string>(database_)},
                                           {"one", "two"}));
  }

  std::string database_ = test::shared_postgres().make_database();
  io::Loop loop_;
  test::VirtualClock clock_;
  test::SeededRandom random_{1};
  SilentLog log_;
  io::BlockingPool pool_;
  std::unique_ptr<PostgresJournal> journal_, other_;
};

const MakeHome sqlite = [] { return std::make_unique<SqliteHome>(); };
const MakeHome postgres_server = [] { return std::make_unique<PostgresHome>(); };
INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract, ::testing::Values(sqlite));
INSTANTIATE_TEST_SUITE_P(Sqlite, ArchiveContract, ::testing::Values(sqlite));
INSTANTIATE_TEST_SUITE_P(Sqlite, CheckpointsContract, ::testing::Values(sqlite));
INSTANTIATE_TEST_SUITE_P(Postgres, CheckpointsContract, ::testing::Values(postgres_server));
INSTANTIATE_TEST_SUITE_P(Postgres, JournalContract, ::testing::Values(postgres_server));
INSTANTIATE_TEST_SUITE_P(Postgres, ArchiveContract, ::testing::Values(postgres_server));

}  // namespace
}  // namespace journal
