#include "faults/plan.h"

#include "base/text.h"

namespace faults {

void Plan::arm(std::int64_t version) {
  armed_ = true;
  begun_ = version;
}

void Plan::jitter(base::Duration most, std::uint64_t seed) {
  jitter_ = most;
  random_ = test::SeededRandom(seed);
}

Mishap Plan::next_call(Access access, const std::string& what, std::int64_t version) {
  if (!armed_) return Mishap::none;
  std::string line = what;
  Mishap mishap = step(Place::call, line);
  if (access == Access::write) {
    const Mishap more = step(Place::write, line);
    if (more != Mishap::none) {
      mishap = more;
      before_write_ = version;
    }
  }
  trace_.push_back(std::move(line));
  return mishap;
}

Mishap Plan::next_event(const std::string& what) {
  if (!armed_) return Mishap::none;
  std::string line = what;
  const Mishap mishap = step(Place::event, line);
  trace_.push_back(std::move(line));
  return mishap;
}

// Counts and looks what is due; both go before the line.
Mishap Plan::step(Place place, std::string& line) {
  const std::size_t at = ++counts_[static_cast<std::size_t>(place)];
  line = base::cat(name(place), " ", at, ": ", line);
  for (const Fault& fault : faults_)
    if (fault.at == at && place_of(fault.mishap) == place) {
      line = base::cat("*** ", name(fault.mishap), " *** ", line);
      return fault.mishap;
    }
  return Mishap::none;
}

base::Duration Plan::next_delay() {
  if (!armed_ || jitter_ <= base::Duration(0)) return base::Duration(0);
  const auto most = static_cast<std::uint64_t>(jitter_.count()) + 1;
  return base::Duration(static_cast<std::int64_t>(base::random_below(random_, most)));
}

void Plan::crash(Mishap mishap) {
  crashed_ = true;
  if (mishap == Mishap::crash_stale) view_ = before_write_;
  if (mishap == Mishap::crash_ancient) view_ = begun_;
}

std::optional<std::int64_t> Plan::restart() {
  crashed_ = false;
  trace_.push_back("a new process begins");
  return std::exchange(view_, std::nullopt);
}

}  // namespace faults
