// How an object on the server becomes what a file says, without touching what others set: kubectl's
// three-way merge, with an annotation of ours. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace cli {

// What was applied last. Of a Secret it holds the keys, never the values.
inline constexpr std::string_view annotation_last_applied = "sympozium.ai/last-applied";

// `object` with the annotation that remembers it.
base::Json with_last_applied(base::Json object);

// The merge patch that makes `live` what `desired` (with its annotation) says: fields of `desired`
// are set where they differ, fields that the last apply set and this one leaves out are removed,
// everything else stays. A list is one value; one that the server only filled up with defaults is
// left alone. {} when there is nothing to do.
base::Json plan_apply(const base::Json& live, const base::Json& desired);

}  // namespace cli
