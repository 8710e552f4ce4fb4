#include "io/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <thread>

#include "base/error.h"
#include "io/blocking.h"
#include "io/conn.h"
#include "io/sync.h"
#include "support/virtual_clock.h"

namespace io {
namespace {

using base::Code;
using base::Error;
using std::chrono::seconds;

// The code of the Error that a task ends with; nothing when it ends well.
Task<> note_code(Task<> task, std::optional<Code>& code) {
  try {
    co_await std::move(task);
  } catch (const Error& error) {
    code = error.code();
  }
}

struct LoopTest : testing::Test {
  Loop loop;
  test::VirtualClock clock;
};

TEST_F(LoopTest, RunsATaskToItsEndAndGivesItsValue) {
  auto task = []() -> Task<int> {
    co_await yield();
    co_return 42;
  };
  EXPECT_EQ(loop.run(task()), 42);
}

TEST_F(LoopTest, RethrowsWhatATaskThrows) {
  auto task = []() -> Task<> {
    co_await yield();
    throw Error(Code::conflict, "no");
  };
  EXPECT_THROW(loop.run(task()), Error);
}

TEST_F(LoopTest, EndsWhenNothingIsLeftToDo) {
  int calls = 0;
  loop.post([&] { ++calls; });
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, TakesPostsOfOtherThreads) {
  Event told;
  std::thread other([&] { loop.post([&] { told.set(); }); });
  loop.run(told.wait());
  other.join();
  EXPECT_TRUE(told.is_set());
}

TEST_F(LoopTest, SleepsUntilTheClockSaysSo) {
  bool awake = false;
  TaskGroup group(loop);
  auto sleeper = [&]() -> Task<> {
    co_await sleep(clock, seconds(10));
    awake = true;
  };
  group.spawn("sleeper", sleeper());
  loop.run_ready();
  clock.advance(seconds(9));
  loop.run_ready();
  EXPECT_FALSE(awake);
  clock.advance(seconds(1));
  loop.run_ready();
  EXPECT_TRUE(awake);
  EXPECT_EQ(clock.waiting(), 0u);
}

TEST_F(LoopTest, PendingTasksDieWithTheirLoop) {
  auto held = std::make_shared<int>(1);
  std::unique_ptr<TaskGroup> group;  // it may outlive the loop, too
  {
    Loop short_lived;
    Event never;
    auto waiter = [](std::shared_ptr<int>, base::Clock& time, Event& event) -> Task<> {
      auto nap = sleep(time, seconds(5));
      co_await within(time, seconds(50), "nap", std::move(nap));
      co_await event.wait();
    };
    group = std::make_unique<TaskGroup>(short_lived);
    group->spawn("waiter", waiter(held, clock, never));
    short_lived.run_ready();
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  clock.advance(seconds(100));  // what is left of the timers does no harm
}

TEST_F(LoopTest, AGroupThatGoesAwayEndsItsTasksFirst) {
  std::string seen;
  {
    std::string text = "there";
    TaskGroup group(loop);
    auto task = [](std::string& from, std::string& to) -> Task<> {
      struct Guard {
        std::string &from, &to;
        ~Guard() { to = from; }
      } guard{from, to};
      co_await Event().wait();
    };
    group.spawn("task", task(text, seen));
    loop.run_ready();
  }
  EXPECT_EQ(seen, "there");
}

TEST_F(LoopTest, TheSystemClockDoesNotFireWhatWasCancelled) {
  SystemClock real(loop);
  int fired = 0;
  base::Clock::TimerId second = 0;
  // Both are due at once: the first takes the second back when its handler is already queued.
  real.call_after(base::Duration(0), [&] {
    ++fired;
    real.cancel(second);
  });
  second = real.call_after(base::Duration(0), [&] { ++fired; });
  loop.run();
  EXPECT_EQ(fired, 1);
}

// ---- groups ----

TEST_F(LoopTest, JoinRethrowsTheFirstRealFailureAndStopsTheRest) {
  std::optional<Code> other;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    group.spawn("idle", note_code(Event().wait(), other));
    auto failing = []() -> Task<> {
      co_await yield();
      throw Error(Code::conflict, "changed");
    };
    group.spawn("failing", failing());
    co_await group.join();
  };
  try {
    loop.run(main());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::conflict);
    EXPECT_STREQ(error.what(), "failing: changed");
  }
}

TEST_F(LoopTest, ATaskSpawnedIntoAStoppedGroupDoesNotBegin) {
  bool begun = false;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    group.stop();
    auto task = [&]() -> Task<> {
      begun = true;
      co_return;
    };
    group.spawn("late", task());
    co_await group.join();
  };
  loop.run(main());
  EXPECT_FALSE(begun);
}

