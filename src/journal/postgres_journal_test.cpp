// What only a database that others use as well can do to a journal.
#include "journal/postgres_journal.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <map>

#include "base/text.h"
#include "io/conn.h"
#include "io/sync.h"
#include "journal/chain.h"
#include "journal/postgres_tables.h"
#include "support/postgres_server.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace journal {
namespace {

using base::cat;
using base::Code;

const postgres::Statement begin_transaction{"begin_transaction", "BEGIN"};
const postgres::Statement commit{"commit", "COMMIT"};

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

Batch begun(const std::string& run) {
  Batch batch{.run = run, .fence = {1, 0}};
  return batch.add(RunBegun{.ns = "default", .name = run});
}

Batch execution(const std::string& run, Fence fence) {
  Batch batch{.run = run, .fence = fence};
  return batch.add(ExecutionBegun{});
}

class InPostgres : public ::testing::Test {
 protected:
  std::unique_ptr<PostgresJournal> open(std::vector<std::string> consumers = {}) {
    return open(virtual_clock_, std::move(consumers));
  }
  std::unique_ptr<PostgresJournal> open(base::Clock& clock,
                                        std::vector<std::string> consumers = {}) {
    return loop_.run(PostgresJournal::open(loop_, clock, random_, log_, pool_, connecting(),
                                           std::move(consumers), {.connections_max = 4}));
  }
  postgres::ConnectOptions connecting() const {
    return {.conninfo = base::Secret<std::string>(database_)};
  }
  // Has more than one connection from here on.
  void widen(PostgresJournal& journal) {
    while (journal.counters().connected < 2) {
      io::TaskGroup group(loop_);
      const auto ask = [&]() -> io::Task<> { co_await journal.state("nobody"); };
      for (int i = 0; i < 2; ++i) group.spawn("ask", ask());
      loop_.run(group.join());
    }
  }
  template <class Call>
  Code refusal(Call call) {
    try {
      call();
    } catch (const base::Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing thrown";
    return Code::internal;
  }
  std::vector<std::string> ids(const std::vector<Delivery>& deliveries) {
    std::vector<std::string> out;
    for (const auto& delivery : deliveries) out.push_back(delivery.event.id());
    return out;
  }

  test::PostgresServer& server_ = test::shared_postgres();
  std::string database_ = server_.make_database();
  io::Loop loop_;
  io::SystemClock clock_{loop_};
  test::VirtualClock virtual_clock_;
  test::SeededRandom random_{1};
  SilentLog log_;
  io::BlockingPool pool_;
};

// ---- several processes ----

// An append that has begun and not committed yet, as another process would hold it.
class Held {
 public:
  Held(io::Loop& loop, base::Clock& clock, const postgres::ConnectOptions& how, const Batch& batch)
      : loop_(loop), connection_(loop.run(postgres::Connection::connect(loop, clock, how))) {
    run(postgres::Transaction().add(begin_transaction));
    run(append_to(prepare(batch, clock.now(), "held"), Try::first));
  }
  void let_go() { run(postgres::Transaction().add(commit)); }

