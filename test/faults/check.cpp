#include "faults/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/text.h"

namespace faults {

void check(const Story& story, const Told& undisturbed, const std::vector<Circumstances>& all) {
  constexpr std::size_t shown = 5;
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::vector<std::string> wrongs;
  const auto work = [&] {
    for (std::size_t i = next++; i < all.size(); i = next++) {
      const Told told = tell(story, all[i]);
      const std::string wrong = judge(undisturbed, told);
      if (wrong.empty()) continue;
      const std::lock_guard turn(mutex);
      wrongs.push_back(base::cat(describe(story, all[i]), "\n", wrong,
                                 wrongs.size() < shown ? base::join(told.trace, "\n") : ""));
    }
  };
  std::jthread other(work);
  work();
  other.join();
  for (const std::string& wrong : wrongs) ADD_FAILURE() << wrong;
  EXPECT_EQ(wrongs.size(), 0u) << "of " << all.size() << " tellings";
  testing::Test::RecordProperty("tellings", static_cast<int>(all.size()));
}

std::vector<Fault> chosen_faults() {
  std::vector<Fault> faults;
  const char* text = std::getenv("FAULTS_CASE");
  for (const auto& word : base::split(text ? text : "", ' '))
    if (const auto fault = parse_fault(word)) faults.push_back(*fault);
  return faults;
}

std::vector<std::uint64_t> chosen_seeds(std::size_t count) {
  const char* text = std::getenv("FAULTS_SEED");
  if (const auto seed = base::parse_int(text ? text : ""))
    return {static_cast<std::uint64_t>(*seed)};
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 1);
  return seeds;
}

}  // namespace faults
