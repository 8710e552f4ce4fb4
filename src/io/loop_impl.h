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
};

// Completion token of this library: {error_code, values…} instead of exceptions.
inline constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

// Throws Error(cancelled) when the running task was asked to stop.
inline Task<> check_cancelled() {
  auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none)
    throw base::Error(base::Code::cancelled, "stopped");
}

}  // namespace io
