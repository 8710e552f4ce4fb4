// What the reconcilers see of the world.
#pragma once

#include "controller/cache.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/config_map.h"
#include "objects/job.h"
#include "objects/rbac.h"
#include "objects/service_account.h"
#include "objects/skill_pack.h"

namespace reconcilers {

// Runs, Jobs and Pods are found by the run's uid: index "run". What no reconciler reads is trimmed.
// Of Jobs, Pods, ServiceAccounts, Roles, RoleBindings and ConfigMaps only those with our labels are
// here.
struct Caches {
  explicit Caches(base::Log&);

  controller::Cache<objects::Agent> agents;
  controller::Cache<objects::AgentRun> runs;  // also index "agent": "<ns>/<agent>"
  controller::Cache<objects::SkillPack> packs;
  controller::Cache<objects::Job> jobs;
  controller::Cache<objects::Pod> pods;
  controller::Cache<objects::ServiceAccount> accounts;
  controller::Cache<objects::Role> roles;
  controller::Cache<objects::RoleBinding> bindings;
  controller::Cache<objects::ConfigMap> config_maps;
};

inline constexpr std::string_view index_run = "run";
inline constexpr std::string_view index_agent = "agent";

}  // namespace reconcilers