TEST_F(LoopTest, ATaskThatIsStoppedBeforeItBeginsDoesNotBegin) {
  bool begun = false;
  auto task = [&]() -> Task<> {
    begun = true;
    co_return;
  };
  {
    TaskGroup group(loop);  // the loop stands still: nothing begins yet
    group.spawn("early", task());
  }
  TaskGroup group(loop);
  group.spawn("stopped", task());
  group.stop();
  loop.run(group.join());
  EXPECT_FALSE(begun);
}

TEST_F(LoopTest, ATaskStopsItsOwnGroupAtItsNextWait) {
  std::optional<Code> code;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    auto task = [](TaskGroup& own) -> Task<> {
      own.stop();
      co_await yield();
    };
    group.spawn("self", note_code(task(group), code));
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(code, Code::cancelled);
}

TEST_F(LoopTest, ACancelledJoinStopsAndOutlivesItsTasks) {
  std::string order;
  auto inner = [&]() -> Task<> {
    std::string frame = "inner ";
    TaskGroup children(loop);
    auto child = [](std::string& text, std::string& to) -> Task<> {
      try {
        co_await Event().wait();
      } catch (const Error&) {
        to += text + "child ";
      }
    };
    children.spawn("child", child(frame, order));
    try {
      co_await children.join();
    } catch (const Error& error) {
      order += name(error.code());
    }
  };
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    group.spawn("inner", inner());
    co_await yield();
    group.stop();
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(order, "inner child cancelled");
}

// Every wait of the library, stopped from outside.
struct Wait {
  const char* name;
  std::function<Task<>(Loop&, test::VirtualClock&)> begin;
};

class CancellationTest : public testing::TestWithParam<Wait> {};

TEST_P(CancellationTest, AStoppedWaitThrowsCancelled) {
  Loop loop;
  test::VirtualClock clock;
  std::optional<Code> code;
  TaskGroup group(loop);
  group.spawn("waiting", note_code(GetParam().begin(loop, clock), code));
  loop.run_ready();
  ASSERT_FALSE(code) << "it did not wait";
  group.stop();
  loop.run(group.join());
  EXPECT_EQ(code, Code::cancelled);
}

TEST_P(CancellationTest, AStoppedTaskCannotBeginToWait) {
  Loop loop;
  test::VirtualClock clock;
  std::optional<Code> code;
  TaskGroup group(loop);
  auto task = [&](TaskGroup& own) -> Task<> {
    own.stop();
    co_await GetParam().begin(loop, clock);
  };
  group.spawn("waiting", note_code(task(group), code));
  loop.run(group.join());
  EXPECT_EQ(code, Code::cancelled);
}

Task<> read_one(std::unique_ptr<Conn> conn) {
  char byte;
  co_await conn->read_some({&byte, 1});
}

Task<> write_much(std::unique_ptr<Conn> conn) {
  const std::string much(64 << 20, 'x');
  co_await conn->write(much);
}

INSTANTIATE_TEST_SUITE_P(
    Waits, CancellationTest,
    testing::Values(
        Wait{"event",
             [](Loop&, base::Clock&) -> Task<> {
               Event event;
               co_await event.wait();
             }},
        Wait{"sleep",
             [](Loop&, base::Clock& clock) -> Task<> { co_await sleep(clock, seconds(1)); }},
        Wait{"deadline",
             [](Loop&, base::Clock& clock) -> Task<> {
               auto nap = sleep(clock, seconds(1));
               co_await within(clock, seconds(2), "nap", std::move(nap));
             }},
        Wait{"full_channel",
             [](Loop&, base::Clock&) -> Task<> {
               Channel<int> channel(1);
               co_await channel.push(1);
               co_await channel.push(2);
             }},
        Wait{"empty_channel",
             [](Loop&, base::Clock&) -> Task<> {
               Channel<int> channel(1);
               co_await channel.pop();
             }},
        Wait{"semaphore",
             [](Loop&, base::Clock&) -> Task<> {
               Semaphore semaphore(1);
               auto one = co_await semaphore.acquire();
               auto two = co_await semaphore.acquire();
             }},
        Wait{"pipe_read",
             [](Loop&, base::Clock&) -> Task<> {
               auto [a, b] = memory_pipe();
               co_await read_one(std::move(a));
             }},
        Wait{"pipe_write",
             [](Loop&, base::Clock&) -> Task<> {
               auto [a, b] = memory_pipe();
               co_await write_much(std::move(a));
             }},
        Wait{"accept",
             [](Loop& loop, base::Clock&) -> Task<> {
               auto listener = listen_tcp(loop, "127.0.0.1", 0);
               co_await listener->accept();
             }},
        Wait{"tcp_read",
             [](Loop& loop, base::Clock&) -> Task<> {
               auto listener = listen_tcp(loop, "127.0.0.1", 0);
               auto conn = co_await connect_tcp("127.0.0.1", listener->port());
               co_await read_one(std::move(conn));
             }},
        Wait{"tcp_write",
             [](Loop& loop, base::Clock&) -> Task<> {
               auto listener = listen_tcp(loop, "127.0.0.1", 0);
               auto conn = co_await connect_tcp("127.0.0.1", listener->port());
               co_await write_much(std::move(conn));
             }},
        Wait{"signal", [](Loop&, base::Clock&) -> Task<> { co_await next_signal({SIGUSR2}); }},
        Wait{"join",
             [](Loop& loop, base::Clock& clock) -> Task<> {
               TaskGroup group(loop);
               group.spawn("nap", sleep(clock, seconds(1)));
               co_await group.join();
             }}),
    [](const auto& info) { return info.param.name; });

