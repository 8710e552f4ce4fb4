// What must hold at every moment of a run's life, whatever goes wrong.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "faults/ledger.h"

namespace faults {

// Whether two controllers may act at once. Then one that was late may still make a Job of a run
// that the other one has let go: nothing can hold it back, and the garbage collector takes it.
enum class Controllers : bool { one, several };

class Rules {
 public:
  Rules(Ledger&, Controllers);
  // What was broken, in order.
  const std::vector<std::string>& breaches() const { return breaches_; }
  // What stands although its owner, or the run of its label, does not.
  std::vector<std::string> orphans() const;

 private:
  void look(const apiserver::Change&);
  void look_at_run(const base::Json& before, const base::Json& after);
  void look_at_new_job(const base::Json& job);
  void expect(bool holds, std::string_view rule, const base::Json& object);

  Ledger& ledger_;
  Controllers controllers_;
  std::map<std::string, int> jobs_made_;  // by the run's uid
  std::vector<std::string> breaches_;
};

}  // namespace faults
