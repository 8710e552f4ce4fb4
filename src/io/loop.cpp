#include "io/loop.h"

#include <sys/random.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <unordered_map>

#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

Loop::Loop() : impl_(std::make_unique<Impl>()) { std::signal(SIGPIPE, SIG_IGN); }

Loop::~Loop() {
  *impl_->alive = false;
  tearing_down = true;
  impl_.reset();
  tearing_down = false;
}

void Loop::run() {
  impl_->context.restart();
  impl_->context.run();
}

void Loop::stop() { impl_->context.stop(); }

void Loop::post(std::function<void()> job) { asio::post(impl_->context, std::move(job)); }

namespace {

// Our waits say Error(cancelled) themselves; Asio would throw its own at any co_await.
Task<> with_our_cancellation(Task<> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

}  // namespace

void Loop::run_to_end(Task<> task) {
  struct End {
    bool reached = false;
    std::exception_ptr error;
  };
  auto end = std::make_shared<End>();
  asio::co_spawn(impl_->context, with_our_cancellation(std::move(task)),
                 [end, this](std::exception_ptr error) {
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
  // Shared with the handlers, which may run after the clock is gone.
  std::shared_ptr<std::unordered_map<TimerId, asio::steady_timer>> timers =
      std::make_shared<std::unordered_map<TimerId, asio::steady_timer>>();
};

SystemClock::SystemClock(Loop& loop) : impl_(std::make_unique<Impl>(loop.impl().context)) {}
SystemClock::~SystemClock() { impl_->timers->clear(); }

base::Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

base::Instant SystemClock::steady() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

base::Clock::TimerId SystemClock::call_after(base::Duration delay, std::function<void()> fire) {
  const TimerId id = ++impl_->last;
  auto& timer = impl_->timers->emplace(id, asio::steady_timer(impl_->context, delay)).first->second;
  timer.async_wait([timers = std::weak_ptr(impl_->timers), id,
                    fire = std::move(fire)](boost::system::error_code) {
    auto left = timers.lock();
    if (left && left->erase(id) == 1) fire();  // else it was cancelled in the same moment
  });
  return id;
}

void SystemClock::cancel(TimerId id) { impl_->timers->erase(id); }

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) throw base::Error(base::Code::internal, "getrandom failed");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

Task<> sleep(base::Clock& clock, base::Duration duration) {
  auto due = std::make_shared<Event>();
  Timer timer(clock, clock.call_after(duration, [due] { due->set(); }));
  co_await due->wait();
}

Task<> yield() {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
  check(task);
}

// ---- deadlines ----

Task<> within(base::Clock& clock, base::Duration limit, std::string what, Task<> task) {
  struct State {
    asio::cancellation_signal signal;
    std::exception_ptr error;
    bool late = false, over = false;
  };
  auto self = co_await asio::this_coro::cancellation_state;
  check(self);
  auto state = std::make_shared<State>();
  struct Over {
    State& state;
    ~Over() { state.over = true; }
  } over{*state};
  auto executor = co_await asio::this_coro::executor;
  Timer timer(clock, clock.call_after(limit, [state] {
    if (state->over) return;
    state->late = true;
    state->signal.emit(asio::cancellation_type::terminal);
  }));
  // Completes when the child has ended, also when we are cancelled: then the child is told, and
  // refers to our frame no more.
  auto child = [&](auto handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
      slot.assign([state](asio::cancellation_type type) { state->signal.emit(type); });
    asio::co_spawn(executor, with_our_cancellation(std::move(task)),
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
  if (is_cancelled(state->error)) check(self);
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
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto [error, signal] = co_await set.async_wait(tuple);
  if (error) throw base::Error(base::Code::cancelled, "stopped");
  co_return signal;
}

}  // namespace io
