#include "gateway/signer.h"

#include <gtest/gtest.h>

#include "io/crypto.h"
#include "journal/audit.h"
#include "journal/sqlite_journal.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

using journal::Batch;
using journal::Checkpoint;

struct ListedLog final : base::Log {
  void write(base::Level, std::string_view message, const Fields& fields) override {
    text += message;
    for (const auto& [name, value] : fields) text += " " + name + "=" + value;
    text += "\n";
  }
  std::string text;
};

// The checkpoints of a journal whose database is away for some time.
class Away final : public journal::Checkpoints {
 public:
  explicit Away(journal::Checkpoints& checkpoints) : checkpoints_(checkpoints) {}
  io::Task<std::vector<std::string>> unsigned_namespaces() override {
    return checkpoints_.unsigned_namespaces();
  }
  io::Task<Unsigned> unsigned_heads(std::string ns, std::size_t limit) override {
    return checkpoints_.unsigned_heads(ns, limit);
  }
  io::Task<> add(Checkpoint checkpoint, std::vector<journal::Head> heads,
                 journal::AuditKey key) override {
    if (std::exchange(times, times - 1) > 0) throw base::Error(code, "no");
    co_await checkpoints_.add(checkpoint, heads, key);
  }
  io::Task<std::vector<journal::AuditKey>> keys() override { return checkpoints_.keys(); }
  io::Task<std::vector<Checkpoint>> checkpoints(std::string ns, std::int64_t after,
                                                std::size_t limit) override {
    return checkpoints_.checkpoints(ns, after, limit);
  }
  io::Task<std::vector<journal::Head>> heads(std::string ns, std::int64_t number) override {
    return checkpoints_.heads(ns, number);
  }
  io::Task<std::vector<std::int64_t>> numbers(std::string ns, std::string run) override {
    return checkpoints_.numbers(ns, run);
  }
  int times = 0;
  base::Code code = base::Code::unavailable;

 private:
  journal::Checkpoints& checkpoints_;
};

struct SignerTest : testing::Test {
  test::TempDirectory folder;
  io::Loop loop;
  test::VirtualClock clock;
  io::BlockingPool pool;
  ListedLog log;
  journal::SqliteJournal journal{loop, clock, pool, folder / "journal.db"};
  Away away{journal};
  const base::Secret<std::string> key = io::make_ed25519_key();
  io::TaskGroup group{loop};

  void start(SignerSettings settings = {}) {
    group.spawn("signing", sign_checkpoints(clock, log, away, key, settings));
  }
  void append(const std::string& run, Batch batch) {
    batch.run = run;
    loop.run(journal.append(std::move(batch)));
  }
  void begin(const std::string& ns, const std::string& run) {
    Batch batch{.fence = {1, 0}};
    append(run, batch.add(journal::RunBegun{.ns = ns, .name = "n"}));
  }
  std::vector<Checkpoint> checkpoints(const std::string& ns) {
    return loop.run(journal.checkpoints(ns, 0, 100));
  }
  // Lets the signer work until it waits for the interval to pass.
  void settle() {
    auto wait = [this]() -> io::Task<> {
      while (clock.waiting() == 0) co_await io::yield();
    };
    loop.run(wait());
  }
};

TEST_F(SignerTest, SignsWhatWentOnAndWaitsForTheInterval) {
  begin("x", "a");
  begin("y", "b");
  start();
  settle();
  ASSERT_EQ(checkpoints("x").size(), 1u);
  EXPECT_EQ(checkpoints("y").size(), 1u);
  EXPECT_EQ(checkpoints("x")[0].at, clock.now());
  Batch more{.fence = {1, 1}};
  append("a", more.add(journal::RunOutcome{}));
  clock.advance(base::Duration(9'999));
  EXPECT_EQ(checkpoints("x").size(), 1u);
  clock.advance(base::Duration(1));
  settle();
  ASSERT_EQ(checkpoints("x").size(), 2u);
  EXPECT_EQ(checkpoints("y").size(), 1u) << "nothing happened there";
  EXPECT_EQ(checkpoints("x")[1].previous, journal::hash_of(checkpoints("x")[0]));
  group.stop();
  loop.run(group.join());
}

TEST_F(SignerTest, MakesMoreCheckpointsOfMoreHeadsThanOneHolds) {
  for (const char* run : {"a", "b", "c", "d", "e"}) begin("x", run);
  start({.heads_max = 2});
  settle();
  const auto all = checkpoints("x");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].size + all[1].size + all[2].size, 5);
  group.stop();
  loop.run(group.join());
}

TEST_F(SignerTest, TriesAgainWhenTheJournalIsAwayOrAnotherOneWasQuicker) {
  away.times = 1;
  begin("x", "a");
  start();
  settle();
  EXPECT_TRUE(checkpoints("x").empty());
  EXPECT_NE(log.text.find("it is tried again"), std::string::npos);
  away.times = 1;
  away.code = base::Code::exists;
  clock.advance(base::Duration(10'000));
  settle();
  EXPECT_TRUE(checkpoints("x").empty());
  clock.advance(base::Duration(10'000));
  settle();
  EXPECT_EQ(checkpoints("x").size(), 1u);
  group.stop();
  loop.run(group.join());
}

TEST_F(SignerTest, TellsItsPublicKeyAndNeverThePrivateOne) {
  begin("x", "a");
  start();
  settle();
  const auto keys = loop.run(journal.keys());
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].pem, io::public_key_pem(key));
  EXPECT_NE(log.text.find(keys[0].id), std::string::npos);
  const std::string secret = key.reveal().substr(28, 40);
  EXPECT_EQ(log.text.find(secret), std::string::npos);
  group.stop();
  loop.run(group.join());
}

TEST_F(SignerTest, RefusesAKeyOfAnotherKind) {
  EXPECT_THROW(loop.run(sign_checkpoints(clock, log, away, io::make_p256_key())), base::Error);
}

}  // namespace
}  // namespace gateway
