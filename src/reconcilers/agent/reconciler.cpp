#include "reconcilers/agent/reconciler.h"

#include "base/text.h"
#include "objects/conditions.h"
#include "objects/secret.h"
#include "policy/admission.h"
#include "reconcilers/writer.h"
#include "schema/validate.h"

namespace reconcilers {

using controller::Key;
using controller::Result;
using namespace objects;

AgentReconciler::AgentReconciler(base::Clock& clock, kube::Api& api, Caches& caches)
    : clock_(clock), api_(api), caches_(caches) {}

io::Task<Result> AgentReconciler::reconcile(Key key) {
  auto agent = caches_.agents.find(key);
  if (!agent || agent->metadata.deletionTimestamp) co_return Result{};
  Condition ready = co_await judge(agent);
  const bool is_ready = ready.status == ConditionStatus::is_true;
  const bool look_again = ready.reason.starts_with("Secret");

  AgentStatus status = agent->status;
  status.phase = is_ready ? AgentPhase::running : AgentPhase::error;
  status.observedGeneration = agent->metadata.generation;
  status.totalAgentRuns = status.activeAgentPods = 0;
  for (const auto& [run_key, run] : caches_.runs.list_by(std::string(index_agent), key.text())) {
    ++status.totalAgentRuns;
    if (run && !is_terminal(run->status.phase)) ++status.activeAgentPods;
  }
  set_condition(status.conditions, std::move(ready));
  co_await patch_status(api_, caches_.agents, agent, std::move(status));
  Result result;
  if (look_again) result.again_after = secret_recheck;
  co_return result;
}

io::Task<Condition> AgentReconciler::judge(std::shared_ptr<const Agent> agent) {
  Condition ready{.type = "Ready",
                  .status = ConditionStatus::is_false,
                  .observedGeneration = agent->metadata.generation,
                  .lastTransitionTime = clock_.now()};
  base::Issues issues = schema::validate(*agent);
  if (issues.empty()) issues = policy::rules_of(*agent);
  ready.reason = "Refused";
  for (std::size_t i = 0; issues.empty() && i < agent->spec.authRefs.size(); ++i) {
    const std::string& name = agent->spec.authRefs[i].secret;
    kube::Ref ref{&Secret::info, agent->metadata.ns, name, {}};
    std::optional<base::Json> secret =
        co_await kube::find(api_, ref, {.detail = kube::Detail::metadata});
    std::optional<TextMap> annotations;
    if (secret) annotations = controller::decode<ObjectMeta>(secret->at("metadata")).annotations;
    ready.reason = secret ? "SecretNotAnnotated" : "SecretMissing";
    issues = policy::check_secret(base::cat("spec.authRefs[", i, "].secret"), name, "provider",
                                  annotations);
  }
  if (issues.empty()) {
    ready.status = ConditionStatus::is_true;
    ready.reason = "Ready";
  }
  ready.message = base::format(issues);
  co_return ready;
}

}  // namespace reconcilers
