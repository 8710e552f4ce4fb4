// What is promised when things die (the design's paragraph), held against what is seen.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/house.h"

namespace sim {

// While the house lives, at every commit, request and command:
//   a request reaches the provider only while its intent is committed and open, so what is
//   completed is never asked for again; an intent without outcome is made once more only after its
//   gateway has died;
//   a tool runs only with a grant for a call of a committed answer, and with no outcome yet; one
//   that is not idempotent runs once;
//   one outcome; nothing is written by an execution after a later one.
// Of a run that is over, finish() says besides:
//   the model was told of each call what was recorded, and of one that may have run that its
//   outcome is unknown; the journal counts what the provider billed and told, and what it does not
//   know are intents without outcome; its sums are those of its events; the chain verifies.
class Oracle {
 public:
  explicit Oracle(House&);
  ~Oracle();
  void finish(const std::string& run);  // uid
  void finish_all();
  const std::vector<std::string>& breaches() const { return breaches_; }

  // A model call as the journal has it.
  struct Call {
    journal::ModelIntent intent;
    int gateway = 0;
    std::vector<std::size_t> asked;  // at the provider
    std::optional<journal::ModelOutcome> outcome;
  };
  struct Known {
    journal::Fence fence;
    std::vector<Call> calls;
    struct Grant {
      std::string tool;
      journal::Fence fence;
    };
    std::map<std::string, Grant> granted;  // the latest of each call
    std::map<std::string, journal::ToolOutcome> done;
    std::map<std::string, int> executed;
    std::optional<journal::RunOutcome> outcome;
    int unknown_told = 0;  // calls of which the model was told so
  };
  const Known& known(const std::string& run) const { return runs_.at(run); }
  const std::map<std::string, Known>& runs() const { return runs_; }

 private:
  void look(const Committed&);
  void look_at_intent(Known&, const Committed&);
  void look_at_request(const Asked&, std::size_t number);
  void look_at_command(const Executed&);
  void count(const std::string& run, const Known&);
  void look_at_results(const std::string& run, Known&, const Call&);
  Call* latest(Known&, std::int64_t turn);
  void expect(bool holds, const std::string& run, std::string_view rule, std::string_view what);

  House& house_;
  std::map<std::string, Known> runs_;                                    // by uid
  std::map<std::string, std::pair<std::string, std::int64_t>> by_hash_;  // run, turn
  std::vector<std::string> breaches_;
};

// What of a tool's calls nobody may repeat: nothing; its effect on a workspace that is still there;
// any effect.
enum class Repeats : std::uint8_t { freely, in_a_new_workspace, never };
Repeats repeats(const std::string& tool);

}  // namespace sim
