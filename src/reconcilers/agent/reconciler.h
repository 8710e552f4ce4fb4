// Agent: whether its runs could start, and how many there are.
#pragma once

#include "controller/controller.h"
#include "kube/api.h"
#include "reconcilers/caches.h"

namespace reconcilers {

// Ready=False with SecretMissing, SecretNotAnnotated or Refused says what to do. The controller may
// read Secrets by name only, so that a Secret that comes later cannot be watched: while Ready is
// False for want of it, the Agent is looked at again after `secret_recheck`.
class AgentReconciler {
 public:
  static constexpr base::Duration secret_recheck{30'000};

  AgentReconciler(base::Clock&, kube::Api&, Caches&);
  io::Task<controller::Result> reconcile(controller::Key);

 private:
  io::Task<objects::Condition> judge(std::shared_ptr<const objects::Agent>);

  base::Clock& clock_;
  kube::Api& api_;
  Caches& caches_;
};

}  // namespace reconcilers
