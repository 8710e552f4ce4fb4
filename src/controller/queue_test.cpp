#include "controller/queue.h"

#include <gtest/gtest.h>

#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace controller {
namespace {

using namespace std::chrono_literals;

const Key a{"demo", "a"}, b{"demo", "b"};
using Names = std::vector<std::string>;

class QueueTest : public testing::Test {
 protected:
  // What can be taken now.
  std::optional<Key> take() {
    if (queue.size() == 0) return {};
    return loop.run(queue.next());
  }
  Names take_all() {
    Names names;
    while (auto key = take()) names.push_back(key->name);
    return names;
  }

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  Queue queue{clock, random, {.first = 20ms, .most = 1s}};
};

TEST_F(QueueTest, GivesEachKeyOnceInTheOrderInWhichTheyCame) {
  for (const Key& key : {a, b, a, a}) queue.add(key);
  EXPECT_EQ(take_all(), (Names{"a", "b"}));
}

TEST_F(QueueTest, GivesAKeyToOneWorkerAtATime) {
  queue.add(a);
  ASSERT_EQ(take(), a);
  queue.add(a);
  queue.add(a);
  EXPECT_EQ(take(), std::nullopt) << "it is in hand";
  queue.done(a);
  EXPECT_EQ(take(), a) << "what came in the meantime is not lost";
  queue.done(a);
  EXPECT_EQ(take(), std::nullopt);
}

TEST_F(QueueTest, LetsAWorkerWaitForWhatComes) {
  std::optional<Key> got;
  auto wait = [&]() -> io::Task<> { got = co_await queue.next(); };
  io::TaskGroup group(loop);
  group.spawn("worker", wait());
  loop.run_ready();
  EXPECT_EQ(got, std::nullopt);
  queue.add(a);
  loop.run_ready();
  EXPECT_EQ(got, a);
}

TEST_F(QueueTest, WaitsAsLongAsTheSoonestAsks) {
  queue.add_after(a, 10s);
  queue.add_after(a, 3s);
  queue.add_after(a, 7s);
  queue.add_after(b, 5s);
  EXPECT_EQ(queue.delayed(), 2u);
  clock.advance(2'999ms);
  EXPECT_EQ(take_all(), Names{});
  clock.advance(1ms);
  EXPECT_EQ(take_all(), Names{"a"});
  clock.advance(1h);
  EXPECT_EQ(take_all(), Names{"b"}) << "the longer waits for a are forgotten";
}

TEST_F(QueueTest, TakesNoTimeForNoDelay) {
  queue.add_after(a, 0s);
  EXPECT_EQ(take_all(), Names{"a"});
}

// The delay after which a failed key comes again.
class Backoff : public QueueTest {
 protected:
  base::Duration fail() {
    queue.retry(a);
    const base::Instant begun = clock.steady();
    EXPECT_EQ(take(), std::nullopt);
    EXPECT_TRUE(clock.advance_to_next());
    EXPECT_EQ(take(), a);
    queue.done(a);
    return clock.steady() - begun;
  }
  static void expect_about(base::Duration delay, base::Duration full) {
    EXPECT_LE(delay, full);
    EXPECT_GE(delay, full * 3 / 4);
  }
};

TEST_F(Backoff, DoublesWithEachFailureUpToItsMost) {
  for (const base::Duration full : {20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms})
    expect_about(fail(), full);
  EXPECT_EQ(queue.failures(a), 8u);
  for (int i = 0; i < 100; ++i) expect_about(fail(), 1s);
}

TEST_F(Backoff, BeginsAnewAfterSuccess) {
  fail();
  fail();
  queue.forget(a);
  EXPECT_EQ(queue.failures(a), 0u);
  expect_about(fail(), 20ms);
}

TEST_F(Backoff, OfOneKeyHoldsUpNoOther) {
  for (int i = 0; i < 5; ++i) fail();
  queue.retry(a);
  queue.add(b);
  EXPECT_EQ(take_all(), Names{"b"});
  EXPECT_EQ(queue.failures(b), 0u);
}

TEST_F(Backoff, DoesNotHoldUpNews) {
  for (int i = 0; i < 5; ++i) fail();
  queue.retry(a);
  queue.add(a);
  EXPECT_EQ(take_all(), Names{"a"});
}

TEST_F(QueueTest, EndsItsWorkersWhenItCloses) {
  int ended = 0;
  auto work = [&]() -> io::Task<> {
    const auto key = co_await queue.next();
    if (!key) ++ended;
  };
  io::TaskGroup group(loop);
  group.spawn("one", work());
  group.spawn("two", work());
  loop.run_ready();
  queue.add_after(a, 1s);
  queue.close();
  loop.run_ready();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(clock.waiting(), 0u);
  queue.add(b);
  queue.add_after(b, 1s);
  EXPECT_EQ(queue.size() + queue.delayed(), 0u);
  EXPECT_EQ(loop.run(queue.next()), std::nullopt);
}

TEST_F(QueueTest, MayGoBeforeItsTimers) {
  {
    Queue other(clock, random, {});
    other.add_after(a, 1s);
  }
  clock.advance(1h);
}

}  // namespace
}  // namespace controller
