#include "apiserver/admission.h"

#include <algorithm>

#include "apiserver/authz.h"
#include "apiserver/meta.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

bool is_core(const Resource& resource, std::string_view plural) {
  return resource.group.empty() && resource.plural == plural;
}

// ---- NamespaceLifecycle ----

void check_namespace(const Store& store, Attributes& write) {
  if (is_core(write.resource, "namespaces")) {
    static constexpr std::string_view immortal[] = {"default", "kube-system", "kube-public"};
    if (write.operation == Operation::remove &&
        std::ranges::find(immortal, write.name) != std::end(immortal))
      throw forbidden(write.resource.subject(), write.name, "this namespace may not be deleted");
    return;
  }
  if (write.operation != Operation::create || write.resource.scope != Scope::namespaced) return;
  auto ns = store.find({"namespaces", "", write.ns});
  Subject namespaces{"", "namespaces", "Namespace"};
  if (!ns) throw not_found(namespaces, write.ns);
  if (!is_deleting(ns->tree())) return;
  throw StatusError(
      403, "Forbidden",
      cat(write.resource.subject().qualified(), " \"", write.name,
          "\" is forbidden: unable to create new content in namespace ", write.ns,
          " because it is being terminated"),
      JsonObject{{"name", write.name},
                 {"kind", write.resource.plural},
                 {"causes", JsonArray{JsonObject{
                                {"reason", "NamespaceTerminating"},
                                {"message", cat("namespace ", write.ns, " is being terminated")},
                                {"field", "metadata.namespace"}}}}});
}

// ---- ServiceAccount ----

constexpr std::string_view token_mount = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::int64_t automounted_token_seconds = 3607;

Json make_token_volume(const std::string& name) {
  return JsonObject{
      {"name", name},
      {"projected",
       JsonObject{
           {"defaultMode", 420},
           {"sources",
            JsonArray{JsonObject{{"serviceAccountToken",
                                  JsonObject{{"expirationSeconds", automounted_token_seconds},
                                             {"path", "token"}}}},
                      JsonObject{{"configMap",
                                  JsonObject{{"items", JsonArray{JsonObject{{"key", "ca.crt"},
                                                                            {"path", "ca.crt"}}}},
                                             {"name", "kube-root-ca.crt"}}}},
                      JsonObject{{"downwardAPI",
                                  JsonObject{{"items",
                                              JsonArray{JsonObject{
                                                  {"fieldRef",
                                                   JsonObject{{"apiVersion", "v1"},
                                                              {"fieldPath", "metadata.namespace"}}},
                                                  {"path", "namespace"}}}}}}}}}}}};
}

bool mounts_token(const Json& container) {
  auto mounts = find(container, {"volumeMounts"});
  return mounts && mounts->is_array() &&
         std::ranges::any_of(mounts->get_array(), [](const Json& m) {
           return text_at(m, {"mountPath"}) == token_mount;
         });
}

void mount_token(Json& pod, const std::string& volume) {
  bool used = false;
  for (std::string_view list_name : {"initContainers", "containers"}) {
    auto list = const_cast<Json*>(find(pod, {"spec", list_name}));
    if (!list || !list->is_array()) continue;
    for (auto& container : list->get_array()) {
      if (mounts_token(container)) continue;
      auto& mounts = base::ensure(container, {"volumeMounts"});
      if (!mounts.is_array()) mounts.emplace_array();
      mounts.get_array().push_back(
          JsonObject{{"name", volume}, {"readOnly", true}, {"mountPath", token_mount}});
      used = true;
    }
  }
  if (!used) return;
  auto& volumes = base::ensure(pod, {"spec", "volumes"});
  if (!volumes.is_array()) volumes.emplace_array();
  volumes.get_array().push_back(make_token_volume(volume));
}

void admit_service_account(const Store& store, base::Random& random, Attributes& write) {
  if (write.operation != Operation::create || !is_core(write.resource, "pods")) return;
  auto& pod = *write.object;
  auto name = text_at(pod, {"spec", "serviceAccountName"});
  if (name.empty()) name = "default";
  base::ensure(pod, {"spec", "serviceAccountName"}) = name;
  base::ensure(pod, {"spec", "serviceAccount"}) = name;
  auto account = store.find({"serviceaccounts", write.ns, name});
  if (!account)
    throw forbidden(write.resource.subject(), write.name,
                    cat("error looking up service account ", write.ns, "/", name,
                        ": serviceaccount \"", name, "\" not found"));
  auto automount = base::find_bool(pod, {"spec", "automountServiceAccountToken"});
  if (!automount) automount = base::find_bool(account->tree(), {"automountServiceAccountToken"});
  if (automount.value_or(true))
    mount_token(pod, cat("kube-api-access-", base::random_suffix(random, 5)));
}

// ---- DefaultTolerationSeconds, Priority ----

