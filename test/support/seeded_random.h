// Chance that repeats itself: the same seed gives the same bytes.
#pragma once

#include <random>

#include "base/clock.h"

namespace test {

class SeededRandom final : public base::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t>) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace test
