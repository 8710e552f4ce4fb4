// How the controllers begin and end, on a real API server.
#include "reconcilers/manager.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "faults/server.h"
#include "objects/lease.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace reconcilers {
namespace {

using namespace std::chrono_literals;

class NoLog final : public base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

const kube::Ref lease_ref{&objects::Lease::info, "default", "controller", {}};

class ManagerTest : public testing::Test {
 protected:
  static Config config(std::string identity) {
    Config made;
    made.lease =
        controller::LeaseSettings{.ns = "default", .name = "controller", .identity = identity};
    return made;
  }
  void start() {
    group.spawn("manager", run(*this));
    loop.run_ready();
  }
  static io::Task<> run(ManagerTest& self) {
    try {
      co_await self.manager.run();
      self.end = "in peace";
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      self.end = error.what();
    }
  }
  void pass(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 500ms) {
      clock.advance(500ms);
      loop.run_ready();
    }
  }
  std::string holder() {
    return base::text_at(loop.run(client->get(lease_ref, {})), {"spec", "holderIdentity"});
  }
  void TearDown() override {
    group.stop();
    loop.run_ready();
  }

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  NoLog log;
  faults::Server server{loop, clock, random, log, {}};
  std::unique_ptr<kube::Client> client = server.client("controller");
  Manager manager{loop, clock, random, log, *client, config("us")};
  io::TaskGroup group{loop};
  std::string end;
};

TEST_F(ManagerTest, LeadsUntilItIsToldToStopAndGivesTheLeaseBack) {
  EXPECT_FALSE(manager.is_ready());
  start();
  EXPECT_TRUE(manager.is_ready());
  EXPECT_EQ(holder(), "us");
  pass(1min);
  manager.stop();
  loop.run_ready();
  EXPECT_EQ(end, "in peace");
  EXPECT_EQ(holder(), "");
}

TEST_F(ManagerTest, EndsAtOnceAsAStandby) {
  controller::Leadership other(clock, log, *client, *config("another").lease);
  loop.run(other.acquire());
  start();
  EXPECT_TRUE(manager.is_ready()) << "a standby watches, too";
  manager.stop();
  loop.run_ready();
  EXPECT_EQ(end, "in peace");
  EXPECT_EQ(holder(), "another");
}

TEST_F(ManagerTest, EndsWithAnErrorWhenAnotherLeads) {
  start();
  pass(10s);
  loop.run(client->patch(lease_ref, {{"spec", {{"holderIdentity", "another"}}}}, {}));
  pass(3s);
  EXPECT_NE(end.find("leadership lost"), std::string::npos) << end;
}

}  // namespace
}  // namespace reconcilers
