#include "postgres/connection.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "io/conn.h"
#include "io/sync.h"
#include "postgres/pool.h"
#include "support/postgres_server.h"
#include "support/seeded_random.h"

namespace postgres {
namespace {

using base::Code;
using base::Error;

const Statement make_notes{"make_notes", "CREATE TABLE notes(id BIGINT PRIMARY KEY, text TEXT)"};
const Statement add{"add", "INSERT INTO notes(id, text) VALUES ($1, $2)"};
const Statement count{"count", "SELECT count(*) FROM notes"};
const Statement echo{"echo", "SELECT $1, $2, $3, $4, $5, $6, $7, $8"};
const Statement show{"show", "SELECT current_setting($1)"};
const Statement no_table{"no_table", "SELECT * FROM nowhere"};
const Statement pid{"pid", "SELECT pg_backend_pid()"};
const Statement sleep_forever{"sleep_forever", "SELECT pg_sleep(3600)"};
const Statement listen{"listen", "LISTEN news"};
const Statement notify{"notify", "SELECT pg_notify('news', $1)"};

class Postgres : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> connect(const std::string& conninfo) {
    const ConnectOptions options{.conninfo = base::Secret<std::string>(conninfo)};
    return loop_.run(Connection::connect(loop_, clock_, options));
  }
  std::vector<Result> run(Connection& connection, const Statement& statement,
                          std::vector<Value> values = {}) {
    Transaction transaction;
    transaction.add(statement, std::move(values));
    return loop_.run(connection.run(std::move(transaction)));
  }
  template <class Call>
  Error refusal(Call call) {
    try {
      call();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing thrown";
    return {Code::internal, ""};
  }

  test::PostgresServer& server_ = test::shared_postgres();
  io::Loop loop_;
  io::SystemClock clock_{loop_};
};

TEST_F(Postgres, GivesBackEachTypeOfValue) {
  auto connection = connect(server_.conninfo());
  const std::string binary("\0\xff'", 3);
  const auto rows =
      run(*connection, echo,
          {integer(std::int64_t{-5}), boolean(true), text("größer"), blob(binary),
           integer(std::nullopt), texts({"a", ""}), blobs({binary}), integers({1, -2})});
  const Result& row = rows.front();
  EXPECT_EQ(row.integer(0, 0), -5);
  EXPECT_TRUE(row.boolean(0, 1));
  EXPECT_EQ(row.text(0, 2), "größer");
  EXPECT_EQ(row.text(0, 3), binary);
  EXPECT_TRUE(row.is_null(0, 4));
  EXPECT_EQ(row.text(0, 5), texts({"a", ""}).bytes);
  EXPECT_EQ(row.text(0, 6), blobs({binary}).bytes);
  EXPECT_EQ(row.text(0, 7), integers({1, -2}).bytes);
}

TEST_F(Postgres, ATransactionThatFailsLeavesItsNeighboursInThePipelineAlone) {
  auto connection = connect(server_.make_database());
  run(*connection, make_notes);
  std::vector<std::string> ends(3);
  io::TaskGroup group(loop_);
  const auto put = [&](std::size_t at, Transaction transaction) -> io::Task<> {
    try {
      co_await connection->run(std::move(transaction));
      ends[at] = "done";
    } catch (const SqlError& error) {
      ends[at] = error.sqlstate();
    }
  };
  Transaction first, second, third;
  first.add(add, {integer(1), text("a")});
  second.add(add, {integer(2), text("b")}).add(add, {integer(1), text("taken")});
  third.add(add, {integer(3), text("c")});
  group.spawn("first", put(0, first));
  group.spawn("second", put(1, second));
  group.spawn("third", put(2, third));
  loop_.run(group.join());
  EXPECT_EQ(ends, (std::vector<std::string>{"done", "23505", "done"}));
  EXPECT_EQ(run(*connection, count).front().integer(0, 0), 2) << "the second left nothing";
  EXPECT_EQ(SqlError("23505", "").code(), Code::exists);
}

TEST_F(Postgres, SaysWhyAStatementCouldNotBePrepared) {
  auto connection = connect(server_.conninfo());
  const Error error = refusal([&] { run(*connection, no_table); });
  EXPECT_NE(std::string(error.what()).find("\"nowhere\" does not exist"), std::string::npos)
      << error.what();
  EXPECT_EQ(run(*connection, show, {text("port")}).front().text(0, 0), "5432") << "goes on";
}

TEST_F(Postgres, SessionsCommitDurablyWhateverTheDefault) {
  const std::string database = server_.make_database();
  server_.query(database,
                "ALTER ROLE postgres SET synchronous_commit = off;"
                "ALTER ROLE postgres SET default_transaction_isolation = 'serializable'");
  auto connection = connect(database);
  EXPECT_EQ(run(*connection, show, {text("synchronous_commit")}).front().text(0, 0), "on");
  EXPECT_EQ(run(*connection, show, {text("transaction_isolation")}).front().text(0, 0),
            "read committed");
  server_.query(database, "ALTER ROLE postgres RESET ALL");
}

TEST_F(Postgres, IsToldOfNotifications) {
  auto listener = connect(server_.conninfo()), speaker = connect(server_.conninfo());
  io::Event heard;
  std::string payload;
  listener->on_notification([&](const std::string& text) {
    payload = text;
    heard.set();
  });
  run(*listener, listen);
  run(*speaker, notify, {text("hello")});
  loop_.run(heard.wait());
  EXPECT_EQ(payload, "hello");
}

TEST_F(Postgres, ATransactionWithoutAnswerIsLostAndItsBackendCanBeEnded) {
  const std::string conninfo = server_.conninfo();
  const ConnectOptions impatient{.conninfo = base::Secret<std::string>(conninfo),
                                 .answer_limit = base::Duration(50)};
  auto connection = loop_.run(Connection::connect(loop_, clock_, impatient));
  const auto own = run(*connection, pid).front().integer(0, 0);
  Backend left;
  try {
    run(*connection, sleep_forever);
    ADD_FAILURE();
  } catch (const Lost& lost) {
    left = lost.backend();
  }
  EXPECT_TRUE(connection->is_spent());
  EXPECT_EQ(left.pid, own);

  test::SeededRandom random(1);
  Pool pool(loop_, clock_, random, {.conninfo = base::Secret<std::string>(conninfo)});
  const std::string alive = base::cat("SELECT count(*) FROM pg_stat_activity WHERE pid = ", own);
  loop_.run(pool.end({left.pid, left.started + 1}));  // somebody else, who has the same pid
  EXPECT_EQ(server_.query(conninfo, alive), "1");
  loop_.run(pool.end(left));
  EXPECT_EQ(server_.query(conninfo, alive), "0");
  loop_.run(pool.end(left));  // gone already
}

TEST_F(Postgres, RefusesAReadOnlyServerAndSaysWhatToDo) {
  const std::string database = server_.make_database();
  server_.query(database, "ALTER ROLE postgres SET default_transaction_read_only = on");
  const Error error = refusal([&] { connect(database); });
  server_.query(database, "BEGIN READ WRITE; ALTER ROLE postgres RESET ALL; COMMIT");
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(std::string(error.what()).find("default_transaction_read_only is on): turn it off"),
            std::string::npos)
      << error.what();
}

TEST_F(Postgres, RefusesAStandbyAndSaysWhatToDo) {
  const test::PostgresServer standby(test::PostgresServer::Standby{}, server_);
  const Error error = refusal([&] { connect(standby.conninfo()); });
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(std::string(error.what())
                .find("is a standby (pg_is_in_recovery() is true): name the primary"),
            std::string::npos)
      << error.what();
  // Of several servers libpq takes the one that can be written, when it is told to.
  const auto host = [](const test::PostgresServer& one) {
    return base::split(base::split(one.conninfo(), ' ').front(), '=').at(1);
  };
  connect(base::cat("host=", host(standby), ",", host(server_),
                    " user=postgres target_session_attrs=read-write"));
}

// The distribution has no server that old: this is the greeting of one.
TEST_F(Postgres, RefusesAServerOlderThanFourteen) {
  const test::TempDirectory folder;
  const auto listener = io::listen_unix(loop_, folder / ".s.PGSQL.5432", 0700);
  io::TaskGroup group(loop_);
  const auto greet = [&]() -> io::Task<> {
    const auto conn = co_await listener->accept();
    char startup[1024];
    const std::span<char> room(startup);
    co_await conn->read_some(room);
    const std::string greeting(
        "R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\0"
        "13.9\0Z\0\0\0\x05I",
        9 + 25 + 6);
    co_await conn->write(greeting);
    co_await conn->read_some(room);
  };
  group.spawn("greet", greet());
  const Error error = refusal([&] { connect("user=u host=" + folder.path()); });
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_NE(std::string(error.what()).find("PostgreSQL 13.9; 14 is the oldest"), std::string::npos)
      << error.what();
}

TEST_F(Postgres, RefusesADatabaseThatIsNotUtf8) {
  server_.query(server_.conninfo(),
                "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  const Error error = refusal([&] { connect(server_.conninfo("latin")); });
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_NE(std::string(error.what()).find("encoding is LATIN1"), std::string::npos)
      << error.what();
}

TEST_F(Postgres, NamesWhatIsWrongWithAConnection) {
  EXPECT_EQ(refusal([&] { connect(server_.conninfo("nowhere")); }).code(), Code::invalid);
  const Error error = refusal([&] { connect("host=/nowhere dbname=journal"); });
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_NE(std::string(error.what()).find("add user="), std::string::npos) << error.what();
  EXPECT_EQ(refusal([&] { connect("host=/nowhere user=postgres"); }).code(), Code::unavailable);
}

TEST_F(Postgres, NoMessageHasThePassword) {
  server_.query(server_.conninfo(), "CREATE ROLE guarded LOGIN PASSWORD 'right-horse'");
  server_.admit("local all guarded scram-sha-256");
  const std::string host = base::split(server_.conninfo(), ' ').front();
  connect(host + " user=guarded dbname=postgres password=right-horse");
  const auto expect_silent = [&](const std::string& conninfo, Code code) {
    const Error error = refusal([&] { connect(conninfo); });
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(std::string(error.what()).find("horse"), std::string::npos) << error.what();
  };
  expect_silent(host + " user=guarded dbname=postgres password=wrong-horse", Code::denied);
  expect_silent(host + " user=guarded password=horse battery", Code::invalid);  // not quoted
  expect_silent("postgresql://guarded:ho%rse@/postgres", Code::invalid);
}

// ---- migrations ----

const Schema one{"notes", {"CREATE TABLE notes(id BIGINT); INSERT INTO notes VALUES (1)"}};
const Schema two{"notes", {one.migrations[0], "ALTER TABLE notes ADD text TEXT DEFAULT 'old'"}};

TEST_F(Postgres, MigrationsGoForwardOnceAndANewerSchemaIsRefused) {
  const std::string database = server_.make_database();
  const ConnectOptions options{.conninfo = base::Secret<std::string>(database)};
  loop_.run(migrate(loop_, clock_, options, one));
  loop_.run(migrate(loop_, clock_, options, two));
  loop_.run(migrate(loop_, clock_, options, two));
  EXPECT_EQ(server_.query(database, "SELECT * FROM notes"), "1|old");
  const Error error = refusal([&] { loop_.run(migrate(loop_, clock_, options, one)); });
  EXPECT_EQ(error.code(), Code::invalid);
  EXPECT_NE(std::string(error.what()).find("schema version 2, this program knows 1 at most"),
            std::string::npos)
      << error.what();
}

TEST_F(Postgres, ManyThatMigrateAtOnceDoItOnce) {
  const std::string database = server_.make_database();
  const ConnectOptions options{.conninfo = base::Secret<std::string>(database)};
  io::TaskGroup group(loop_);
  for (int i = 0; i < 8; ++i) group.spawn("migrate", migrate(loop_, clock_, options, two));
  loop_.run(group.join());
  EXPECT_EQ(server_.query(database, "SELECT * FROM notes"), "1|old");
}

TEST_F(Postgres, AMigrationThatFailsLeavesNothing) {
  const std::string database = server_.make_database();
  const ConnectOptions options{.conninfo = base::Secret<std::string>(database)};
  const Schema broken{"notes", {one.migrations[0], "ALTER TABLE nothing ADD x TEXT"}};
  EXPECT_THROW(loop_.run(migrate(loop_, clock_, options, broken)), SqlError);
  EXPECT_EQ(server_.query(database, "SELECT to_regclass('notes') IS NULL"), "t");
}

}  // namespace
}  // namespace postgres
