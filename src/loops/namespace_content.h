// What a deleted namespace still holds, and how its status says so.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/time.h"
#include "schema/kind.h"

namespace loops {

struct Leftovers {
  std::map<std::string, int> objects;     // by kind, as in "jobs.batch"; "pods." of the core group
  std::map<std::string, int> finalizers;  // how many objects wait for each
};
void count_leftover(Leftovers&, const schema::KindInfo&, const base::Json& object);

// The conditions that the namespace's status should have, in the words of Kubernetes' namespace
// controller; nothing when it has them.
std::optional<base::JsonArray> plan_conditions(const base::Json& ns, const Leftovers&,
                                               base::Time now);

}  // namespace loops
