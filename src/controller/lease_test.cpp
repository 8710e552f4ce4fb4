// Two hosts that want one lease, on a real API server. Their clocks differ by days; time passes for
// both alike.
#include "controller/lease.h"

#include <gtest/gtest.h>

#include "controller/tapped_api.h"
#include "faults/server.h"
#include "io/sync.h"
#include "objects/lease.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace controller {
namespace {

using namespace std::chrono_literals;

class NoLog final : public base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

const kube::Ref lease_ref{&objects::Lease::info, "default", "leader", {}};

struct Host {
  Host(io::Loop& loop, faults::Server& server, std::string name)
      : client(server.client(name)),
        leadership(clock, log, api, {.ns = "default", .name = "leader", .identity = name}),
        tasks(loop) {}

  // From its begin until the lease is lost.
  void run() { tasks.spawn("host", lead(*this)); }
  void crash() {
    is_dead = true;
    tasks.stop();
  }
  // Its calls fail at once, or never come to an end.
  void refuse() {
    api.before = [](std::string) -> io::Task<> {
      throw base::Error(base::Code::unavailable, "connection refused");
      co_return;
    };
  }
  void fall_silent() {
    api.before = [this](std::string) { return never.wait(); };
  }
  bool leads() const { return !is_dead && leadership.is_leader(); }

  static io::Task<> lead(Host& host) {
    co_await host.leadership.acquire();
    co_await host.leadership.hold();
    host.gave_up = true;
  }

  NoLog log;
  test::VirtualClock clock;
  std::unique_ptr<kube::Client> client;
  TappedApi api{*client};
  io::Event never;
  Leadership leadership;
  io::TaskGroup tasks;
  bool gave_up = false, is_dead = false;
};

class LeaseTest : public testing::Test {
 protected:
  LeaseTest() { b.clock.advance(72h); }

  // Time passes in small steps; two leaders at once are never seen.
  void pass(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 100ms) {
      for (test::VirtualClock* clock : {&server_clock, &a.clock, &b.clock}) clock->advance(100ms);
      loop.run_ready();
      ASSERT_FALSE(a.leads() && b.leads());
    }
  }
  // The time until it holds, a minute at most.
  base::Duration until(const std::function<bool()>& holds) {
    base::Duration passed{0};
    for (; !holds() && passed < 60s && !HasFatalFailure(); passed += 100ms) pass(100ms);
    EXPECT_TRUE(holds());
    return passed;
  }
  base::Json lease() { return loop.run(client->get(lease_ref, {})); }
  std::string holder() { return base::text_at(lease(), {"spec", "holderIdentity"}); }

  io::Loop loop;
  test::VirtualClock server_clock;
  test::SeededRandom random{1};
  NoLog log;
  faults::Server server{loop, server_clock, random, log, {}};
  std::unique_ptr<kube::Client> client = server.client("onlooker");
  Host a{loop, server, "a"}, b{loop, server, "b"};
};

TEST_F(LeaseTest, IsHeldByOneAsLongAsItRenews) {
  a.run();
  pass(100ms);
  EXPECT_TRUE(a.leads());
  b.run();
  pass(5min);
  EXPECT_TRUE(a.leads());
  EXPECT_EQ(holder(), "a");
  EXPECT_EQ(base::find_int(lease(), {"spec", "leaseDurationSeconds"}), 15);
  EXPECT_EQ(base::find_int(lease(), {"spec", "leaseTransitions"}), 0);
}

TEST_F(LeaseTest, GoesToOneOfTwoThatBeginTogether) {
  a.run();
  b.run();
  pass(100ms);
  EXPECT_NE(a.leads(), b.leads());
  pass(1min);
  EXPECT_NE(a.leads(), b.leads());
}

TEST_F(LeaseTest, OfAHolderThatDiedIsTakenAfterItsDuration) {
  a.run();
  b.run();
  pass(30s);
  ASSERT_TRUE(a.leads());
  a.crash();
  // It may have renewed just now, and b looks every 2 s.
  const base::Duration waited = until([&] { return holder() == "b"; });
  EXPECT_GE(waited, 13s);
  EXPECT_LE(waited, 17s);
  EXPECT_TRUE(b.leads());
  EXPECT_EQ(base::find_int(lease(), {"spec", "leaseTransitions"}), 1);
}

