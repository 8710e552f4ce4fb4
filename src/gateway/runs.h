// The runs, agents and skill packs as the API server has them, kept by watches.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "controller/cache.h"
#include "gateway/identity.h"
#include "kube/api.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/skill_pack.h"

namespace gateway {

using RunPtr = std::shared_ptr<const objects::AgentRun>;

class Runs {
 public:
  Runs(io::Loop&, base::Clock&, base::Random&, base::Log&, kube::Api&);

  io::Task<> watch();  // until cancelled
  // The run whose status.podUID is this pod, in the pod's own namespace. A pod that the controller
  // has not recorded yet is waited for, ten seconds at most; then nothing.
  io::Task<RunPtr> of_pod(PodIdentity);
  // Waits, ten seconds at most, until the packs that the run names are known.
  io::Task<> wait_for_packs(RunPtr);
  RunPtr find(const std::string& ns, const std::string& name) const {
    return runs_.find({ns, name});
  }
  // The packs that the run names, in its order; Error(not_found) that names the one missing.
  std::vector<objects::SkillPack> packs_of(const objects::AgentRun&) const;

 private:
  io::Task<> wait_until(std::function<bool()> is_true);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  controller::Cache<objects::AgentRun> runs_;
  controller::Cache<objects::SkillPack> packs_;
  std::shared_ptr<io::Event> changed_ = std::make_shared<io::Event>();
};

}  // namespace gateway
