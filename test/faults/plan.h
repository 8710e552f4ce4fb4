// What is to happen to one controller, over all its processes, and what did.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "faults/fault.h"
#include "support/seeded_random.h"

namespace faults {

class Plan {
 public:
  explicit Plan(std::vector<Fault> faults) : faults_(std::move(faults)) {}

  // Counting begins; before, nothing happens. `version`: of the world at that time.
  void arm(std::int64_t version);
  // From now on every call and event waits for up to so long first, by chance.
  void jitter(base::Duration most, std::uint64_t seed);

  enum class Access : bool { read, write };
  // What happens to the next call or event; `version` is the world's now.
  Mishap next_call(Access, const std::string& what, std::int64_t version);
  Mishap next_event(const std::string& what);
  base::Duration next_delay();

  // A process dies. The next one may have to begin with an old view of the world: its version.
  void crash(Mishap);
  bool crashed() const { return crashed_; }
  std::optional<std::int64_t> restart();

  // So many calls that no story needs them: somebody does the same again and again.
  bool is_storm() const { return counts_[static_cast<std::size_t>(Place::call)] > 1'000; }
  // How often there was such a place so far.
  using Counts = std::array<std::size_t, 3>;
  const Counts& counts() const { return counts_; }
  // One line per call, event, mishap and new process.
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  Mishap step(Place, std::string& line);

  std::vector<Fault> faults_;
  bool armed_ = false, crashed_ = false;
  Counts counts_{};
  std::int64_t begun_ = 0, before_write_ = 0;
  std::optional<std::int64_t> view_;
  base::Duration jitter_{0};
  test::SeededRandom random_{0};
  std::vector<std::string> trace_;
};

}  // namespace faults
