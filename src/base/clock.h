// Time and chance enter the program here, so that tests can own them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/time.h"

namespace base {

// Implementations: io::SystemClock (a real loop), test::VirtualClock (moved by the test).
class Clock {
 public:
  using TimerId = std::uint64_t;

  virtual ~Clock() = default;
  virtual Time now() const = 0;        // wall clock, for people and records
  virtual Instant steady() const = 0;  // never goes back, for waits
  // Calls `fire` once on the loop's thread, not before `delay` has passed; never from inside this
  // call.
  virtual TimerId call_after(Duration delay, std::function<void()> fire) = 0;
  virtual void cancel(TimerId) = 0;  // unknown and fired ids are fine
};

// Implementations: io::SystemRandom, test::SeededRandom.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t>) = 0;
};

std::uint64_t random_below(Random&, std::uint64_t bound);  // uniform in [0, bound); bound > 0
std::string random_uuid(Random&);                          // RFC 9562 version 4, lower case
// n letters and digits as Kubernetes' generateName uses them: "bcdfghjklmnpqrstvwxz2456789".
std::string random_suffix(Random&, std::size_t n);

}  // namespace base
