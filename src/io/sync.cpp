#include "io/sync.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "io/loop_impl.h"

namespace io {

// A waiter is a timer that never fires; waking is cancelling it.
struct Event::Impl {
  bool set = false, gone = false;
  std::list<asio::steady_timer*> waiters;

  void wake() {
    for (auto* waiter : waiters) waiter->cancel();
  }
};

Event::Event() : impl_(std::make_shared<Impl>()) {}

Event::~Event() {
  impl_->gone = true;
  impl_->wake();
}

void Event::set() {
  if (impl_->set) return;
  impl_->set = true;
  impl_->wake();
}

void Event::clear() { impl_->set = false; }
bool Event::is_set() const { return impl_->set; }

Task<> Event::wait() {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto impl = impl_;
  if (impl->set) co_return;
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  struct Place {
    Impl& impl;
    std::list<asio::steady_timer*>::iterator at;
    ~Place() { impl.waiters.erase(at); }
  } place{*impl, impl->waiters.insert(impl->waiters.end(), &timer)};
  co_await timer.async_wait(tuple);
  check(task);
  if (impl->gone) throw base::Error(base::Code::cancelled, "what was waited for is gone");
}

struct Semaphore::Impl {
  std::size_t free;
  std::deque<std::shared_ptr<Event>> queue;
};

Semaphore::Semaphore(std::size_t permits) : impl_(std::make_shared<Impl>()) {
  impl_->free = permits;
}
Semaphore::~Semaphore() = default;

Semaphore::Permit::~Permit() {
  if (!from_) return;
  auto& impl = *from_->impl_;
  if (impl.queue.empty()) {
    ++impl.free;
  } else {  // handed to the first waiter
    impl.queue.front()->set();
    impl.queue.pop_front();
  }
}

Task<Semaphore::Permit> Semaphore::acquire() {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto impl = impl_;
  if (impl->free > 0) {
    --impl->free;
    co_return Permit(this);
  }
  auto turn = std::make_shared<Event>();
  impl->queue.push_back(turn);
  try {
    co_await turn->wait();
  } catch (...) {
    if (turn->is_set()) {
      Permit given_back(this);  // handed over in the same moment as we were stopped
    } else {
      std::erase(impl->queue, turn);
    }
    throw;
  }
  co_return Permit(this);
}

}  // namespace io
