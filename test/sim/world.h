// Everything: a house, controllers and loops around it, a kubelet, runs that people make, and what
// goes wrong, all by chance from one seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/metrics.h"
#include "faults/brain.h"
#include "faults/rules.h"
#include "loops/binder.h"
#include "loops/gc_loop.h"
#include "loops/job_loop.h"
#include "sim/kubelet.h"
#include "sim/oracle.h"

namespace sim {

// How it went. Equal for equal seeds.
struct Ended {
  std::vector<std::string> breaches;
  std::uint64_t trace = 0;  // a hash of all that was seen, with its times
  std::size_t runs = 0, succeeded = 0, commits = 0, asked = 0, executed = 0, unknown_told = 0;
  std::size_t late = 0;  // runs that succeeded by their record, and failed before it was reported
  int gateways = 0;
  std::map<std::string, int> faults;  // that happened, by kind
};

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();
  Ended play();

 private:
  std::uint64_t below(std::uint64_t bound) { return base::random_below(chance_, bound); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  base::Duration up_to(std::int64_t ms) {
    return base::Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(ms) + 1)));
  }
  void make_run(int number);
  void plan_faults();
  void happen();
  Mishap plan_append();
  Treatment plan_answer(std::size_t length);
  bool is_calm() const;
  void watch_runs(const apiserver::Change&);
  void compare_ends(Ended&);
  void trace(std::string_view text);

  House house_;
  test::SeededRandom chance_;
  Oracle oracle_;
  const faults::Controllers controllers_;
  faults::Rules rules_;
  controller::Metrics metrics_;
  std::unique_ptr<kube::Client> loops_client_;
  loops::JobLoop jobs_;
  loops::Binder binder_;
  loops::GcLoop collector_;
  io::TaskGroup tasks_;
  faults::Plan gateway_plan_;
  std::vector<std::unique_ptr<faults::Brain>> brains_;
  Kubelet kubelet_;
  base::Instant journal_away_until_{};
  Mishap::Death next_append_dies_ = Mishap::Death::none;
  std::map<std::string, std::string> phases_;  // of runs, by uid
  std::map<std::string, std::string> names_;   // likewise
  std::size_t runs_made_ = 0;
  Ended ended_;
};

}  // namespace sim
