// The calls of one provider key: so many at once, and none while the provider says to wait.
#pragma once

#include <algorithm>

#include "base/clock.h"
#include "io/sync.h"

namespace gateway {

// After a 429 all calls of the key wait. Then one goes ahead, and the others follow when it was let
// in: a limit is run into once, not once a call. First come, first served.
class Limiter {
 public:
  Limiter(base::Clock& clock, std::size_t calls_at_once, base::Duration longest_pause)
      : clock_(clock), longest_pause_(longest_pause), seats_(calls_at_once) {}

  // Held for the whole call.
  io::Task<io::Semaphore::Permit> take_seat() { return seats_.acquire(); }

  // Waits until a request may leave. What it returns is held until the answer's status is known.
  io::Task<io::Semaphore::Permit> enter() {
    io::Semaphore::Permit alone;
    if (limited_) alone = co_await door_.acquire();
    while (limited_ && clock_.steady() < until_) {
      const base::Duration rest = until_ - clock_.steady();
      co_await io::sleep(clock_, rest);
    }
    if (!limited_) alone = {};
    co_return alone;
  }

  // The provider asked to wait, or it is wise to.
  void hold_back(base::Duration pause) {
    limited_ = true;
    until_ = std::max(until_, clock_.steady() + std::min(pause, longest_pause_));
  }
  // A request was let in. One that had left before the limit was met proves nothing.
  void let_in() {
    if (clock_.steady() >= until_) limited_ = false;
  }
  bool is_open() const { return clock_.steady() >= until_; }

 private:
  base::Clock& clock_;
  base::Duration longest_pause_;
  io::Semaphore seats_, door_{1};
  bool limited_ = false;
  base::Instant until_{};
};

}  // namespace gateway