// ---- deadlines ----

TEST_F(LoopTest, WithinGivesTheValueOfATaskThatIsInTime) {
  auto answer = []() -> Task<std::string> {
    co_await yield();
    co_return "here";
  };
  auto task = within(clock, seconds(1), "asking", answer());
  EXPECT_EQ(loop.run(std::move(task)), "here");
  EXPECT_EQ(clock.waiting(), 0u);
}

TEST_F(LoopTest, WithinStopsATaskThatIsLateAndSaysWhatItWas) {
  std::optional<Code> inside;
  auto main = [&]() -> Task<> {
    auto task = [](Event& event) -> Task<> { co_await event.wait(); };
    Event never;
    auto slow = note_code(task(never), inside);
    auto rethrow = [](Task<> inner, std::optional<Code>& code) -> Task<> {
      co_await std::move(inner);
      if (code) throw Error(*code, "stopped");
    };
    auto both = rethrow(std::move(slow), inside);
    co_await within(clock, seconds(3), "asking", std::move(both));
  };
  std::string said;
  auto watch = [&]() -> Task<> {
    try {
      co_await main();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::timeout);
      said = error.what();
    }
  };
  TaskGroup group(loop);
  group.spawn("main", watch());
  loop.run_ready();
  clock.advance(seconds(3));
  loop.run(group.join());
  EXPECT_EQ(said, "asking: no end after 3s");
  EXPECT_EQ(inside, Code::cancelled);
}

TEST_F(LoopTest, ADeadlineInsideADeadlineIsTold) {
  std::optional<Code> outer;
  auto nested = [&]() -> Task<> {
    auto nap = sleep(clock, seconds(100));
    auto inner = within(clock, seconds(50), "inner", std::move(nap));
    co_await within(clock, seconds(10), "outer", std::move(inner));
  };
  TaskGroup group(loop);
  group.spawn("nested", note_code(nested(), outer));
  loop.run_ready();
  clock.advance(seconds(10));
  loop.run(group.join());
  EXPECT_EQ(outer, Code::timeout);
  EXPECT_EQ(clock.waiting(), 0u);
}

// ---- threads ----

TEST_F(LoopTest, BlockingCallsRunElsewhereAndComeBack) {
  BlockingPool pool(2);
  const auto here = std::this_thread::get_id();
  auto main = [&]() -> Task<bool> {
    auto elsewhere = co_await pool.run([here] { return std::this_thread::get_id() != here; });
    co_return elsewhere&& std::this_thread::get_id() == here;
  };
  EXPECT_TRUE(loop.run(main()));
}

TEST_F(LoopTest, WhatABlockingCallThrowsIsThrownToItsTask) {
  BlockingPool pool(1);
  auto main = [&]() -> Task<> { co_await pool.run([] { throw Error(Code::denied, "no"); }); };
  std::optional<Code> code;
  loop.run(note_code(main(), code));
  EXPECT_EQ(code, Code::denied);
}

TEST_F(LoopTest, AnAbandonedBlockingCallStillEnds) {
  struct Steps {
    std::promise<void> begun, go;
    std::atomic<bool> ended = false;
  };
  auto steps = std::make_shared<Steps>();
  std::optional<Code> code;
  {
    BlockingPool pool(1);
    TaskGroup group(loop);
    auto task = [](BlockingPool& where, std::shared_ptr<Steps> call) -> Task<> {
      co_await where.run([call] {
        call->begun.set_value();
        call->go.get_future().wait();
        call->ended = true;
      });
    };
    group.spawn("task", note_code(task(pool, steps), code));
    loop.run_ready();
    steps->begun.get_future().wait();
    group.stop();
    loop.run(group.join());
    EXPECT_EQ(code, Code::cancelled);
    EXPECT_FALSE(steps->ended);
    steps->go.set_value();
  }
  EXPECT_TRUE(steps->ended);
}

TEST_F(LoopTest, ACallThatDidNotBeginBeforeItsPoolEndedIsCancelled) {
  std::optional<Code> code;
  TaskGroup group(loop);
  auto pool = std::make_unique<BlockingPool>(0);
  auto task = [](BlockingPool& where) -> Task<> { co_await where.run([] {}); };
  group.spawn("task", note_code(task(*pool), code));
  loop.run_ready();
  pool.reset();
  loop.run(group.join());
  EXPECT_EQ(code, Code::cancelled);
}

}  // namespace
}  // namespace io
