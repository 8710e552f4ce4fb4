// Every story with some faults by chance, while everything takes its time by chance.
#include <gtest/gtest.h>

#include "faults/check.h"

namespace faults {
namespace {

struct Chance : testing::TestWithParam<Story> {};

std::vector<Fault> draw(std::uint64_t seed, const Told& undisturbed) {
  test::SeededRandom random(seed);
  std::vector<Fault> faults(2 + base::random_below(random, 3));
  for (Fault& fault : faults) {
    const auto place = Place(base::random_below(random, 3));
    const auto mishaps = mishaps_at(place);
    const auto most = undisturbed.to[static_cast<std::size_t>(place)];
    fault.mishap = mishaps[base::random_below(random, mishaps.size())];
    fault.at = 1 + base::random_below(random, most);
  }
  return faults;
}

TEST_P(Chance, EndsAsIfNothingHadHappened) {
  const Told undisturbed = tell(GetParam(), {});
  std::vector<Circumstances> all;
  for (const std::uint64_t seed : chosen_seeds(12))
    all.push_back({.faults = draw(seed, undisturbed), .seed = seed});
  check(GetParam(), undisturbed, all);
}

INSTANTIATE_TEST_SUITE_P(Story, Chance, testing::ValuesIn(stories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace faults