// However long ago or ahead the renewal looks by one's own clock, silence begins with its sight.
TEST_F(LeaseTest, IsNotTakenOnTheWordOfAnotherHostsClock) {
  b.run();  // three days ahead
  pass(100ms);
  ASSERT_TRUE(b.leads());
  b.crash();
  a.run();
  EXPECT_GE(until([&] { return a.leads(); }), 15s) << "b's renewal is far in the future for a";
  a.crash();
  Host late(loop, server, "late");
  late.clock.advance(240h);
  late.run();
  base::Duration waited{0};
  while (!late.leads() && waited < 60s) {
    late.clock.advance(100ms);
    loop.run_ready();
    waited += 100ms;
  }
  EXPECT_GE(waited, 15s) << "a's renewal is long past for the late one";
  EXPECT_LE(waited, 17s);
}

// The holder knows of its loss before the other one begins.
TEST_F(LeaseTest, IsGivenUpByAHolderWhoseRenewalsFail) {
  a.run();
  b.run();
  pass(30s);
  a.refuse();
  EXPECT_LE(until([&] { return !a.leads(); }), 10s);
  EXPECT_TRUE(a.gave_up);
  EXPECT_FALSE(b.leads());
  until([&] { return b.leads(); });
}

TEST_F(LeaseTest, IsGivenUpByAHolderWhoseRenewalsAreNotAnswered) {
  a.run();
  b.run();
  pass(30s);
  a.fall_silent();
  EXPECT_LE(until([&] { return !a.leads(); }), 10s);
  EXPECT_TRUE(a.gave_up);
  EXPECT_FALSE(b.leads());
  until([&] { return b.leads(); });
}

TEST_F(LeaseTest, CountsItsAgeFromTheRequestNotFromTheWatchOverIt) {
  auto acquire = [](Host& host) -> io::Task<> { co_await host.leadership.acquire(); };
  auto hold = [](Host& host) -> io::Task<> { co_await host.leadership.hold(); };
  a.tasks.spawn("acquire", acquire(a));
  pass(100ms);
  ASSERT_TRUE(a.leads());
  b.run();
  a.refuse();
  pass(8s);
  a.tasks.spawn("hold", hold(a));
  EXPECT_LE(until([&] { return !a.leads(); }), 2s) << "ten seconds after it was acquired";
}

TEST_F(LeaseTest, OutlivesTroubleThatIsShorterThanItsLimit) {
  a.run();
  b.run();
  pass(30s);
  a.refuse();
  pass(5s);
  a.api.before = [](std::string) -> io::Task<> { co_return; };
  pass(1min);
  EXPECT_TRUE(a.leads());
}

TEST_F(LeaseTest, ThatWasReleasedIsTakenAtOnce) {
  a.run();
  b.run();
  pass(30s);
  ASSERT_TRUE(a.leads());
  loop.run(a.leadership.release());
  EXPECT_FALSE(a.leads());
  EXPECT_EQ(holder(), "");
  EXPECT_LE(until([&] { return b.leads(); }), 2s);
  EXPECT_EQ(base::find_int(lease(), {"spec", "leaseTransitions"}), 1);
}

TEST_F(LeaseTest, ThatWasReleasedIsNotRenewedAnyMore) {
  a.run();
  pass(3s);
  loop.run(a.leadership.release());
  pass(30s);
  EXPECT_EQ(holder(), "");
}

TEST_F(LeaseTest, ThatCannotBeReleasedIsLeftToItsDuration) {
  a.run();
  pass(3s);
  a.refuse();
  loop.run(a.leadership.release());
  EXPECT_FALSE(a.leads());
  EXPECT_EQ(holder(), "a");
}

TEST_F(LeaseTest, ThatIsSeenInOtherHandsIsGivenUpAtOnce) {
  a.run();
  pass(30s);
  loop.run(client->patch(lease_ref, {{"spec", {{"holderIdentity", "somebody"}}}}, {}));
  EXPECT_LE(until([&] { return !a.leads(); }), 2s);
  EXPECT_TRUE(a.gave_up);
  EXPECT_EQ(holder(), "somebody");
}

TEST_F(LeaseTest, OfOneselfIsTakenBackAtOnce) {
  a.run();
  pass(3s);
  a.crash();
  Host again(loop, server, "a");
  again.run();
  loop.run_ready();
  EXPECT_TRUE(again.leads());
  EXPECT_EQ(base::find_int(lease(), {"spec", "leaseTransitions"}), 0);
}

}  // namespace
}  // namespace controller
