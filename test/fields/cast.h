// The smallest run with everything in it: an Agent, its SkillPack with a tool sidecar, a run.
#pragma once

#include <vector>

#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/skill_pack.h"
#include "reconcilers/agentrun/pod.h"

namespace fields {

objects::Agent an_agent();
objects::SkillPack a_pack();
objects::AgentRun a_run();

// The Job of a run with these packs, whatever the run names.
objects::Job job_of(const objects::AgentRun&, const std::vector<objects::SkillPack>& = {a_pack()});
// Error when there is none of that name.
const objects::Container& container(const objects::Job&, std::string_view name);
// "(unset)" when the container has no such variable.
std::string variable(const objects::Container&, std::string_view name);

}  // namespace fields
