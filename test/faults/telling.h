// One telling of a story, and what is to be said of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/ending.h"
#include "faults/stories.h"

namespace faults {

struct Told {
  Ending ending;
  std::map<std::string, int> events;
  std::vector<std::string> wrongs;  // it did not come to its end, or a rule was broken on the way
  Plan::Counts from{}, to{};        // places at which something can go wrong: these and all between
  std::vector<std::string> trace;
};

struct Circumstances {
  Controllers controllers = Controllers::one;
  std::vector<Fault> faults;
  std::optional<std::uint64_t> seed;  // every call and event takes its time by this chance
};
// "succeeds: crash_after@7 delay@3, two controllers, seed 5"
std::string describe(const Story&, const Circumstances&);

Told tell(const Story&, const Circumstances&);
// Every mishap at every place of the story that it does not share with another.
std::vector<Fault> all_faults(const Told& undisturbed);
// Everything that is not as in the undisturbed telling; "" when all is well.
std::string judge(const Told& undisturbed, const Told&);

}  // namespace faults