void admit_tolerations(Attributes& write) {
  if (write.operation != Operation::create || !is_core(write.resource, "pods")) return;
  auto& tolerations = base::ensure(*write.object, {"spec", "tolerations"});
  if (!tolerations.is_array()) tolerations.emplace_array();
  for (std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    bool tolerated = std::ranges::any_of(tolerations.get_array(), [&](const Json& toleration) {
      auto own = text_at(toleration, {"key"});
      auto effect = text_at(toleration, {"effect"});
      return (own.empty() || own == key) && (effect.empty() || effect == "NoExecute");
    });
    if (!tolerated)
      tolerations.get_array().push_back(JsonObject{{"key", key},
                                                   {"operator", "Exists"},
                                                   {"effect", "NoExecute"},
                                                   {"tolerationSeconds", 300}});
  }
  auto& spec = write.object->as_object()["spec"].as_object();
  if (!spec.contains("priority")) spec["priority"] = 0;
  if (!spec.contains("preemptionPolicy")) spec["preemptionPolicy"] = "PreemptLowerPriority";
}

// ---- NodeRestriction ----

// Labels of Kubernetes' own that a node may put on itself (k8s.io/kubelet/pkg/apis).
bool is_node_label(std::string_view key) {
  static constexpr std::string_view allowed[] = {"kubernetes.io/hostname",
                                                 "kubernetes.io/arch",
                                                 "kubernetes.io/os",
                                                 "node.kubernetes.io/instance-type",
                                                 "topology.kubernetes.io/region",
                                                 "topology.kubernetes.io/zone",
                                                 "beta.kubernetes.io/arch",
                                                 "beta.kubernetes.io/os",
                                                 "beta.kubernetes.io/instance-type"};
  auto slash = key.find('/');
  if (slash == std::string_view::npos) return true;
  auto owner = key.substr(0, slash);
  auto within = [&](std::string_view domain) {
    return owner == domain ||
           (owner.ends_with(domain) && owner[owner.size() - domain.size() - 1] == '.');
  };
  if (within("node-restriction.kubernetes.io")) return false;
  if (!within("kubernetes.io") && !within("k8s.io")) return true;
  return within("kubelet.kubernetes.io") || within("node.kubernetes.io") ||
         std::ranges::find(allowed, key) != std::end(allowed);
}

void restrict_labels(const Attributes& write, const std::string& node) {
  auto labels = find(*write.object, {"metadata", "labels"});
  if (!labels || !labels->is_object()) return;
  for (const auto& [key, value] : labels->get_object()) {
    auto old = write.before ? find(*write.before, {"metadata", "labels", key}) : nullptr;
    if ((!old || *old != value) && !is_node_label(key))
      throw forbidden(
          write.resource.subject(), write.name,
          cat("node \"", node, "\" is not allowed to set label \"", std::string_view(key), "\""));
  }
}

void restrict_node(Attributes& write) {
  auto node = node_of(write.user);
  if (node.empty()) return;
  auto refuse = [&](std::string_view why) {
    throw forbidden(write.resource.subject(), write.name, why);
  };
  if (is_core(write.resource, "pods")) {
    if (write.operation == Operation::create) {
      refuse(cat("pod does not have \"kubernetes.io/config.mirror\" annotation, node \"", node,
                 "\" can only create mirror pods"));
    }
    auto bound = text_at(*write.before, {"spec", "nodeName"});
    if (bound != node)
      refuse(cat("node \"", node, "\" can only ",
                 write.operation == Operation::remove ? "delete" : "update status for",
                 " pods with spec.nodeName set to itself"));
    if (write.operation == Operation::update && write.subresource == "status") {
      auto labels = [](const Json& tree) {
        auto at = find(tree, {"metadata", "labels"});
        return at ? *at : Json();
      };
      if (labels(*write.object) != labels(*write.before))
        refuse(cat("node \"", node, "\" cannot update labels through pod status"));
    }
    return;
  }
  if (is_core(write.resource, "nodes")) {
    if (write.name != node)
      refuse(cat("node \"", node, "\" is not allowed to modify node \"", write.name, "\""));
    if (write.operation == Operation::remove) return;
    restrict_labels(write, node);
    if (write.operation != Operation::update) return;
    auto taints = [](const Json& tree) {
      auto at = find(tree, {"spec", "taints"});
      return at ? *at : Json(JsonArray{});
    };
    if (taints(*write.object) != taints(*write.before))
      refuse(cat("node \"", node, "\" is not allowed to modify taints"));
    return;
  }
  if (write.resource.group == "coordination.k8s.io" && write.resource.plural == "leases" &&
      write.name != node)
    refuse("can only access node lease with the same name as the requesting node");
}

}  // namespace

Admission make_builtin_admission(const Store& store, base::Random& random) {
  return [&store, &random](Attributes& write) {
    check_namespace(store, write);
    admit_service_account(store, random, write);
    admit_tolerations(write);
    restrict_node(write);
  };
}

}  // namespace apiserver
