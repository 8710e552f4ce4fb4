#include "io/sync.h"

#include <gtest/gtest.h>

namespace io {
namespace {

TEST(Channel, GivesInOrderAndDrainsAfterClose) {
  Loop loop;
  Channel<int> channel(2);
  std::vector<int> seen;
  auto reader = [&]() -> Task<> {
    while (auto value = co_await channel.pop()) seen.push_back(*value);
  };
  auto writer = [&]() -> Task<> {
    for (int i = 0; i < 5; ++i) co_await channel.push(i);
    channel.close();
  };
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    group.spawn("reader", reader());
    group.spawn("writer", writer());
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Channel, RefusesWhatIsBeyondItsLimitOrAfterItsEnd) {
  Loop loop;
  Channel<int> channel(1);
  EXPECT_TRUE(channel.try_push(1));
  EXPECT_FALSE(channel.try_push(2));
  channel.close();
  auto late = [&]() -> Task<> { co_await channel.push(3); };
  EXPECT_THROW(loop.run(late()), base::Error);
}

TEST(Channel, WakesEveryReaderThatWaits) {
  Loop loop;
  Channel<int> channel(8);
  int sum = 0;
  TaskGroup group(loop);
  auto reader = [&]() -> Task<> {
    auto value = co_await channel.pop();
    sum += value.value_or(0);
  };
  for (int i = 0; i < 3; ++i) group.spawn("reader", reader());
  loop.run_ready();
  for (int value : {1, 10, 100}) channel.try_push(value);
  loop.run(group.join());
  EXPECT_EQ(sum, 111);
}

TEST(Semaphore, ServesInOrderOfArrival) {
  Loop loop;
  Semaphore semaphore(1);
  std::string order;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    auto holder = [&](char label) -> Task<> {
      auto permit = co_await semaphore.acquire();
      order += label;
      co_await yield();
      order += label;
    };
    for (char label : {'a', 'b', 'c'}) group.spawn("holder", holder(label));
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(order, "aabbcc");
}

TEST(Semaphore, APermitHandedToAStoppedTaskGoesToTheNext) {
  Loop loop;
  Semaphore semaphore(1);
  bool got = false;
  auto main = [&]() -> Task<> {
    auto first = co_await semaphore.acquire();
    TaskGroup stopped(loop), rest(loop);
    auto taker = [&](bool& mark) -> Task<> {
      auto permit = co_await semaphore.acquire();
      mark = true;
    };
    bool never = false;
    stopped.spawn("stopped", taker(never));
    rest.spawn("next", taker(got));
    co_await yield();
    first = {};  // handed to the task that is stopped in the same moment
    stopped.stop();
    co_await stopped.join();
    co_await rest.join();
    EXPECT_FALSE(never);
  };
  loop.run(main());
  EXPECT_TRUE(got);
}

TEST(Event, OutlivedByItsWaitersTellsThem) {
  Loop loop;
  std::string said;
  TaskGroup group(loop);
  auto event = std::make_unique<Event>();
  auto waiter = [&]() -> Task<> {
    try {
      co_await event->wait();
    } catch (const base::Error& error) {
      said = error.what();
    }
  };
  group.spawn("waiter", waiter());
  loop.run_ready();
  event.reset();
  loop.run(group.join());
  EXPECT_EQ(said, "what was waited for is gone");
}

}  // namespace
}  // namespace io
