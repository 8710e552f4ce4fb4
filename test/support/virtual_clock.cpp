#include "support/virtual_clock.h"

#include <algorithm>

namespace test {

base::Clock::TimerId VirtualClock::call_after(base::Duration delay, std::function<void()> fire) {
  timers_[{steady() + std::max(delay, base::Duration(0)), ++last_}] = std::move(fire);
  return last_;
}

void VirtualClock::cancel(TimerId id) {
  std::erase_if(timers_, [&](const auto& timer) { return timer.first.second == id; });
}

void VirtualClock::advance(base::Duration by) {
  const base::Instant until = steady() + by;
  while (!timers_.empty() && timers_.begin()->first.first <= until) advance_to_next();
  elapsed_ = until.time_since_epoch();
}

bool VirtualClock::advance_to_next() {
  if (timers_.empty()) return false;
  auto node = timers_.extract(timers_.begin());
  elapsed_ = std::max(elapsed_, node.key().first.time_since_epoch());
  node.mapped()();
  return true;
}

}  // namespace test
