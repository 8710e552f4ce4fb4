// How a story ended, in a form in which two tellings of it can be compared.
#pragma once

#include <map>
#include <string>

#include "faults/ledger.h"

namespace faults {

// Times, revisions, uids and names that the server made are replaced. What no namespace of a story
// holds is left out, and so are Events, which nobody relies on.
struct Ending {
  std::map<std::string, base::Json> objects;  // by "storage ns/name"
  // By the same: how often it came to be, but for what came after its run had gone.
  std::map<std::string, int> creations;
};
Ending ending_of(const Ledger&);
// What is not as wanted, and what came to be more often; "" when all is well.
std::string differences(const Ending& wanted, const Ending& got);
// How often the controller told of each end by an Event, by "object reason".
std::map<std::string, int> events_of(const Ledger&);

}  // namespace faults
