// The one event loop of a process, and how work is put on it.
//
// Cancellation: stopping a TaskGroup makes the waits of its tasks throw Error(cancelled), those
// they are in and those they begin later. Every wait of this library does so; business code lets it
// pass.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/task.h"

namespace io {

class Loop {
 public:
  Loop();
  ~Loop();  // pending tasks are destroyed, not finished
  Loop(const Loop&) = delete;

  void run();                        // until stop(), or until nothing is left to do
  void stop();                       // from any thread
  void post(std::function<void()>);  // from any thread; runs later on the loop's thread
  // Runs one task to its end: what main and tests call. Rethrows what it throws.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    run_to_end(keep(std::move(task), result));
    return std::move(*result);
  }
  void run(Task<> task) { run_to_end(std::move(task)); }
  // Runs what is ready now and returns; for tests with virtual time.
  void run_ready();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  template <class T>
  static Task<> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  void run_to_end(Task<>);
  std::unique_ptr<Impl> impl_;
};

// Real time on a loop.
class SystemClock final : public base::Clock {
 public:
  explicit SystemClock(Loop&);
  ~SystemClock() override;
  base::Time now() const override;
  base::Instant steady() const override;
  TimerId call_after(base::Duration, std::function<void()>) override;
  void cancel(TimerId) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// getrandom(2).
class SystemRandom final : public base::Random {
 public:
  void fill(std::span<std::uint8_t>) override;
};

Task<> sleep(base::Clock&, base::Duration);
Task<> yield();  // lets other ready tasks run

// Tasks that live and end together.
class TaskGroup {
 public:
  explicit TaskGroup(Loop&);
  // Stops what is left. While the loop stands still (in main, in a test) the tasks end before it
  // returns; inside a task they end later, so join() first when they refer to your frame.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;

  // Starts a task. When it throws (anything but cancellation) the group stops and join() rethrows
  // the first such error.
  void spawn(std::string name, Task<>);
  void stop();  // idempotent; from the loop's thread
  // Returns when all have ended. When the joining task is cancelled it stops them, waits for their
  // end all the same, and then throws Error(cancelled).
  Task<> join();
  std::size_t size() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Runs `task`; when it has not ended after `limit` it is cancelled and Error(timeout, what) is
// thrown.
Task<> within(base::Clock&, base::Duration limit, std::string what, Task<> task);
template <class T>
Task<T> within(base::Clock& clock, base::Duration limit, std::string what, Task<T> task) {
  std::optional<T> result;
  auto keep = [](Task<T> inner, std::optional<T>& out) -> Task<> {
    out.emplace(co_await std::move(inner));
  };
  Task<> wrapped = keep(std::move(task), result);
  co_await within(clock, limit, std::move(what), std::move(wrapped));
  co_return std::move(*result);
}

// True for Error(cancelled) and for the aborts of the library below.
bool is_cancelled(std::exception_ptr);
// The text of any exception, for a log line.
std::string describe(std::exception_ptr);

// Waits for one of the signals (blocked for the process by the first call) and returns it.
Task<int> next_signal(std::initializer_list<int> signals);

}  // namespace io
