// The patch languages of the Kubernetes API beside JSON merge patch (base/json.h).
#pragma once

#include <string>

#include "base/json.h"

namespace apiserver {

// RFC 6902. Throws StatusError: 422 when a test fails or a path is absent, 400 when it is no patch.
void json_patch(base::Json& target, const base::Json& patch);

// Kubernetes' strategic merge patch: maps merge, lists of objects with a merge key (Kubernetes' own
// patchMergeKey of the core kinds) merge by it, all others are replaced. `$patch: delete|replace`,
// `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` are understood.
// StatusError 400 for a directive that is none.
void strategic_merge_patch(base::Json& target, const base::Json& patch);

}  // namespace apiserver
