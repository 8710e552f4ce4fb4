#include "controller/controller.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace controller {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Error;

const Key a{"demo", "a"}, b{"demo", "b"}, c{"demo", "c"};
using Names = std::vector<std::string>;

class Warnings final : public base::Log {
 public:
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level < base::Level::warn) return;
    lines.emplace_back(message);
    for (const auto& [name, value] : fields) lines.back() += base::cat(" ", name, "=", value);
  }
  Names lines;
};

// A controller of two workers whose reconciler the test writes.
class ControllerTest : public testing::Test {
 protected:
  void start() {
    auto run = [this]() -> io::Task<> {
      co_await controller.run();
      ended = true;
    };
    group.spawn("controller", run());
    loop.run_ready();
  }
  void add(const Key& key) {
    controller.add(key);
    loop.run_ready();
  }
  void pass(base::Duration time) {
    clock.advance(time);
    loop.run_ready();
  }
  double counted(const std::string& result) {
    return metrics.value("sympozium_reconcile_total", {{"controller", "test"}, {"result", result}});
  }
  void TearDown() override {
    group.stop();
    loop.run_ready();
  }

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  Warnings log;
  Metrics metrics;
  Names seen;
  bool ended = false;
  Reconcile reconcile = [](Key) -> io::Task<Result> { co_return Result{}; };
  Controller controller{loop,
                        clock,
                        random,
                        log,
                        metrics,
                        "test",
                        [this](Key key) {
                          seen.push_back(key.name);
                          return reconcile(std::move(key));
                        },
                        {.workers = 2, .backoff = {.first = 100ms, .most = 1s}, .deadline = 10s}};
  io::TaskGroup group{loop};
};

TEST_F(ControllerTest, LooksAtWhatItIsGiven) {
  start();
  add(a);
  add(b);
  EXPECT_EQ(seen, (Names{"a", "b"}));
  EXPECT_EQ(counted("ok"), 2);
  EXPECT_FALSE(ended);
}

TEST_F(ControllerTest, LooksAgainWhenSomethingCameWhileItLooked) {
  io::Event go_on;
  reconcile = [&](Key) -> io::Task<Result> {
    co_await go_on.wait();
    co_return Result{};
  };
  start();
  for (int i = 0; i < 3; ++i) add(a);
  EXPECT_EQ(seen, Names{"a"}) << "never in two hands";
  go_on.set();
  loop.run_ready();
  EXPECT_EQ(seen, (Names{"a", "a"}));
}

