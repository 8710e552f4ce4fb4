#include "faults/story.h"

#include "objects/agent_run.h"
#include "objects/job.h"
#include "objects/kinds.h"

namespace faults {

namespace {

io::Task<> create_one(kube::Api& api, base::Json object) {
  const auto* kind =
      objects::find_kind_of(base::text_at(object, {"apiVersion"}), base::text_at(object, {"kind"}));
  kube::Ref ref = kube::ref_of(*kind, object);
  co_await api.create(std::move(ref), std::move(object), {});
}

base::Json in(const std::string& ns, base::Json object) {
  base::ensure(object, {"metadata", "namespace"}) = ns;
  return object;
}

base::Json containers(base::Json state) {
  return base::Json(base::JsonArray{base::Json{{"name", "agent"},
                                               {"image", "sympozium/runner"},
                                               {"imageID", ""},
                                               {"ready", false},
                                               {"restartCount", 0},
                                               {"state", std::move(state)}}});
}

}  // namespace

base::Json Cast::secret() const {
  return in(ns, base::parse_json(R"({"apiVersion":"v1","kind":"Secret",
    "metadata":{"name":"key","annotations":{"sympozium.ai/use":"provider","sympozium.ai/hosts":"127.0.0.1:9411"}},
    "stringData":{"API_KEY":"x"}})"));
}

base::Json Cast::pack() const {
  return in(
      ns,
      base::parse_json(
          R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"SkillPack","metadata":{"name":"tools"},
    "spec":{"skills":[{"name":"counting","content":"Count with commands.\n"}],
            "sidecar":{"image":"sympozium/tools","mountWorkspace":true}}})"));
}

base::Json Cast::agent() const {
  return in(ns,
            base::parse_json(
                R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"Agent","metadata":{"name":"first"},
    "spec":{"agents":{"default":{"model":"sim-1","baseURL":"http://127.0.0.1:9411/v1"}},
            "authRefs":[{"provider":"openai","secret":"key"}],"skills":[{"skillPackRef":"tools"}]}})"));
}

base::Json Cast::run(const std::string& name) const {
  base::Json object = in(
      ns, base::parse_json(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","metadata":{},
    "spec":{"agentRef":"first","agentId":"first","sessionKey":"s","task":"Count.",
            "model":{"provider":"openai","model":"sim-1","authSecretRef":"key"}}})"));
  base::ensure(object, {"metadata", "name"}) = name;
  return object;
}

io::Task<> Cast::create(kube::Api& api) const {
  co_await create_one(api, secret());
  co_await create_one(api, pack());
  co_await create_one(api, agent());
}

kube::Ref run_ref(const std::string& ns, const std::string& name) {
  return {&objects::AgentRun::info, ns, name, {}};
}
kube::Ref pod_ref(const std::string& ns, const std::string& name) {
  return {&objects::Pod::info, ns, name, {}};
}
kube::Ref job_ref(const std::string& ns, const std::string& name) {
  return {&objects::Job::info, ns, name, {}};
}

base::Json node_ready() {
  return base::parse_json(R"({"status":{
      "allocatable":{"cpu":"8","memory":"8Gi","pods":"100"},
      "capacity":{"cpu":"8","memory":"8Gi","pods":"100"},
      "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}})");
}

base::Json pod_running() {
  return {{"phase", "Running"},
          {"containerStatuses", containers({{"running", base::JsonObject{}}})}};
}

base::Json pod_succeeded() {
  return {{"phase", "Succeeded"},
          {"containerStatuses",
           containers({{"terminated", {{"exitCode", 0}, {"reason", "Completed"}}}})}};
}

base::Json pod_agent_failed(int exit_code, const std::string& reason) {
  return {{"phase", "Failed"},
          {"containerStatuses",
           containers({{"terminated", {{"exitCode", exit_code}, {"reason", reason}}}})}};
}

base::Json pod_agent_restarted(int times, int exit_code, const std::string& reason) {
  base::Json status = pod_running();
  base::Json& agent = status.at("containerStatuses").at(0);
  agent.get_object()["restartCount"] = times;
  base::ensure(agent, {"lastState", "terminated"}) = {{"exitCode", exit_code}, {"reason", reason}};
  return status;
}

base::Json pod_killed(const base::Json& pod) {
  const base::Json* known = base::find(pod, {"status", "containerStatuses"});
  base::Json all = known ? *known : base::Json(base::JsonArray());
  for (base::Json& one : all.get_array())
    one.get_object()["state"] = {{"terminated", {{"exitCode", 137}, {"reason", "Error"}}}};
  return {{"phase", "Failed"}, {"containerStatuses", std::move(all)}};
}

io::Task<> report_pod(kube::Api& api, std::string ns, std::string pod, base::Json status) {
  kube::Ref ref = pod_ref(ns, pod);
  ref.subresource = "status";
  base::Json patch(base::JsonObject{{"status", std::move(status)}});
  co_await api.patch(std::move(ref), std::move(patch), {});
}

base::Json outcome_success(const std::string& answer) {
  return {{"result", answer},
          {"outcome",
           {{"status", "success"},
            {"attempt", 1},
            {"execution", 1},
            {"committedAt", "2026-01-02T03:04:05Z"}}}};
}

base::Json outcome_error(const std::string& error) {
  return {{"outcome",
           {{"status", "error"},
            {"error", error},
            {"attempt", 1},
            {"execution", 1},
            {"committedAt", "2026-01-02T03:04:05Z"}}}};
}

io::Task<> report_outcome(kube::Api& api, std::string ns, std::string run, base::Json status) {
  kube::Ref ref = run_ref(ns, run);
  ref.subresource = "status";
  base::Json patch(base::JsonObject{{"status", std::move(status)}});
  co_await api.patch(std::move(ref), std::move(patch), {});
}

}  // namespace faults
