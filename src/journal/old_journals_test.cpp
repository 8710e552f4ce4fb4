// Journals that earlier versions of this program wrote: brought up to date, and nothing of them is
// lost. The files of testdata/ are never changed; a new schema version adds one.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "journal/chain.h"
#include "journal/postgres_journal.h"
#include "journal/postgres_tables.h"
#include "journal/sqlite_journal.h"
#include "journal/tables.h"
#include "support/postgres_server.h"
#include "support/seeded_random.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace journal {
namespace {

using base::cat;
using base::Code;

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

class OldJournals : public ::testing::Test {
 protected:
  static std::string written_by(const std::string& port, std::size_t version) {
    return io::read_file(cat("src/journal/testdata/", port, "-", version, ".sql"));
  }
  std::vector<std::string> ids(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> out;
    for (const auto& delivery : deliveries) out.push_back(delivery.event.id());
    return out;
  }
  template <class Call>
  base::Error refusal(Call call) {
    try {
      call();
    } catch (const base::Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing thrown";
    return {Code::internal, ""};
  }

  // Run "a" of namespace x has ended, run "b" of y goes on; both use the content "You are an
  // agent." Consumer "one" has acknowledged three events, "two" none.
  void expect_whole(Journal& journal, Archive& archive) {
    for (const auto& [run, last] : {std::pair{"a", 6}, {"b", 1}}) {
      const auto state = loop_.run(journal.state(run));
      ASSERT_TRUE(state);
      EXPECT_EQ(state->seq, last);
      const auto events = loop_.run(journal.events(run, -1, 100));
      EXPECT_EQ(find_fault(events, *state), std::nullopt);
      for (const auto& event : events) loop_.run(journal.blobs(blobs_of(event)));
    }
    const auto state = *loop_.run(journal.state("a"));
    EXPECT_TRUE(state.ended);
    EXPECT_EQ(state.name, "one");
    EXPECT_EQ(state.sums,
              (Sums{.inputTokens = 10, .outputTokens = 20, .modelCalls = 1, .toolCalls = 1}));
    const auto intent = read<ModelIntent>(*loop_.run(journal.find("a", Kind::model_intent, "1")));
    EXPECT_EQ(loop_.run(journal.blobs(intent.appended)),
              (std::vector<std::string>{"You are an agent.", std::string(2000, 'q')}));

    EXPECT_EQ(ids(loop_.run(archive.history("x", 0, 100))).size(), 7u);
    EXPECT_EQ(loop_.run(archive.runs({.ns = "y"}, 10)).at(0).run, "b");
    const auto all = ids(loop_.run(journal.next("two", std::nullopt, 100)));
    EXPECT_EQ(all.size(), 9u);
    EXPECT_EQ(ids(loop_.run(journal.next("one", std::nullopt, 100))),
              std::vector<std::string>(all.begin() + 3, all.end()));

    // It goes on, also with what the old versions did not know.
    Batch batch{.run = "b", .fence = {1, 1}};
    batch.add(RunOutcome{});
    EXPECT_EQ(loop_.run(journal.append(batch)), 2);
    const auto last = loop_.run(journal.next("two", std::nullopt, 100)).back();
    EXPECT_EQ(last.event.id(), "b/2");
    for (const char* consumer : {"one", "two"}) loop_.run(journal.ack(consumer, last.position));
    loop_.run(journal.forget("a"));
    EXPECT_EQ(refusal([&] { loop_.run(journal.blobs({intent.tools})); }).code(), Code::not_found);
    EXPECT_EQ(loop_.run(journal.blobs({intent.appended[0]})).front(), "You are an agent.")
        << "run b uses it";
  }

  std::unique_ptr<PostgresJournal> open(const std::string& database) {
    return loop_.run(PostgresJournal::open(loop_, clock_, random_, log_, pool_,
                                           {.conninfo = base::Secret<std::string>(database)},
                                           {"one", "two"}));
  }

  test::PostgresServer& server_ = test::shared_postgres();
  test::TempDirectory directory_;
  io::Loop loop_;
  test::VirtualClock clock_;
  test::SeededRandom random_{1};
  SilentLog log_;
  io::BlockingPool pool_;
};

TEST_F(OldJournals, EachSqliteVersionIsBroughtUpToDate) {
  for (std::size_t version = 1; version < file_kind().migrations.size(); ++version) {
    const std::string path = directory_ / cat(version, ".db");
    {
      sqlite::FileKind old = file_kind();
      old.migrations.assign(version, "");
      old.migrations[0] = written_by("sqlite", version);
      sqlite::Database(path, old, sqlite::Access::read_write);
    }
    SqliteJournal journal(loop_, clock_, pool_, path, {"one", "two"});
    expect_whole(journal, journal);
  }
}

TEST_F(OldJournals, EachPostgresVersionIsBroughtUpToDate) {
  for (std::size_t version = 1; version < postgres_schema().migrations.size(); ++version) {
    const std::string database = server_.make_database();
    server_.query(database, written_by("postgres", version));
    const auto journal = open(database);
    expect_whole(*journal, *journal);
  }
}

TEST_F(OldJournals, ManyThatOpenAnOldDatabaseAtOnceMigrateItOnce) {
  const std::string database = server_.make_database();
  server_.query(database, written_by("postgres", 1));
  std::vector<std::unique_ptr<PostgresJournal>> journals(4);
  io::TaskGroup group(loop_);
  const auto open_one = [&](std::size_t at) -> io::Task<> {
    postgres::ConnectOptions how{.conninfo = base::Secret<std::string>(database)};
    std::vector<std::string> consumers{"one", "two"};
    journals[at] = co_await PostgresJournal::open(loop_, clock_, random_, log_, pool_,
                                                  std::move(how), std::move(consumers));
  };
  for (std::size_t i = 0; i < journals.size(); ++i) group.spawn("open", open_one(i));
  loop_.run(group.join());
  expect_whole(*journals[0], *journals[3]);
}

TEST_F(OldJournals, ANewerOneIsRefusedUntouched) {
  const std::string database = server_.make_database();
  open(database);
  server_.query(database, "UPDATE schema_versions SET version = 99");
  const base::Error error = refusal([&] { open(database); });
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_NE(std::string(error.what()).find("the journal has schema version 99"), std::string::npos)
      << error.what();
  EXPECT_EQ(server_.query(database, "SELECT version FROM schema_versions"), "99");

  const std::string path = directory_ / "newer.db";
  {
    sqlite::FileKind newer = file_kind();
    newer.migrations.push_back("CREATE TABLE more(x)");
    sqlite::Database(path, newer, sqlite::Access::read_write);
  }
  EXPECT_EQ(refusal([&] { SqliteJournal(loop_, clock_, pool_, path); }).code(), Code::invalid);
}

}  // namespace
}  // namespace journal
