// What this node will not run, found before anything is made.
#pragma once

#include "base/json.h"

namespace node {

// Every field of the pod that asks for what this node does not give: host namespaces, privilege,
// host paths, volume types, probes and hooks. Empty: it may run. Whether images exist is not asked.
base::Issues refusals(const base::Json& pod);

}  // namespace node
