// Pod status as a kubelet writes it.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "node/record.h"
#include "node/sources.h"

namespace node {

// The whole status. Conditions that a node does not own, and transition times of those that did not
// change, are taken from the pod's current one. A terminal phase is told only when everything has
// ended. `image_ids` by container name.
base::Json pod_status(const base::Json& pod, const PodRecord&, const Facts&, base::Time now,
                      const std::map<std::string, std::string>& image_ids);

// Patch (RFC 7386) of the pod that brings its status from what the server has to `wanted`, with the
// uid as a precondition; nothing when they are equal.
std::optional<base::Json> status_patch(const base::Json& pod, const base::Json& wanted);

}  // namespace node
