#include "apiserver/bootstrap.h"

#include "apiserver/meta.h"

namespace apiserver {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

User make_system_user() {
  User user;
  user.name = "system:apiserver";
  user.groups = {std::string(group_masters), std::string(group_authenticated)};
  return user;
}

JsonObject make_named(std::string_view version, std::string_view kind, std::string_view name) {
  return {{"apiVersion", version}, {"kind", kind}, {"metadata", JsonObject{{"name", name}}}};
}

JsonObject make_cluster_role(std::string_view name, JsonArray rules) {
  auto role = make_named("rbac.authorization.k8s.io/v1", "ClusterRole", name);
  role["metadata"].as_object()["labels"] =
      JsonObject{{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  role["rules"] = std::move(rules);
  return role;
}

JsonObject make_cluster_binding(std::string_view role, std::vector<std::string_view> groups) {
  auto binding = make_named("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", role);
  binding["metadata"].as_object()["labels"] =
      JsonObject{{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  binding["roleRef"] =
      JsonObject{{"apiGroup", rbac_group}, {"kind", "ClusterRole"}, {"name", role}};
  JsonArray subjects;
  for (auto group : groups)
    subjects.push_back(JsonObject{{"apiGroup", rbac_group}, {"kind", "Group"}, {"name", group}});
  binding["subjects"] = std::move(subjects);
  return binding;
}

JsonObject make_rule(JsonArray groups, JsonArray resources, JsonArray verbs) {
  return {{"apiGroups", std::move(groups)},
          {"resources", std::move(resources)},
          {"verbs", std::move(verbs)}};
}

JsonObject make_path_rule(JsonArray paths, JsonArray verbs = {"get"}) {
  return {{"nonResourceURLs", std::move(paths)}, {"verbs", std::move(verbs)}};
}

// Kubernetes' bootstrap policy, as far as its subjects exist here.
std::vector<std::pair<std::string, Json>> make_rbac() {
  std::vector<std::pair<std::string, Json>> objects;
  auto add = [&](std::string_view name, JsonArray rules, std::vector<std::string_view> groups) {
    objects.emplace_back("clusterroles", make_cluster_role(name, std::move(rules)));
    objects.emplace_back("clusterrolebindings", make_cluster_binding(name, groups));
  };
  add("cluster-admin", {make_rule({"*"}, {"*"}, {"*"}), make_path_rule({"*"}, {"*"})},
      {group_masters});
  add("system:discovery",
      {make_path_rule({"/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi",
                       "/openapi/*", "/readyz", "/version", "/version/"})},
      {group_authenticated});
  add("system:public-info-viewer",
      {make_path_rule({"/healthz", "/livez", "/readyz", "/version", "/version/"})},
      {group_authenticated, group_unauthenticated});
  add("system:basic-user",
      {make_rule({"authorization.k8s.io"}, {"selfsubjectaccessreviews", "selfsubjectrulesreviews"},
                 {"create"}),
       make_rule({"authentication.k8s.io"}, {"selfsubjectreviews"}, {"create"})},
      {group_authenticated});
  add("system:service-account-issuer-discovery",
      {make_path_rule({"/.well-known/openid-configuration", "/.well-known/openid-configuration/",
                       "/openid/v1/jwks", "/openid/v1/jwks/"})},
      {"system:serviceaccounts"});
  return objects;
}

io::Task<> ensure(Context& context, const Resource& resource, std::string ns, Json object) {
  auto name = base::text_at(object, {"metadata", "name"});
  if (context.store.find({resource.storage, ns, name})) co_return;
  Write write{resource, ns, "", "", make_system_user(), {}, {}};
  try {
    co_await context.verbs.create(write, std::move(object));
  } catch (const StatusError& error) {
    // Somebody made it first, or the namespace is on its way out.
    if (error.code() != base::Code::exists && error.http() != 403 && error.http() != 404) throw;
  }
}

// As ensure(), and what differs from the manifest outside its metadata becomes as it says.
io::Task<> install(Context& context, Json manifest) {
  const auto* resource = context.catalog.find_kind(base::text_at(manifest, {"apiVersion"}),
                                                   base::text_at(manifest, {"kind"}));
  if (!resource) throw internal(base::text_at(manifest, {"kind"}) + " is not served");
  auto ns = base::text_at(manifest, {"metadata", "namespace"});
  auto name = base::text_at(manifest, {"metadata", "name"});
  auto current = context.store.find({resource->storage, ns, name});
  if (!current) {
    co_await ensure(context, *resource, ns, std::move(manifest));
    co_return;
  }
  const Json tree = current->tree();
  JsonArray patch;
  for (const auto& [key, value] : manifest.as_object()) {
    const Json* now = base::find(tree, {key});
    if (key != "metadata" && (!now || *now != value))
      patch.push_back(
          JsonObject{{"op", "add"}, {"path", "/" + std::string(key)}, {"value", value}});
  }
  if (patch.empty()) co_return;
  Write write{*resource, ns, name, "", make_system_user(), {}, {}};
  co_await context.verbs.patch(write, std::move(patch), PatchType::json);
}

// The CA that clients in a namespace believe.
Json make_root(const Context& context, const std::string& ns) {
  auto root = make_named("v1", "ConfigMap", "kube-root-ca.crt");
  auto& metadata = root["metadata"].as_object();
  metadata["namespace"] = ns;
  metadata["annotations"] =
      JsonObject{{"kubernetes.io/description",
                  "Contains a CA bundle that can be used to verify the kube-apiserver when using "
                  "internal endpoints such as the internal service IP or "
                  "kubernetes.default.svc. No other usage is guaranteed across distributions of "
                  "Kubernetes clusters."}};
  root["data"] = JsonObject{{"ca.crt", context.settings.ca_pem}};
  return root;
}

// What somebody else made of it becomes as it was, if it can.
io::Task<> restore_root(Context& context, std::string ns) {
  auto root = make_root(context, ns);
  try {
    co_await install(context, std::move(root));
  } catch (const StatusError& error) {
    context.log.warn("cannot restore kube-root-ca.crt",
                     {{"namespace", ns}, {"error", error.what()}});
  }
}

}  // namespace

io::Task<> make_first_objects(Context& context) {
  io::TaskGroup group(context.loop);
  const auto& namespaces = *context.catalog.find("", "v1", "namespaces");
  auto make_namespace = [](Context& shared, const Resource& kind, std::string name) -> io::Task<> {
    auto object = make_named("v1", "Namespace", name);
    co_await ensure(shared, kind, "", std::move(object));
    co_await furnish_namespace(shared, std::move(name));
  };
  for (std::string name : {"default", "kube-system", "kube-public", "kube-node-lease"})
    group.spawn("namespace", make_namespace(context, namespaces, name));
  for (auto& [plural, object] : make_rbac()) {
    const auto& kind = *context.catalog.find(rbac_group, "v1", plural);
    group.spawn("rbac", ensure(context, kind, "", object));
  }
  for (const auto& manifest : context.settings.manifests)
    group.spawn("manifest", install(context, manifest));
  co_await group.join();
}

io::Task<> furnish_namespace(Context& context, std::string ns) {
  const auto& accounts = *context.catalog.find("", "v1", "serviceaccounts");
  const auto& config_maps = *context.catalog.find("", "v1", "configmaps");
  auto account = make_named("v1", "ServiceAccount", "default");
  auto root = make_root(context, ns);
  io::TaskGroup group(context.loop);
  group.spawn("account", ensure(context, accounts, ns, std::move(account)));
  group.spawn("root", ensure(context, config_maps, ns, std::move(root)));
  co_await group.join();
}

void keep_namespaces_furnished(Context& context, io::TaskGroup& tasks) {
  for (auto [storage, name] :
       {std::pair{"serviceaccounts", "default"}, std::pair{"configmaps", "kube-root-ca.crt"}})
    context.store.observe(storage, [&context, &tasks, name](const Change& change) {
      if (change.after->key.name != name) return;
      if (change.type == ChangeType::modified && change.after->key.storage == "configmaps")
        tasks.spawn("root", restore_root(context, change.after->key.ns));
      if (change.type != ChangeType::deleted) return;
      auto ns = context.store.find({"namespaces", "", change.after->key.ns});
      if (!ns || is_deleting(ns->tree())) return;
      tasks.spawn("furnish", furnish_namespace(context, change.after->key.ns));
    });
}

}  // namespace apiserver