 private:
  void run(postgres::Transaction transaction) {
    loop_.run(connection_->run(std::move(transaction)));
  }
  io::Loop& loop_;
  std::unique_ptr<postgres::Connection> connection_;
};

TEST_F(InPostgres, AnAppendWaitsForTheOneBeforeItAndThenMeetsTheFence) {
  auto journal = open();
  widen(*journal);
  loop_.run(journal->append(begun("a")));
  Held held(loop_, clock_, connecting(), execution("a", {1, 2}));
  io::TaskGroup group(loop_);
  std::optional<Code> overtaken;
  const auto append = [&]() -> io::Task<> {
    Batch late = execution("a", {1, 1});
    try {
      co_await journal->append(std::move(late));
    } catch (const base::Error& error) {
      overtaken = error.code();
    }
  };
  group.spawn("append", append());
  loop_.run(journal->append(begun("b")));  // other runs do not wait
  EXPECT_FALSE(overtaken);
  held.let_go();
  loop_.run(group.join());
  EXPECT_EQ(overtaken, Code::conflict);
}

TEST_F(InPostgres, AnEventThatCommitsLateIsDeliveredLateAndNotSkipped) {
  auto journal = open({"one"});
  loop_.run(journal->append(begun("late")));
  Held held(loop_, clock_, connecting(), execution("late", {1, 1}));
  loop_.run(journal->append(begun("early")));
  const auto first = loop_.run(journal->next("one", std::nullopt, 10));
  EXPECT_EQ(ids(first), (std::vector<std::string>{"late/0", "early/0"}));
  loop_.run(journal->ack("one", first.back().position));
  held.let_go();
  loop_.run(journal->append(begun("last")));
  const auto rest = loop_.run(journal->next("one", std::nullopt, 10));
  EXPECT_EQ(ids(rest), (std::vector<std::string>{"late/1", "last/0"}));
}

TEST_F(InPostgres, AConsumerIsWokenByWhatAnotherProcessAppends) {
  auto journal = open({"one"}), other = open({"one"});  // time stands still: no look for safety
  io::TaskGroup group(loop_);
  std::vector<std::string> seen;
  const auto wait = [&]() -> io::Task<> {
    const auto deliveries = co_await journal->next("one", std::nullopt, 10);
    seen = ids(deliveries);
  };
  group.spawn("wait", wait());
  loop_.run(other->append(begun("a")));
  loop_.run(group.join());
  EXPECT_EQ(seen, std::vector<std::string>{"a/0"});
}

TEST_F(InPostgres, AWriterIsAtWorkUntilItsConnectionEnds) {
  auto journal = open(), other = open();
  const std::string name = other->self();
  EXPECT_NE(name, journal->self());
  EXPECT_TRUE(loop_.run(journal->is_at_work(name)));
  EXPECT_TRUE(loop_.run(other->is_at_work(journal->self())));
  other.reset();
  // Its server process may need a moment.
  bool at_work = true;
  for (int look = 0; at_work && look < 10'000; ++look)
    at_work = loop_.run(journal->is_at_work(name));
  EXPECT_FALSE(at_work);
  for (const auto* nobody : {"", "x", "-1", "4294967296", "1"})
    EXPECT_FALSE(loop_.run(journal->is_at_work(nobody))) << nobody;
}

TEST_F(InPostgres, ANoticeThatWasLostIsMadeGoodByTheLookForSafety) {
  auto journal = open({"one"});
  io::TaskGroup group(loop_);
  std::vector<std::string> seen;
  const auto wait = [&]() -> io::Task<> {
    const auto deliveries = co_await journal->next("one", std::nullopt, 10);
    seen = ids(deliveries);
  };
  Held held(loop_, clock_, connecting(), begun("a"));
  group.spawn("wait", wait());
  loop_.run(journal->state("a"));  // by now it waits
  held.let_go();                   // and whoever appended died before it told
  virtual_clock_.advance(std::chrono::minutes(1));
  loop_.run(group.join());
  EXPECT_EQ(seen, std::vector<std::string>{"a/0"});
}

// ---- its server ----

TEST_F(InPostgres, AppendsOfManyRunsShareRoundTripsAndFailAlone) {
  auto journal = open();
  io::TaskGroup group(loop_);
  int good = 0, refused = 0;
  const auto append = [&](Batch batch) -> io::Task<> {
    try {
      co_await journal->append(std::move(batch));
      ++good;
    } catch (const base::Error& error) {
      if (error.code() == Code::not_found) ++refused;
    }
  };
  for (int i = 0; i < 100; ++i) {
    group.spawn("good", append(begun(std::to_string(i))));
    group.spawn("bad", append(execution(cat("no-", i), {1, 1})));
  }
  loop_.run(group.join());
  EXPECT_EQ(good, 100);
  EXPECT_EQ(refused, 100);
  EXPECT_LE(journal->counters().connected, 4u);
}

// Runs that append until told to stop; what is unavailable is tried again, as the gateway does.
class Writers {
 public:
  Writers(io::Loop& loop, base::Clock& clock, Journal& journal)
      : clock_(clock), journal_(journal), group_(loop) {
    for (int run = 0; run < 4; ++run) group_.spawn("run", go_on(std::to_string(run)));
  }
  // Until that many more were acknowledged.
  io::Task<> grow(std::size_t by) {
    for (const std::size_t enough = acknowledged_ + by; acknowledged_ < enough;) {
      grew_.clear();
      co_await grew_.wait();
    }
  }
  io::Task<> stop() {
    stopping_ = true;
    co_await group_.join();
  }
  const std::map<std::string, std::int64_t>& turns() const { return turns_; }

 private:
  io::Task<> append(Batch batch) {
    for (;;) {
      try {
        Batch copy = batch;
        co_await journal_.append(std::move(copy));
        ++acknowledged_;
        grew_.set();
        co_return;
      } catch (const base::Error& error) {
        if (error.code() != Code::unavailable) throw;
      }
      co_await io::sleep(clock_, base::Duration(20));
    }
  }
  io::Task<> go_on(std::string run) {
    Batch first = begun(run);
    co_await append(std::move(first));
    for (std::int64_t turn = 1; !stopping_; ++turn) {
      Batch batch{.run = run, .fence = {1, 1}};
      const std::string name = batch.add_blob(cat(run, " ", turn));
      batch.add(ModelIntent{.turn = turn, .parent = turn - 1, .appended = {name}});
      batch.add(ModelOutcome{.turn = turn, .message = name, .usage = {1, 1}});
      co_await append(std::move(batch));
      turns_[run] = turn;
    }
  }

  base::Clock& clock_;
  Journal& journal_;
  bool stopping_ = false;
  std::size_t acknowledged_ = 0;
  io::Event grew_;
  std::map<std::string, std::int64_t> turns_;
  io::TaskGroup group_;
};

// Each run has each acknowledged turn once, nothing else, and its contents.
void expect_exactly(io::Loop& loop, Journal& journal,
                    const std::map<std::string, std::int64_t>& turns) {
  for (const auto& [run, last] : turns) {
    const auto state = loop.run(journal.state(run));
    const auto events = loop.run(journal.events(run, -1, 1'000'000));
    ASSERT_TRUE(state);
    ASSERT_EQ(find_fault(events, *state), std::nullopt);
    ASSERT_EQ(events.size(), static_cast<std::size_t>(1 + 2 * last));
    EXPECT_EQ(state->sums.modelCalls, last);
    EXPECT_EQ(state->sums.inputTokens, last);
    for (std::int64_t turn = 1; turn <= last; ++turn) {
      const auto outcome = read<ModelOutcome>(events[static_cast<std::size_t>(2 * turn)]);
      ASSERT_EQ(outcome.turn, turn);
      ASSERT_EQ(loop.run(journal.blobs({outcome.message})).front(), cat(run, " ", turn));
    }
  }
}

TEST_F(InPostgres, AServerThatIsKilledAmidAppendsLosesNoneAndDoublesNone) {
  auto journal = open(clock_, {"one"});
  Writers writers(loop_, clock_, *journal);
  for (int round = 0; round < 5; ++round) {
    loop_.run(writers.grow(30 + 7 * static_cast<std::size_t>(round)));
    server_.kill();
    server_.start();
  }
  loop_.run(writers.grow(20));
  loop_.run(writers.stop());
  expect_exactly(loop_, *journal, writers.turns());
  // The outbox had no gap either.
  std::size_t events = 0;
  for (const auto& [run, last] : writers.turns()) events += static_cast<std::size_t>(1 + 2 * last);
  EXPECT_EQ(loop_.run(journal->next("one", std::nullopt, 1'000'000)).size(), events);
}

TEST_F(InPostgres, AServerThatIsStartedAnewIsFoundAgain) {
  auto journal = open(clock_);
  Writers writers(loop_, clock_, *journal);
  for (int round = 0; round < 3; ++round) {
    loop_.run(writers.grow(30));
    server_.stop();
    server_.start();
  }
  loop_.run(writers.grow(20));
  loop_.run(writers.stop());
  expect_exactly(loop_, *journal, writers.turns());
}

// Between client and server: cuts the connection in place of the next answer to an append, when
// told to.
class Cutter {
 public:
  Cutter(io::Loop& loop, std::string server)
      : server_(std::move(server)),
        listener_(io::listen_unix(loop, folder_ / socket, 0777)),
        group_(loop) {
    group_.spawn("accept", accept());
  }
  void cut_next_answer() { armed_ = true; }
  int cuts() const { return cuts_; }
  std::string host() const { return folder_.path(); }

 private:
  static constexpr auto socket = ".s.PGSQL.5432";
  // A row of one bigint: the number of the last event.
  static constexpr std::string_view one_number{"D\0\0\0\x12\0\1\0\0\0\x08", 11};
  using ConnPtr = std::shared_ptr<io::Conn>;

  io::Task<> accept() {
    for (;;) {
      ConnPtr client = co_await listener_->accept();
      ConnPtr server = co_await io::connect_unix(server_ + "/" + socket);
      group_.spawn("asked", forward(client, server, nullptr));
      group_.spawn("answered", forward(server, client, &armed_));
    }
  }
  io::Task<> forward(ConnPtr from, ConnPtr to, bool* cut) {
    try {
      char buffer[65536];
      for (std::size_t size = 1; size != 0;) {
        const std::span<char> room(buffer);
        size = co_await from->read_some(room);
        const std::string_view bytes(buffer, size);
        if (cut && bytes.contains(one_number) && std::exchange(*cut, false)) {
          ++cuts_;
          break;
        }
        co_await to->write(bytes);
      }
    } catch (const base::Error& error) {
      if (error.code() == Code::cancelled) throw;
    }
    from->close();
    to->close();
  }

  test::TempDirectory folder_;
  std::string server_;
  bool armed_ = false;
  int cuts_ = 0;
  std::unique_ptr<io::Listener> listener_;
  io::TaskGroup group_;
};

TEST_F(InPostgres, AnAppendWhoseAnswerWasLostIsWrittenOnce) {
  const auto words = base::split(database_, ' ');
  Cutter cutter(loop_, base::split(words.front(), '=').at(1));
  database_ = cat("host=", cutter.host(), " ", words.at(1), " ", words.at(2));
  auto journal = open(clock_);
  loop_.run(journal->append(begun("warm")));
  const auto cut = [&](const Batch& batch) {
    cutter.cut_next_answer();
    return loop_.run(journal->append(batch));
  };
  EXPECT_EQ(cut(begun("a")), 0);
  EXPECT_EQ(cut(execution("a", {1, 1})), 1);
  Batch both = execution("a", {1, 2});
  both.add(RunOutcome{.text = both.add_blob("the end")});
  EXPECT_EQ(cut(both), 3);
  EXPECT_EQ(cutter.cuts(), 3);
  const auto state = loop_.run(journal->state("a"));
  EXPECT_EQ(state->seq, 3);
  EXPECT_EQ(find_fault(loop_.run(journal->events("a", -1, 10)), *state), std::nullopt);
}

TEST_F(InPostgres, WhenItsConnectionsAreCutEachAppendIsWrittenOnce) {
  auto journal = open(clock_);
  Writers writers(loop_, clock_, *journal);
  for (int round = 0; round < 10; ++round) {
    loop_.run(writers.grow(15));
    server_.query(database_,
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE datname = current_database() AND pid <> pg_backend_pid()");
  }
  loop_.run(writers.grow(15));
  loop_.run(writers.stop());
  expect_exactly(loop_, *journal, writers.turns());
}

TEST_F(InPostgres, AServerThatBecomesReadOnlyRefusesAndKeepsWhatItHas) {
  auto journal = open(clock_);
  loop_.run(journal->append(begun("a")));
  server_.set("default_transaction_read_only = on");
  std::int64_t acknowledged = 0;
  const Code code = refusal([&] {  // a session hears of the setting between two transactions
    for (;;) acknowledged = loop_.run(journal->append(execution("a", {1, 1})));
  });
  EXPECT_EQ(code, Code::unavailable);
  EXPECT_EQ(refusal([&] { loop_.run(journal->append(begun("b"))); }), Code::unavailable);
  server_.set("default_transaction_read_only = off");
  Writers writers(loop_, clock_, *journal);  // it goes on by itself
  loop_.run(writers.grow(10));
  loop_.run(writers.stop());
  expect_exactly(loop_, *journal, writers.turns());
  EXPECT_EQ(loop_.run(journal->state("a"))->seq, acknowledged);
  EXPECT_FALSE(loop_.run(journal->state("b")));
}

// A small disk for one database; the server's log has another.
class SmallDisk {
 public:
  SmallDisk()
      : good_(::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=24m,mode=0711") == 0) {
    std::filesystem::create_directory(path());
  }
  ~SmallDisk() {
    if (good_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool good() const { return good_; }
  std::string path() const { return folder_ / "space"; }

 private:
  test::TempDirectory folder_;
  bool good_;
};

TEST_F(InPostgres, AFullDiskRefusesInWordsLeavesNothingHalfAndKeepsServingReads) {
  SmallDisk disk;
  if (!disk.good()) GTEST_SKIP() << "mounting is not allowed here";
  test::PostgresServer server;
  server.own(disk.path());
  server.query(server.conninfo(), cat("CREATE TABLESPACE small LOCATION '", disk.path(), "'"));
  server.query(server.conninfo(), "CREATE DATABASE small TABLESPACE small");
  database_ = server.conninfo("small");
  auto journal = open(clock_);
  loop_.run(journal->append(begun("a")));
  std::string content(300'000, ' ');
  std::int64_t acknowledged = 0;
  std::string words;
  for (int i = 0; words.empty() && i < 100; ++i) {
    Batch batch = execution("a", {1, 1});
    random_.fill({reinterpret_cast<std::uint8_t*>(content.data()), content.size()});
    batch.add_blob(content);
    try {
      acknowledged = loop_.run(journal->append(batch));
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), Code::unavailable);
      words = error.what();
    }
  }
  EXPECT_NE(words.find("No space left on device"), std::string::npos) << words;
  const auto state = loop_.run(journal->state("a"));
  EXPECT_EQ(state->seq, acknowledged);
  EXPECT_EQ(find_fault(loop_.run(journal->events("a", -1, 1000)), *state), std::nullopt);
  journal.reset();
}

}  // namespace
}  // namespace journal
