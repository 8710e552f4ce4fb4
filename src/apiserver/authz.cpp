#include "apiserver/authz.h"

#include <algorithm>

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Json;
using base::text_at;

namespace {

std::vector<std::string> strings_at(const Json& object, std::string_view member) {
  std::vector<std::string> out;
  if (auto list = find(object, {member}); list && list->is_array())
    for (const auto& element : list->get_array())
      if (element.is_string()) out.emplace_back(element.get_string());
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

bool has_or_star(const std::vector<std::string>& list, std::string_view wanted) {
  return has(list, "*") || has(list, wanted);
}

bool covers_resource(const std::vector<std::string>& resources, const RequestInfo& info) {
  if (info.subresource.empty()) return has_or_star(resources, info.resource);
  return has_or_star(resources, cat(info.resource, "/", info.subresource)) ||
         has(resources, cat("*/", info.subresource));
}

bool covers_path(const std::vector<std::string>& paths, std::string_view path) {
  return std::ranges::any_of(paths, [&](std::string_view allowed) {
    if (allowed == "*" || allowed == path) return true;
    return allowed.ends_with('*') && path.starts_with(allowed.substr(0, allowed.size() - 1));
  });
}

}  // namespace

bool Rule::allows(const RequestInfo& info) const {
  if (!has_or_star(verbs, info.verb)) return false;
  if (!info.is_resource) return covers_path(paths, info.path);
  if (!has_or_star(groups, info.group) || !covers_resource(resources, info)) return false;
  return names.empty() || has(names, info.name);
}

std::vector<Rule> parse_rules(const Json& role) {
  std::vector<Rule> rules;
  if (auto list = find(role, {"rules"}); list && list->is_array())
    for (const auto& rule : list->get_array())
      rules.push_back({strings_at(rule, "verbs"), strings_at(rule, "apiGroups"),
                       strings_at(rule, "resources"), strings_at(rule, "resourceNames"),
                       strings_at(rule, "nonResourceURLs")});
  return rules;
}

Rbac::Rbac(Store& store) {
  for (std::string kind : {"roles", "clusterroles"})
    store.observe(kind + ".rbac.authorization.k8s.io", [this](const Change& change) {
      Name name{change.after->key.ns, change.after->key.name};
      if (change.type == ChangeType::deleted) {
        roles_.erase(name);
      } else {
        roles_[name] = parse_rules(change.after->tree());
      }
    });
  for (std::string kind : {"rolebindings", "clusterrolebindings"})
    store.observe(kind + ".rbac.authorization.k8s.io", [this](const Change& change) {
      Name name{change.after->key.ns, change.after->key.name};
      if (change.type == ChangeType::deleted) {
        bindings_.erase(name);
        return;
      }
      auto tree = change.after->tree();
      Binding binding{text_at(tree, {"roleRef", "kind"}), text_at(tree, {"roleRef", "name"}), {}};
      if (auto subjects = find(tree, {"subjects"}); subjects && subjects->is_array())
        binding.subjects = subjects->get_array();
      bindings_[name] = std::move(binding);
    });
}

bool Rbac::binds(const Binding& binding, const User& user, const std::string& ns) const {
  return std::ranges::any_of(binding.subjects, [&](const Json& subject) {
    auto kind = text_at(subject, {"kind"});
    auto name = text_at(subject, {"name"});
    if (kind == "User") return user.name == name;
    if (kind == "Group") return user.in(name);
    auto own = text_at(subject, {"namespace"});
    return kind == "ServiceAccount" &&
           user.name == cat(service_account_prefix, own.empty() ? ns : own, ":", name);
  });
}

const std::vector<Rule>* Rbac::find_role(const Binding& binding, const std::string& ns) const {
  auto at = roles_.find({binding.role_kind == "ClusterRole" ? "" : ns, binding.role_name});
  return at == roles_.end() ? nullptr : &at->second;
}

template <class Visit>
void Rbac::visit_rules(const User& user, const std::string& ns, Visit visit) const {
  auto visit_namespace = [&](const std::string& where) {
    for (auto at = bindings_.lower_bound({where, ""});
         at != bindings_.end() && at->first.first == where; ++at) {
      if (!binds(at->second, user, where)) continue;
      if (auto rules = find_role(at->second, where))
        for (const auto& rule : *rules)
          if (!visit(rule)) return false;
    }
    return true;
  };
  if (visit_namespace("") && !ns.empty()) visit_namespace(ns);
}

bool Rbac::allows(const User& user, const RequestInfo& info) const {
  if (user.in(group_masters)) return true;
  bool allowed = false;
  visit_rules(user, info.ns, [&](const Rule& rule) {
    allowed = rule.allows(info);
    return !allowed;
  });
  return allowed;
}

std::vector<Rule> Rbac::rules_of(const User& user, const std::string& ns) const {
  if (user.in(group_masters)) return {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  std::vector<Rule> rules;
  visit_rules(user, ns, [&](const Rule& rule) {
    rules.push_back(rule);
    return true;
  });
  return rules;
}

std::string node_of(const User& user) {
  if (!user.in(group_nodes) || !user.name.starts_with(node_prefix)) return "";
  return user.name.substr(node_prefix.size());
}

// ---- nodes ----

namespace {

void add_reference(std::set<std::pair<std::string, std::string>>& references, std::string_view kind,
                   const Json* owner, std::string_view member = "name") {
  if (!owner) return;
  if (auto name = text_at(*owner, {member}); !name.empty())
    references.emplace(std::string(kind), name);
}

void add_environment(std::set<std::pair<std::string, std::string>>& references,
                     const Json& container) {
  if (auto list = find(container, {"env"}); list && list->is_array())
    for (const auto& variable : list->get_array()) {
      add_reference(references, "secrets", find(variable, {"valueFrom", "secretKeyRef"}));
      add_reference(references, "configmaps", find(variable, {"valueFrom", "configMapKeyRef"}));
    }
  if (auto list = find(container, {"envFrom"}); list && list->is_array())
    for (const auto& source : list->get_array()) {
      add_reference(references, "secrets", find(source, {"secretRef"}));
      add_reference(references, "configmaps", find(source, {"configMapRef"}));
    }
}

void add_volume(std::set<std::pair<std::string, std::string>>& references, const Json& volume) {
  add_reference(references, "secrets", find(volume, {"secret"}), "secretName");
  add_reference(references, "configmaps", find(volume, {"configMap"}));
  add_reference(references, "secrets", find(volume, {"csi", "nodePublishSecretRef"}));
  if (auto sources = find(volume, {"projected", "sources"}); sources && sources->is_array())
    for (const auto& source : sources->get_array()) {
      add_reference(references, "secrets", find(source, {"secret"}));
      add_reference(references, "configmaps", find(source, {"configMap"}));
    }
}

std::set<std::pair<std::string, std::string>> references_of(const Json& pod) {
  std::set<std::pair<std::string, std::string>> references;
  for (std::string_view list_name : {"containers", "initContainers"})
    if (auto list = find(pod, {"spec", list_name}); list && list->is_array())
      for (const auto& container : list->get_array()) add_environment(references, container);
  if (auto list = find(pod, {"spec", "volumes"}); list && list->is_array())
    for (const auto& volume : list->get_array()) add_volume(references, volume);
  if (auto list = find(pod, {"spec", "imagePullSecrets"}); list && list->is_array())
    for (const auto& secret : list->get_array()) add_reference(references, "secrets", &secret);
  return references;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, text) != list.end();
}

}  // namespace

NodeAuthorizer::NodeAuthorizer(Store& store) {
  store.observe("pods", [this](const Change& change) { follow(change); });
}

void NodeAuthorizer::follow(const Change& change) {
  std::pair<std::string, std::string> name{change.after->key.ns, change.after->key.name};
  auto node = find_value(change.after->fields, "spec.nodeName");
  if (change.type == ChangeType::deleted || !node || node->empty()) {
    pods_.erase(name);
    return;
  }
  // What a pod refers to cannot change once it is bound.
  if (auto known = pods_.find(name);
      known != pods_.end() && change.type == ChangeType::modified && known->second.node == *node)
    return;
  auto tree = change.after->tree();
  pods_[name] = {*node, text_at(tree, {"spec", "serviceAccountName"}), references_of(tree)};
}

bool NodeAuthorizer::refers(const std::string& node, const RequestInfo& info) const {
  for (auto at = pods_.lower_bound({info.ns, ""}); at != pods_.end() && at->first.first == info.ns;
       ++at) {
    const auto& pod = at->second;
    if (pod.node != node) continue;
    if (info.resource == "serviceaccounts" ? pod.account == info.name
                                           : pod.references.contains({info.resource, info.name}))
      return true;
  }
  return false;
}

bool NodeAuthorizer::allows(const User& user, const RequestInfo& info,
                            const io::Target& target) const {
  auto node = node_of(user);
  if (node.empty() || !info.is_resource) return false;
  const auto& verb = info.verb;
  const auto& sub = info.subresource;
  bool reads = one_of(verb, {"get", "list", "watch"});
  if (info.group.empty()) {
    if (info.resource == "secrets" || info.resource == "configmaps")
      return reads && sub.empty() && !info.name.empty() && refers(node, info);
    if (info.resource == "serviceaccounts") {
      if (sub == "token" && verb == "create") return refers(node, info);
      return sub.empty() && verb == "get" && refers(node, info);
    }
    if (info.resource == "pods") {
      if (sub == "status") return one_of(verb, {"patch", "update"});
      if (sub == "eviction") return verb == "create";
      if (!sub.empty()) return false;
      if (one_of(verb, {"list", "watch"}))
        return parse_field_selector(target.get("fieldSelector")).pinned("spec.nodeName") == node;
      return one_of(verb, {"get", "create", "delete"});  // admission looks at whose pod it is
    }
    if (info.resource == "nodes") {
      if (sub == "status") return one_of(verb, {"patch", "update"}) && info.name == node;
      if (!sub.empty()) return false;
      if (verb == "create") return true;
      return (reads || one_of(verb, {"update", "patch"})) && info.name == node;
    }
    if (info.resource == "services") return reads && sub.empty();
    if (info.resource == "events") return one_of(verb, {"create", "patch", "update"});
    return false;
  }
  if (info.group == "events.k8s.io" && info.resource == "events")
    return one_of(verb, {"create", "patch", "update"});
  if (info.group == "coordination.k8s.io" && info.resource == "leases" &&
      info.ns == "kube-node-lease")
    return verb == "create" ||
           (one_of(verb, {"get", "update", "patch", "delete"}) && info.name == node);
  if (info.group == "authentication.k8s.io")
    return info.resource == "tokenreviews" && verb == "create";
  if (info.group == "authorization.k8s.io")
    return one_of(info.resource, {"subjectaccessreviews", "localsubjectaccessreviews"}) &&
           verb == "create";
  return false;
}

std::string describe_refusal(const User& user, const RequestInfo& info) {
  if (!info.is_resource)
    return cat("User \"", user.name, "\" cannot ", info.verb, " path \"", info.path, "\"");
  auto resource =
      info.subresource.empty() ? info.resource : cat(info.resource, "/", info.subresource);
  auto text = cat("User \"", user.name, "\" cannot ", info.verb, " resource \"", resource,
                  "\" in API group \"", info.group, "\"");
  if (info.ns.empty()) return text + " at the cluster scope";
  return cat(text, " in the namespace \"", info.ns, "\"");
}

}  // namespace apiserver
