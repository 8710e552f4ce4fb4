// What the sources of this folder share about the loop. Included by .cpp files of io/ only.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include "base/error.h"
#include "io/loop.h"

namespace io {

namespace asio = boost::asio;

struct Loop::Impl {
  asio::io_context context{1};
  // For those that may outlive the loop.
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

// True while a loop destroys its pending tasks: what they refer to may be gone already, so guards
// in their frames let go of nothing but themselves.
inline thread_local bool tearing_down = false;

// Completion token of this library: {error_code, values…} instead of exceptions.
inline constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// Throws Error(cancelled) when the task of this state (`this_coro::cancellation_state`) was asked
// to stop. Every wait checks before and after: Asio itself tells only operations already begun.
inline void check(const asio::cancellation_state& task) {
  if (task.cancelled() != asio::cancellation_type::none)
    throw base::Error(base::Code::cancelled, "stopped");
}

// The same where the state is not at hand.
inline Task<> check_cancelled() {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
}

// Takes a timer back when the waiting task goes away first.
class Timer {
 public:
  Timer(base::Clock& clock, base::Clock::TimerId id) : clock_(clock), id_(id) {}
  Timer(const Timer&) = delete;
  ~Timer() {
    if (!tearing_down) clock_.cancel(id_);
  }

 private:
  base::Clock& clock_;
  base::Clock::TimerId id_;
};

}  // namespace io
