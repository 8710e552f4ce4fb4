// Every story with every fault at every place: it ends as if nothing had happened.
#include <gtest/gtest.h>

#include "faults/check.h"

namespace faults {
namespace {

struct Sweep : testing::TestWithParam<Story> {};

TEST_P(Sweep, EndsAsIfNothingHadHappened) {
  const Told undisturbed = tell(GetParam(), {});
  ASSERT_EQ(undisturbed.wrongs, std::vector<std::string>());
  std::vector<Circumstances> all;
  if (const auto faults = chosen_faults(); !faults.empty())
    all.push_back({.faults = faults});
  else if (!GetParam().is_variation)
    for (const Fault& fault : all_faults(undisturbed)) all.push_back({.faults = {fault}});
  check(GetParam(), undisturbed, all);
}

INSTANTIATE_TEST_SUITE_P(Story, Sweep, testing::ValuesIn(stories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace faults
