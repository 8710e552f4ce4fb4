#include "io/readiness.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/loop_impl.h"

namespace io {

using Descriptor = asio::posix::stream_descriptor;

struct Readiness::Impl {
  Impl(asio::io_context& context, int fd) : descriptor(context, fd) {}
  Descriptor descriptor;
};

namespace {

Task<> wait(Descriptor& descriptor, Descriptor::wait_type type) {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto [error] = co_await descriptor.async_wait(type, tuple);
  if (error) throw base::Error(base::Code::cancelled, "stopped");
}

}  // namespace

Readiness::Readiness(Loop& loop, int fd) : impl_(std::make_shared<Impl>(loop.impl().context, fd)) {}

// Waiting tasks may still hold the rest; the descriptor is its owner's again now.
Readiness::~Readiness() { impl_->descriptor.release(); }

Task<> Readiness::readable() {
  auto impl = impl_;
  co_await wait(impl->descriptor, Descriptor::wait_read);
}

Task<> Readiness::writable() {
  auto impl = impl_;
  co_await wait(impl->descriptor, Descriptor::wait_write);
}

}  // namespace io
