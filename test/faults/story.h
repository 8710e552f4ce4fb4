// A run's world without a node: what the kubelet and the gateway would say, said by the test.
#pragma once

#include <functional>
#include <string>

#include "base/json.h"
#include "kube/api.h"

namespace faults {

// The objects of the first run: Secret (annotated), SkillPack with a tool sidecar, Agent.
struct Cast {
  std::string ns = "demo";
  io::Task<> create(kube::Api&) const;
  base::Json secret() const, pack() const, agent() const;
  // A run as a person writes it: no finalizer, no labels.
  base::Json run(const std::string& name) const;
};

kube::Ref run_ref(const std::string& ns, const std::string& name);
kube::Ref pod_ref(const std::string& ns, const std::string& name);
kube::Ref job_ref(const std::string& ns, const std::string& name);

// The status of a node on which pods may be placed.
base::Json node_ready();

// What a kubelet reports: {"phase": …, containerStatuses…}.
base::Json pod_running();
base::Json pod_succeeded();
base::Json pod_agent_failed(int exit_code, const std::string& reason);
// Its agent restarted so often because of that, and runs again.
base::Json pod_agent_restarted(int times, int exit_code, const std::string& reason);
// What becomes of the status of `pod` when its containers are killed.
base::Json pod_killed(const base::Json& pod);
io::Task<> report_pod(kube::Api&, std::string ns, std::string pod, base::Json status);

// What the gateway reports when an outcome is committed.
base::Json outcome_success(const std::string& answer);
base::Json outcome_error(const std::string& error);
io::Task<> report_outcome(kube::Api&, std::string ns, std::string run, base::Json status);

}  // namespace faults
