// AgentRun: the shell around builder, access, pod and status.
#pragma once

#include "controller/controller.h"
#include "controller/events.h"
#include "reconcilers/agentrun/access.h"
#include "reconcilers/agentrun/pod.h"
#include "reconcilers/caches.h"

namespace reconcilers {

struct RunSettings {
  PodSettings pod;
  std::string gateway_ca_pem;  // with an https gateway: published to the namespaces of runs
  objects::Subject gateway = gateway_user();
  base::Duration retention{10 * 60'000};  // how long a Job outlives its run's end
};

// Writes in order: finalizer and defaults (when missing) → Accepted and the Job's name → the Job →
// what is seen of it. A run that policy refuses gets Accepted=False and ends Failed; nothing is
// made for it.
class RunReconciler {
 public:
  RunReconciler(base::Clock&, kube::Api&, Caches&, controller::Events&, RunSettings);
  io::Task<controller::Result> reconcile(controller::Key);

 private:
  using RunPtr = std::shared_ptr<const objects::AgentRun>;
  using Pods = std::vector<std::shared_ptr<const objects::Pod>>;
  struct Admission {
    base::Issues issues;
    std::vector<UsedPack> packs;
    objects::ObjectMeta secret;
  };

  io::Task<RunPtr> complete(RunPtr, std::shared_ptr<const objects::Agent>);
  io::Task<Admission> examine(RunPtr, std::shared_ptr<const objects::Agent>);
  io::Task<base::Issues> examine_packs(RunPtr, std::vector<UsedPack>&);
  io::Task<RunPtr> accept(RunPtr);
  io::Task<> make_job(RunPtr, Admission);
  io::Task<> make_recorded_job(RunPtr);
  io::Task<> ensure_access(objects::ObjectMeta secret);
  io::Task<RunPtr> look(RunPtr);
  io::Task<controller::Result> settle(RunPtr);
  io::Task<> finalize(RunPtr);
  io::Task<> remove_job(RunPtr);
  io::Task<RunPtr> fail(RunPtr, std::string_view why, std::string error);
  io::Task<RunPtr> write(RunPtr, objects::AgentRunStatus);
  std::shared_ptr<const objects::Job> find_job(const objects::AgentRun&) const;
  Pods known_pods(const objects::AgentRun&) const;
  io::Task<Pods> find_pods(RunPtr);

  base::Clock& clock_;
  kube::Api& api_;
  Caches& caches_;
  controller::Events& events_;
  RunSettings settings_;
};

}  // namespace reconcilers
