// What becomes of /workspace when a pod of a run is lost: it went with the pod.
#pragma once

#include <vector>

#include "gateway/session.h"
#include "objects/skill_pack.h"
#include "policy/tools.h"
#include "protocol/gateway.h"

namespace gateway {

// What the pods before the session's did to their workspaces. `packs` are the run's.
io::Task<protocol::LostWorkspace> find_lost(Session&, std::vector<policy::DeclaredTool> declared,
                                            std::vector<objects::SkillPack> packs);

// A call that may have run, and of which nobody knows what came of it, may run (again): it changes
// nothing, or does the same twice, or what it changed went with its pod.
bool may_repeat(const policy::DeclaredTool&, const journal::CallRecord&, const journal::Fence& now);

}  // namespace gateway
