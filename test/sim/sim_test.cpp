// Worlds by the seed.
//   SIM_SEEDS=1..100000 sim_test    those instead of the usual ones
//   SIM_SEEDS=4711 SIM_LOG=1 …      one of them, and what its parts say
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "sim/world.h"

namespace sim {
namespace {

using base::cat;

struct Seeds {
  std::uint64_t first = 1;
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  std::uint64_t last = 100;
#else
  std::uint64_t last = 1'000;
#endif
};

Seeds chosen_seeds() {
  Seeds seeds;
  const char* text = std::getenv("SIM_SEEDS");
  if (!text) return seeds;
  const std::string_view range = text;
  const auto dots = std::min(range.find(".."), range.size());
  const auto first = base::parse_int(range.substr(0, dots));
  const auto last = dots < range.size() ? base::parse_int(range.substr(dots + 2)) : first;
  if (!first || !last) throw base::Error(base::Code::invalid, cat("SIM_SEEDS=", range));
  return {static_cast<std::uint64_t>(*first), static_cast<std::uint64_t>(*last)};
}

// The sums of many worlds.
struct Tally {
  std::mutex mutex;
  std::vector<std::string> wrongs;
  Ended sum;

  void add(std::uint64_t seed, Ended ended) {
    const std::lock_guard turn(mutex);
    if (!ended.breaches.empty())
      wrongs.push_back(cat("seed ", seed, ":\n  ", base::join(ended.breaches, "\n  ")));
    sum.runs += ended.runs;
    sum.succeeded += ended.succeeded;
    sum.commits += ended.commits;
    sum.asked += ended.asked;
    sum.executed += ended.executed;
    sum.unknown_told += ended.unknown_told;
    sum.gateways += ended.gateways;
    sum.late += ended.late;
    for (const auto& [kind, times] : ended.faults) sum.faults[kind] += times;
  }
};

TEST(Simulation, KeepsWhatIsPromisedWhateverDies) {
  const Seeds seeds = chosen_seeds();
  std::atomic<std::uint64_t> next = seeds.first;
  Tally tally;
  const auto work = [&] {
    for (std::uint64_t seed = next++; seed <= seeds.last; seed = next++)
      tally.add(seed, World(seed).play());
  };
  {
    std::jthread other(work);
    work();
  }
  constexpr std::size_t shown = 10;
  for (std::size_t i = 0; i < std::min(shown, tally.wrongs.size()); ++i)
    ADD_FAILURE() << tally.wrongs[i];
  EXPECT_EQ(tally.wrongs.size(), 0u) << "of " << seeds.last - seeds.first + 1 << " worlds";
  const Ended& sum = tally.sum;
  std::string faults;
  for (const auto& [kind, times] : sum.faults) faults += cat(" ", kind, " ", times);
  std::printf(
      "%zu runs, %zu succeeded, %zu reported too late; %zu commits, %zu model calls, %zu commands, "
      "%zu unknown; %d gateways;%s\n",
      sum.runs, sum.succeeded, sum.late, sum.commits, sum.asked, sum.executed, sum.unknown_told,
      sum.gateways, faults.c_str());
  if (seeds.last - seeds.first < 50) return;
  // The worlds are worth the while.
  EXPECT_GT(sum.succeeded, sum.runs * 3 / 4);
  EXPECT_GT(sum.unknown_told, 0u);
  EXPECT_EQ(sum.faults.size(), 10u) << "all kinds of faults happen";
}

TEST(Simulation, GoesTheSameWayForTheSameSeed) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const Ended one = World(seed).play(), other = World(seed).play();
    EXPECT_EQ(one.trace, other.trace) << seed;
    EXPECT_NE(one.trace, 0u);
  }
  EXPECT_NE(World(1).play().trace, World(2).play().trace);
}

}  // namespace
}  // namespace sim