TEST_F(ControllerTest, LooksAgainAtTheTimeThatWasAskedFor) {
  reconcile = [this](Key) -> io::Task<Result> {
    if (seen.size() == 1) co_return Result{.again_after = 30s};
    co_return Result{};
  };
  start();
  add(a);
  pass(29'999ms);
  EXPECT_EQ(seen.size(), 1u);
  pass(1ms);
  EXPECT_EQ(seen.size(), 2u);
  pass(1h);
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(ControllerTest, TriesAFailureAgainLaterAndLaterUntilItSucceeds) {
  bool works = false;
  reconcile = [&](Key) -> io::Task<Result> {
    if (!works) throw Error(Code::unavailable, "no");
    co_return Result{};
  };
  start();
  add(a);
  EXPECT_EQ(controller.queue().failures(a), 1u);
  pass(100ms);
  EXPECT_EQ(seen.size(), 2u);
  pass(100ms);
  EXPECT_EQ(seen.size(), 2u) << "200 ms, less a quarter at most";
  pass(100ms);
  EXPECT_EQ(seen.size(), 3u);
  EXPECT_EQ(counted("error"), 3);
  EXPECT_EQ(log.lines[0], "reconcile failed controller=test object=demo/a error=no");
  works = true;
  pass(400ms);
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(controller.queue().failures(a), 0u);
  EXPECT_EQ(counted("ok"), 1);
}

TEST_F(ControllerTest, TakesALostRaceForNoTrouble) {
  reconcile = [this](Key) -> io::Task<Result> {
    if (seen.size() == 1) throw Error(Code::conflict, "somebody was faster");
    co_return Result{};
  };
  start();
  add(a);
  pass(100ms);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(counted("conflict"), 1);
  EXPECT_EQ(log.lines, Names{});
}

TEST_F(ControllerTest, WorksOnWhateverAReconcilerThrows) {
  reconcile = [](Key key) -> io::Task<Result> {
    if (key == a) throw std::out_of_range("foreign");
    // Not ours: a channel that closed, say. Nobody has stopped the controller.
    if (key == b) throw Error(Code::cancelled, "given up");
    co_return Result{};
  };
  start();
  for (int i = 0; i < 3; ++i) {
    add(a);
    add(b);
  }
  add(c);
  EXPECT_EQ(seen.back(), "c");
  EXPECT_EQ(counted("error"), 6);
  EXPECT_FALSE(ended);
}

TEST_F(ControllerTest, GivesALookNoMoreThanItsDeadline) {
  reconcile = [this](Key) -> io::Task<Result> {
    co_await io::sleep(clock, 1h);
    co_return Result{};
  };
  start();
  add(a);
  pass(9'999ms);
  EXPECT_EQ(counted("error"), 0);
  pass(1ms);
  EXPECT_EQ(counted("error"), 1);
  EXPECT_EQ(log.lines, Names{"reconcile failed controller=test object=demo/a error=reconciling "
                             "test demo/a: no end after 10s"});
  pass(100ms);
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(ControllerTest, LetsASlowLookHoldUpNoOther) {
  reconcile = [this](Key key) -> io::Task<Result> {
    if (key == a) co_await io::sleep(clock, 5s);
    co_return Result{};
  };
  start();
  for (const Key& key : {a, b, c}) add(key);
  EXPECT_EQ(seen, (Names{"a", "b", "c"}));
}

TEST_F(ControllerTest, FinishesWhatIsInHandWhenItStops) {
  bool finished = false;
  reconcile = [&](Key) -> io::Task<Result> {
    co_await io::sleep(clock, 5s);
    finished = true;
    co_return Result{.again_after = 1s};
  };
  start();
  for (const Key& key : {a, b, c}) add(key);
  controller.stop();
  loop.run_ready();
  EXPECT_FALSE(ended);
  pass(5s);
  EXPECT_TRUE(finished);
  EXPECT_TRUE(ended);
  EXPECT_EQ(seen, (Names{"a", "b"})) << "c was not in hand";
  EXPECT_EQ(clock.waiting(), 0u);
}

TEST_F(ControllerTest, AbandonsWhatIsInHandWhenItIsCancelled) {
  bool finished = false;
  reconcile = [&](Key) -> io::Task<Result> {
    co_await io::sleep(clock, 5s);
    finished = true;
    co_return Result{};
  };
  start();
  add(a);
  group.stop();
  loop.run_ready();
  EXPECT_EQ(group.size(), 0u);
  pass(1h);
  EXPECT_FALSE(finished);
  EXPECT_EQ(seen, Names{"a"});
}

TEST_F(ControllerTest, CountsItsTimeAndWhatWaits) {
  reconcile = [this](Key) -> io::Task<Result> {
    co_await io::sleep(clock, 2s);
    co_return Result{};
  };
  start();
  for (const Key& key : {a, b, c}) add(key);
  EXPECT_EQ(metrics.value("sympozium_queue_depth", {{"controller", "test"}}), 1);
  pass(2s);
  pass(2s);
  const std::string text = metrics.format();
  EXPECT_NE(text.find("sympozium_reconcile_seconds_count{controller=\"test\"} 3\n"), text.npos);
  EXPECT_NE(text.find("sympozium_reconcile_seconds_sum{controller=\"test\"} 6\n"), text.npos);
  EXPECT_EQ(metrics.value("sympozium_queue_depth", {{"controller", "test"}}), 0);
}

TEST(Controllers, TakeTheirGaugeAlong) {
  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  Warnings log;
  Metrics metrics;
  {
    Controller controller(loop, clock, random, log, metrics, "brief", {});
    EXPECT_NE(metrics.format(), "");
  }
  EXPECT_EQ(metrics.format(), "");
}

}  // namespace
}  // namespace controller
