#include "io/loop.h"

#include <sys/random.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <map>
#include <unordered_map>

#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

Loop::Loop() : impl_(std::make_unique<Impl>()) { std::signal(SIGPIPE, SIG_IGN); }
Loop::~Loop() = default;

void Loop::run() {
  auto guard = asio::make_work_guard(impl_->context);
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() { impl_->context.stop(); }

void Loop::post(std::function<void()> job) { asio::post(impl_->context, std::move(job)); }

void Loop::run_to_end(Task<> task) {
  struct End {
    bool reached = false;
    std::exception_ptr error;
  };
  auto end = std::make_shared<End>();
  asio::co_spawn(impl_->context, std::move(task), [end, this](std::exception_ptr error) {
    end->error = error;
    end->reached = true;
    impl_->context.stop();
  });
  run();
  if (end->error) std::rethrow_exception(end->error);
  if (!end->reached) throw base::Error(base::Code::cancelled, "the loop was stopped");
}

void Loop::run_ready() {
  impl_->context.restart();
  impl_->context.poll();
}

// ---- time and chance ----

struct SystemClock::Impl {
  explicit Impl(asio::io_context& c) : context(c) {}
  asio::io_context& context;
  TimerId last = 0;
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
};

SystemClock::SystemClock(Loop& loop) : impl_(std::make_unique<Impl>(loop.impl().context)) {}
SystemClock::~SystemClock() = default;

base::Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

base::Instant SystemClock::steady() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

base::Clock::TimerId SystemClock::call_after(base::Duration delay, std::function<void()> fire) {
  const TimerId id = ++impl_->last;
  auto timer = std::make_unique<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([this, id, fire = std::move(fire)](boost::system::error_code error) {
    if (error) return;
    impl_->timers.erase(id);
    fire();
  });
  impl_->timers.emplace(id, std::move(timer));
  return id;
}

void SystemClock::cancel(TimerId id) { impl_->timers.erase(id); }

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) throw base::Error(base::Code::internal, "getrandom failed");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

namespace {

// Takes a timer back when the waiting task goes away first.
struct Timer {
  Timer(base::Clock& c, base::Clock::TimerId i) : clock(c), id(i) {}
  Timer(const Timer&) = delete;
  ~Timer() { clock.cancel(id); }
  base::Clock& clock;
  base::Clock::TimerId id;
};

}  // namespace

Task<> sleep(base::Clock& clock, base::Duration duration) {
  auto due = std::make_shared<Event>();
  Timer timer(clock, clock.call_after(duration, [due] { due->set(); }));
  co_await due->wait();
}

Task<> yield() {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

// ---- groups ----

struct TaskGroup::Impl {
  explicit Impl(asio::io_context& c) : context(c) {}
  asio::io_context& context;
  std::uint64_t last = 0;
  std::map<std::uint64_t, std::shared_ptr<asio::cancellation_signal>> running;
  bool stopping = false;
  std::exception_ptr error;
  Event empty;

  void stop() {
    stopping = true;
    auto signals = running;  // a task may end while being told
    for (auto& [id, signal] : signals) signal->emit(asio::cancellation_type::terminal);
  }
};

TaskGroup::TaskGroup(Loop& loop) : impl_(std::make_shared<Impl>(loop.impl().context)) {
  impl_->empty.set();
}

TaskGroup::~TaskGroup() { impl_->stop(); }

namespace {

// Names the task in its failure and gives stop() a first place to take effect.
Task<> named(std::string name, Task<> task) {
  co_await check_cancelled();
  try {
    co_await std::move(task);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    throw base::within(name, error);
  }
}

}  // namespace

void TaskGroup::spawn(std::string name, Task<> task) {
  auto state = impl_;
  const auto id = ++state->last;
  auto signal = std::make_shared<asio::cancellation_signal>();
  state->running.emplace(id, signal);
  state->empty.clear();
  asio::co_spawn(
      state->context, named(std::move(name), std::move(task)),
      asio::bind_cancellation_slot(signal->slot(), [state, id, signal](std::exception_ptr error) {
        state->running.erase(id);
        if (error && !state->error && !is_cancelled(error)) {
          state->error = error;
          state->stop();
        }
        if (state->running.empty()) state->empty.set();
      }));
  if (state->stopping) signal->emit(asio::cancellation_type::terminal);
}

void TaskGroup::stop() { impl_->stop(); }

Task<> TaskGroup::join() {
  auto state = impl_;
  co_await state->empty.wait();
  if (auto error = std::exchange(state->error, nullptr)) std::rethrow_exception(error);
}

std::size_t TaskGroup::size() const { return impl_->running.size(); }

// ---- deadlines ----

Task<> within(base::Clock& clock, base::Duration limit, std::string what, Task<> task) {
  struct State {
    asio::cancellation_signal signal;
    std::exception_ptr error;
    bool late = false;
  };
  auto state = std::make_shared<State>();
  auto executor = co_await asio::this_coro::executor;
  Timer timer(clock, clock.call_after(limit, [state] {
    state->late = true;
    state->signal.emit(asio::cancellation_type::terminal);
  }));
  // Completes when the child has ended, also when we are cancelled: then the child is told, and
  // refers to our frame no more.
  auto child = [&](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
      slot.assign([state](asio::cancellation_type type) { state->signal.emit(type); });
    asio::co_spawn(executor, std::move(task),
                   asio::bind_cancellation_slot(state->signal.slot(),
                                                [state, slot, handler = std::move(handler)](
                                                    std::exception_ptr error) mutable {
                                                  state->error = error;
                                                  if (slot.is_connected()) slot.clear();
                                                  std::move(handler)();
                                                }));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(child, asio::use_awaitable);
  if (!state->error) co_return;
  if (state->late && is_cancelled(state->error))
    throw base::Error(base::Code::timeout, what + ": no end after " + base::format_duration(limit));
  std::rethrow_exception(state->error);
}

bool is_cancelled(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const base::Error& known) {
    return known.code() == base::Code::cancelled;
  } catch (const boost::system::system_error& raw) {
    return raw.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

std::string describe(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "unknown exception";
  }
}

Task<int> next_signal(std::initializer_list<int> signals) {
  std::vector<int> wanted(signals);
  auto executor = co_await asio::this_coro::executor;
  asio::signal_set set(executor);
  for (int signal : wanted) set.add(signal);
  auto [error, signal] = co_await set.async_wait(tuple);
  if (error) throw base::Error(base::Code::cancelled, "stopped");
  co_return signal;
}

}  // namespace io
