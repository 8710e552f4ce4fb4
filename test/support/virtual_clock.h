// A clock that stands still until the test moves it.
#pragma once

#include <map>

#include "base/clock.h"

namespace test {

class VirtualClock final : public base::Clock {
 public:
  // 2026-01-02T03:04:05Z, so that a real time is never mistaken for it.
  base::Time now() const override { return start_ + elapsed_; }
  base::Instant steady() const override { return base::Instant(elapsed_); }
  TimerId call_after(base::Duration delay, std::function<void()> fire) override;
  void cancel(TimerId) override;

  // Moves time on and fires what became due, in order, each at its own time.
  void advance(base::Duration);
  // Moves to the next timer and fires it; false when none is set.
  bool advance_to_next();
  std::size_t waiting() const { return timers_.size(); }

 private:
  base::Time start_ = base::Time(std::chrono::milliseconds(1'767'323'045'000));
  base::Duration elapsed_{0};
  TimerId last_ = 0;
  std::map<std::pair<base::Instant, TimerId>, std::function<void()>> timers_;
};

}  // namespace test
