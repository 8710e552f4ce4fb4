#include "node/kube_cluster.h"

#include <algorithm>

#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

const objects::KindInfo& kind(std::string_view group, std::string_view plural) {
  const auto* found = objects::find_kind(group, plural);
  if (!found) throw base::Error(base::Code::internal, cat("unknown kind ", plural, ".", group));
  return *found;
}

namespace {

kube::Ref pod_ref(const Json& pod, std::string subresource = "") {
  return {&kind("", "pods"), space(pod), name(pod), std::move(subresource)};
}

}  // namespace

io::Task<std::optional<Json>> KubeCluster::find_config_map(std::string ns, std::string name) {
  kube::Ref ref{&kind("", "configmaps"), std::move(ns), std::move(name), ""};
  std::optional<Json> found = co_await kube::find(api_, std::move(ref));
  co_return found;
}

io::Task<std::optional<Json>> KubeCluster::find_secret(std::string ns, std::string name) {
  kube::Ref ref{&kind("", "secrets"), std::move(ns), std::move(name), ""};
  std::optional<Json> found = co_await kube::find(api_, std::move(ref));
  co_return found;
}

io::Task<Token> KubeCluster::request_token(Json pod, TokenNeed need) {
  std::string account = base::text_at(pod, {"spec", "serviceAccountName"});
  if (account.empty()) account = "default";
  kube::Ref ref{&kind("", "serviceaccounts"), space(pod), account, "token"};
  JsonArray audiences;
  if (!need.audience.empty()) audiences.emplace_back(need.audience);
  Json request = JsonObject{
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       {{"audiences", audiences},
        {"expirationSeconds", need.seconds},
        {"boundObjectRef",
         {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", name(pod)}, {"uid", uid(pod)}}}}}};
  kube::CreateOptions options;
  Json answer = co_await api_.create(std::move(ref), std::move(request), options);
  auto expires = base::parse_time(base::text_at(answer, {"status", "expirationTimestamp"}));
  const auto fallback = clock_.now() + std::chrono::seconds(need.seconds);
  co_return Token{base::Secret<std::string>(base::text_at(answer, {"status", "token"})),
                  expires ? std::chrono::floor<base::Duration>(*expires) : fallback};
}

io::Task<Json> KubeCluster::patch_status(Json pod, Json patch) {
  kube::Ref ref = pod_ref(pod, "status");
  kube::PatchOptions options;
  Json answer = co_await api_.patch(std::move(ref), std::move(patch), options);
  co_return answer;
}

io::Task<> KubeCluster::remove_pod(Json pod) {
  kube::Ref ref = pod_ref(pod);
  kube::RemoveOptions options;
  options.uid = uid(pod);
  options.grace_period_seconds = 0;
  try {
    co_await api_.remove(std::move(ref), std::move(options));
  } catch (const base::Error& error) {
    const bool already =
        error.code() == base::Code::not_found || error.code() == base::Code::conflict;
    if (!already) throw;
  }
}

io::Task<> KubeCluster::report(Json pod, EventType type, std::string reason, std::string message) {
  const std::string ns = space(pod);
  const std::string now = base::format_time(clock_.now());
  kube::Ref ref{&kind("", "events"), ns, "", ""};
  Json event = JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata",
       {{"name", cat(name(pod), ".", base::random_suffix(random_, 10))}, {"namespace", ns}}},
      {"involvedObject",
       {{"apiVersion", "v1"},
        {"kind", "Pod"},
        {"namespace", ns},
        {"name", name(pod)},
        {"uid", uid(pod)}}},
      {"type", type == EventType::normal ? "Normal" : "Warning"},
      {"reason", reason},
      {"message", std::string(base::clip(message, 1024))},
      {"source", {{"component", "kubelet"}, {"host", node_name_}}},
      {"reportingComponent", "kubelet"},
      {"reportingInstance", node_name_},
      {"firstTimestamp", now},
      {"lastTimestamp", now},
      {"count", 1}};
  kube::CreateOptions options;
  try {
    co_await api_.create(std::move(ref), std::move(event), options);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    log_.warn("an event was lost", {{"pod", title(pod)}, {"error", error.what()}});
  }
}

}  // namespace node
