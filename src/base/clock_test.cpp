#include "base/clock.h"

#include <gtest/gtest.h>

#include <set>

#include "support/seeded_random.h"

namespace base {
namespace {

TEST(RandomBelow, StaysBelowAndReachesEverything) {
  test::SeededRandom random(1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(random_below(random, 7));
  EXPECT_EQ(seen, (std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(random_below(random, 1), 0u);
}

// A source that gives one value first and another then.
class Scripted final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    for (auto& byte : out) byte = first_ ? 0xff : 0;
    first_ = false;
  }

 private:
  bool first_ = true;
};

TEST(RandomBelow, DrawsAgainWhatWouldBeUneven) {
  Scripted random;  // 2⁶⁴-1 lies in the incomplete stretch above the last multiple of 10
  EXPECT_EQ(random_below(random, 10), 0u);
}

TEST(RandomUuid, HasVersionAndVariant) {
  test::SeededRandom random(2);
  for (int i = 0; i < 20; ++i) {
    std::string uuid = random_uuid(random);
    ASSERT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid[8], '-');
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  }
  EXPECT_NE(random_uuid(random), random_uuid(random));
}

TEST(RandomSuffix, HasNoVowels) {
  test::SeededRandom random(3);
  std::string text = random_suffix(random, 200);
  EXPECT_EQ(text.size(), 200u);
  EXPECT_EQ(text.find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
  EXPECT_EQ(random_suffix(random, 0), "");
}

}  // namespace
}  // namespace base
