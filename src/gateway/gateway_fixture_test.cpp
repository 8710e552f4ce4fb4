#include "gateway/gateway_fixture_test.h"

#include "objects/agent_run.h"
#include "objects/pod.h"
#include "objects/service_account.h"
#include "protocol/names.h"

namespace gateway {

Json create(const schema::KindInfo& kind, Json object) {
  kube::Ref ref{&kind, "default", {}, {}};
  return run(world().api.create(ref, std::move(object), {}));
}

void patch_run_status(const std::string& name, Json status) {
  kube::Ref ref{&objects::AgentRun::info, "default", name, "status"};
  run(world().api.patch(ref, JsonObject{{"status", std::move(status)}}, {}));
}

std::string make_pod(const std::string& name) {
  Json pod = parse_json(
      R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"agent","image":"i"}]}})");
  base::ensure(pod, {"metadata", "name"}) = name;
  return text_at(create(objects::Pod::info, std::move(pod)), {"metadata", "uid"});
}

std::string make_token(const std::string& pod, const std::string& pod_uid,
                       std::string_view audience) {
  Json request{
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       JsonObject{
           {"audiences", base::JsonArray{audience}},
           {"expirationSeconds", token_seconds},
           {"boundObjectRef",
            JsonObject{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod}, {"uid", pod_uid}}}}}};
  kube::Ref ref{&objects::ServiceAccount::info, "default", "default", "token"};
  const Json made = run(world().api.create(ref, std::move(request), {}));
  return text_at(made, {"status", "token"});
}

void record_pod(StartedRun& started, std::int64_t attempt) {
  started.pod = unique_name("pod");
  started.pod_uid = make_pod(started.pod);
  patch_run_status(started.name, JsonObject{{"podUID", started.pod_uid}, {"attempt", attempt}});
  started.token = make_token(started.pod, started.pod_uid, audience_gateway);
}

StartedRun start_run(const Simulated& provider, const std::string& more) {
  return start_run(provider.base_url(), make_secret(provider.place()), more);
}

StartedRun start_run(const std::string& base_url, const std::string& secret,
                     const std::string& more, const std::string& provider) {
  StartedRun out;
  out.name = unique_name("run");
  Json object = parse_json(cat(
      R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","spec":{"agentRef":"a","agentId":"default",)"
      R"("sessionKey":"s","systemPrompt":"Be brief.","task":"count",)",
      more, R"("model":{"provider":")", provider, R"(","model":"sim-1","baseURL":")", base_url,
      R"(","authSecretRef":")", secret, "\"}}}"));
  base::ensure(object, {"metadata", "name"}) = out.name;
  out.uid = text_at(create(objects::AgentRun::info, std::move(object)), {"metadata", "uid"});
  record_pod(out, 1);
  return out;
}

}  // namespace gateway
