// Two controllers that both believe that they are the only one: every story ends as with one.
#include <gtest/gtest.h>

#include "faults/check.h"

namespace faults {
namespace {

struct SplitBrain : testing::TestWithParam<Story> {};

// One of them stands still before a write, or hears late, while the other goes on.
TEST_P(SplitBrain, EndsAsWithOneControllerWhenOneOfThemIsLate) {
  const Told undisturbed = tell(GetParam(), {});
  const Told both = tell(GetParam(), {.controllers = Controllers::several});
  std::vector<Circumstances> all{{.controllers = Controllers::several}};
  for (const Fault& fault : all_faults(both))
    if (!GetParam().is_variation &&
        (fault.mishap == Mishap::pause || fault.mishap == Mishap::delay))
      all.push_back({.controllers = Controllers::several, .faults = {fault}});
  if (const auto faults = chosen_faults(); !faults.empty())
    all = {{.controllers = Controllers::several, .faults = faults}};
  check(GetParam(), undisturbed, all);
}

TEST_P(SplitBrain, EndsAsWithOneControllerHoweverTheyTakeTurns) {
  const Told undisturbed = tell(GetParam(), {});
  std::vector<Circumstances> all;
  for (const std::uint64_t seed : chosen_seeds(8))
    all.push_back({.controllers = Controllers::several, .seed = seed});
  check(GetParam(), undisturbed, all);
}

INSTANTIATE_TEST_SUITE_P(Story, SplitBrain, testing::ValuesIn(stories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace faults
