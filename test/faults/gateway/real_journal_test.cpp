// The gateway on journals whose disk, server or threads are real, and what it does when they are
// away. Time is real here: a database is a process of its own.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "io/blocking.h"
#include "journal/postgres_journal.h"
#include "journal/sqlite_journal.h"
#include "sim/oracle.h"
#include "support/postgres_server.h"

namespace sim {
namespace {

using base::cat;

constexpr base::Duration away{300};

class OnRealJournals : public testing::Test {
 protected:
  io::BlockingPool pool_;

  House::Setting on_sqlite(const std::string& path) {
    return {.ground = make_real_ground(), .journal = [this, path](House& house) {
              return std::make_unique<journal::SqliteJournal>(house.loop, house.clock, pool_, path,
                                                              std::vector<std::string>{"status"});
            }};
  }
  House::Setting on_postgres(const std::string& conninfo) {
    return {.ground = make_real_ground(), .journal = [this, conninfo](House& house) {
              postgres::ConnectOptions options{.conninfo = base::Secret<std::string>(conninfo)};
              return house.loop.run(journal::PostgresJournal::open(
                  house.loop, house.clock, house.random, house.log, pool_, std::move(options),
                  {"status"}, {.connections_max = 4}));
            }};
  }
  // A run, with this before its append number `at`.
  void live(House& house, std::size_t at, std::function<void()> happen, Agent agent) {
    Oracle oracle(house);
    const Started run = house.make_run(agent == Agent::runner ? "work 0" : "chat 3", agent);
    std::size_t appends = 0;
    house.plan_append = [&](const journal::Batch&) {
      if (++appends == at) happen();
      return Mishap{};
    };
    house.live(run);
    oracle.finish(run.uid);
    for (const auto& breach : oracle.breaches()) ADD_FAILURE() << at << ": " << breach;
    EXPECT_GE(appends, at);
    house.plan_append = nullptr;
    EXPECT_EQ(oracle.known(run.uid).unknown_told, 0);
  }
};

TEST_F(OnRealJournals, RunsWaitForADatabaseThatIsStartedAnew) {
  test::PostgresServer server;
  House house(on_postgres(server.make_database()));
  for (const Agent agent : {Agent::runner, Agent::chat})
    for (const std::size_t at : {2, 4, 6})
      live(
          house, at,
          [&] {
            server.kill();
            house.clock.call_after(away, [&] { server.start(); });
          },
          agent);
  EXPECT_EQ(house.gateways(), 1) << "it is the same gateway all the time";
}

TEST_F(OnRealJournals, RunsWaitForADatabaseThatIsReadOnlyForAWhile) {
  test::PostgresServer server;
  House house(on_postgres(server.make_database()));
  for (const std::size_t at : {2, 5})
    live(
        house, at,
        [&] {
          server.set("default_transaction_read_only = on");
          house.clock.call_after(away, [&] { server.set("default_transaction_read_only = off"); });
        },
        Agent::runner);
}

TEST_F(OnRealJournals, NoGatewayBeginsOnAStandby) {
  test::PostgresServer primary;
  const test::PostgresServer standby(test::PostgresServer::Standby{}, primary);
  try {
    House house(on_postgres(standby.conninfo()));
    ADD_FAILURE() << "it began";
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("is a standby"), std::string::npos) << error.what();
  }
}

// A disk that holds the journal and its log, and can be filled to its last byte.
class SmallDisk {
 public:
  SmallDisk() : good_(::mount("none", folder_.path().c_str(), "tmpfs", 0, "size=24m") == 0) {}
  ~SmallDisk() {
    if (good_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool good() const { return good_; }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  void fill() {
    std::ofstream filler(folder_ / "filler");
    const std::string block(4'096, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {}
  }
  void free() { std::filesystem::remove(folder_ / "filler"); }

 private:
  test::TempDirectory folder_;
  bool good_;
};

TEST_F(OnRealJournals, RunsWaitForADiskThatIsFull) {
  SmallDisk disk;
  if (!disk.good()) GTEST_SKIP() << "mounting is not allowed here";
  House house(on_sqlite(disk / "journal.db"));
  for (const Agent agent : {Agent::runner, Agent::chat})
    for (const std::size_t at : {2, 4, 6})
      live(
          house, at,
          [&] {
            disk.fill();
            house.clock.call_after(away, [&] { disk.free(); });
          },
          agent);
  EXPECT_EQ(house.gateways(), 1);
}

TEST_F(OnRealJournals, AGatewayThatDiesWithItsThreadsFindsWhatWasCommitted) {
  const test::TempDirectory folder;
  House house(on_sqlite(folder / "journal.db"));
  Oracle oracle(house);
  for (std::size_t at = 2; at <= 14; at += 3) {
    const Started run = house.make_run("work 0");
    std::size_t appends = 0;
    house.plan_append = [&](const journal::Batch&) {
      const bool now = ++appends == at;
      return Mishap{.death = now ? Mishap::Death::after : Mishap::Death::none};
    };
    house.live(run);
    oracle.finish(run.uid);
  }
  EXPECT_EQ(house.gateways(), 6);
  for (const auto& breach : oracle.breaches()) ADD_FAILURE() << breach;
}

}  // namespace
}  // namespace sim
