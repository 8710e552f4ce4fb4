// The small core kinds: Nodes, Secrets, ConfigMaps, Namespaces, ServiceAccounts, Leases.
#include <algorithm>

#include "apiserver/kinds.h"
#include "apiserver/meta.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Issues;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::size_t data_bytes_max = 1024 * 1024;  // of a Secret or ConfigMap

Json name_of(const Json& object) { return Json(text_at(object, {"metadata", "name"})); }

Json value_at(const Json& object, std::string_view member) {
  auto at = find(object, {member});
  return at ? *at : Json();
}

// ---- Secrets and ConfigMaps ----

bool is_data_key(std::string_view key) {
  return !key.empty() && key.size() <= 253 && key != "." && !key.starts_with("..") &&
         std::ranges::all_of(key, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::size_t check_data(const Json& object, std::string_view member, bool is_base64,
                       Issues& issues) {
  auto data = find(object, {member});
  if (!data || data->is_null()) return 0;
  if (!data->is_object()) throw bad_request(cat(member, ": expected a map of strings"));
  std::size_t total = 0;
  for (const auto& [key, value] : data->get_object()) {
    if (!is_data_key(key))
      issues.push_back(
          {cat(member, "[", std::string_view(key), "]"),
           cat("Invalid value: \"", std::string_view(key),
               "\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
               "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
               "'[-._a-zA-Z0-9]+')")});
    if (!value.is_string())
      throw bad_request(cat(member, ".", std::string_view(key), ": expected a string"));
    std::string_view text = value.get_string();
    if (is_base64 && !base::parse_base64(text))
      throw bad_request(cat(member, ".", std::string_view(key), ": illegal base64 data"));
    total += is_base64 ? text.size() / 4 * 3 : text.size();
  }
  return total;
}

void check_immutable_data(const Json& object, const Json& before,
                          std::initializer_list<std::string_view> members, Issues& issues) {
  if (!base::find_bool(before, {"immutable"}).value_or(false)) return;
  if (!base::find_bool(object, {"immutable"}).value_or(false))
    issues.push_back({"immutable", "Forbidden: field is immutable when `immutable` is set"});
  for (auto member : members)
    if (value_at(object, member) != value_at(before, member))
      issues.push_back(
          {std::string(member), "Forbidden: field is immutable when `immutable` is set"});
}

void check_size(std::size_t total, std::string_view member, Issues& issues) {
  if (total > data_bytes_max)
    issues.push_back(
        {std::string(member), cat("Too long: may not be more than ", data_bytes_max, " bytes")});
}

// stringData is written into data and never read back.
void default_secret(Json& secret) {
  set_default(secret, "type", "Opaque");
  auto& object = secret.as_object();
  auto plain = object.if_contains("stringData");
  if (!plain) return;
  if (plain->is_object() && !plain->get_object().empty()) {
    auto members = plain->get_object();
    auto& data = base::ensure(secret, {"data"});
    if (!data.is_object()) data.emplace_object();
    for (const auto& [key, value] : members)
      if (value.is_string())
        data.get_object()[key] = base::base64(std::string_view(value.get_string()));
  }
  object.erase("stringData");
}

Issues validate_secret(const Json& secret, const Json* before, Part) {
  Issues issues;
  check_size(check_data(secret, "data", true, issues), "data", issues);
  if (before) {
    if (value_at(secret, "type") != value_at(*before, "type"))
      issues.push_back(
          {"type", cat("Invalid value: \"", text_at(secret, {"type"}), "\": field is immutable")});
    check_immutable_data(secret, *before, {"data"}, issues);
  }
  return issues;
}

Issues validate_config_map(const Json& map, const Json* before, Part) {
  Issues issues;
  auto total = check_data(map, "data", false, issues);
  total += check_data(map, "binaryData", true, issues);
  check_size(total, "", issues);
  if (before) check_immutable_data(map, *before, {"data", "binaryData"}, issues);
  return issues;
}

std::int64_t count_of(const Json& object, std::string_view member) {
  auto at = find(object, {member});
  if (!at) return 0;
  return at->is_object()  ? std::int64_t(at->get_object().size())
         : at->is_array() ? std::int64_t(at->get_array().size())
                          : 0;
}

// ---- Namespaces ----

void prepare_namespace(Json& ns, const Json* before, Part) {
  base::ensure(ns, {"metadata", "labels", "kubernetes.io/metadata.name"}) =
      text_at(ns, {"metadata", "name"});
  if (before) {
    // Finalizers of the spec change by the finalize subresource only.
    base::ensure(ns, {"spec"}) = value_at(*before, "spec");
    return;
  }
  base::ensure(ns, {"spec", "finalizers"}) = JsonArray{"kubernetes"};
  ns.as_object()["status"] = JsonObject{{"phase", "Active"}};
}

// ---- Nodes ----

std::string node_state(const Json& node) {
  std::string state = "Unknown";
  if (auto conditions = find_array(node, {"status", "conditions"}))
    for (const auto& condition : *conditions)
      if (text_at(condition, {"type"}) == "Ready")
        state = text_at(condition, {"status"}) == "True" ? "Ready" : "NotReady";
  if (base::find_bool(node, {"spec", "unschedulable"}).value_or(false))
    state += ",SchedulingDisabled";
  return state;
}

std::string node_roles(const Json& node) {
  constexpr std::string_view prefix = "node-role.kubernetes.io/";
  std::vector<std::string> roles;
  if (auto labels = find(node, {"metadata", "labels"}); labels && labels->is_object())
    for (const auto& [key, value] : labels->get_object())
      if (std::string_view(key).starts_with(prefix))
        roles.emplace_back(std::string_view(key).substr(prefix.size()));
  std::ranges::sort(roles);
  return roles.empty() ? "<none>" : base::join(roles, ",");
}

std::string node_address(const Json& node, std::string_view type) {
  if (auto addresses = find_array(node, {"status", "addresses"}))
    for (const auto& address : *addresses)
      if (text_at(address, {"type"}) == type) return text_at(address, {"address"});
  return "<none>";
}

std::string node_info(const Json& node, std::string_view member) {
  auto text = text_at(node, {"status", "nodeInfo", member});
  return text.empty() ? "<unknown>" : text;
}

JsonArray node_cells(const Json& node, base::Time now) {
  return {name_of(node),
          Json(node_state(node)),
          Json(node_roles(node)),
          Json(age_of(node, now)),
          Json(text_at(node, {"status", "nodeInfo", "kubeletVersion"})),
          Json(node_address(node, "InternalIP")),
          Json(node_address(node, "ExternalIP")),
          Json(node_info(node, "osImage")),
          Json(node_info(node, "kernelVersion")),
          Json(node_info(node, "containerRuntimeVersion"))};
}

// ---- Leases ----

Issues validate_lease(const Json& lease, const Json*, Part) {
  Issues issues;
  for (std::string_view member : {"leaseDurationSeconds", "leaseTransitions"})
    if (auto number = base::find_int(lease, {"spec", member});
        number && *number < (member[5] == 'D' ? 1 : 0))
      issues.push_back(
          {cat("spec.", member), cat("Invalid value: ", *number,
                                     member[5] == 'D' ? ": must be greater than 0"
                                                      : ": must be greater than or equal to 0")});
  return issues;
}

}  // namespace

Resource make_secrets() {
  auto secrets = make_resource("", "v1", "secrets", "Secret", Scope::namespaced);
  secrets.selectable = {{"type"}};
  secrets.defaults = default_secret;
  secrets.validate = validate_secret;
  secrets.columns = make_columns({"Name", "Type", "Data", "Age"});
  secrets.columns[2].type = "integer";
  secrets.cells = [](const Json& secret, base::Time now) -> JsonArray {
    return {name_of(secret), Json(text_at(secret, {"type"})), Json(count_of(secret, "data")),
            Json(age_of(secret, now))};
  };
  return secrets;
}

Resource make_config_maps() {
  auto maps = make_resource("", "v1", "configmaps", "ConfigMap", Scope::namespaced);
  maps.short_names = {"cm"};
  maps.validate = validate_config_map;
  maps.columns = make_columns({"Name", "Data", "Age"});
  maps.columns[1].type = "integer";
  maps.cells = [](const Json& map, base::Time now) -> JsonArray {
    return {name_of(map), Json(count_of(map, "data") + count_of(map, "binaryData")),
            Json(age_of(map, now))};
  };
  return maps;
}

Resource make_namespaces() {
  auto namespaces = make_resource("", "v1", "namespaces", "Namespace", Scope::cluster);
  namespaces.short_names = {"ns"};
  std::erase(namespaces.verbs, "deletecollection");
  namespaces.subresources = {{"finalize", "Namespace", "", "", {"patch", "update"}},
                             status_of_kind("Namespace")};
  namespaces.selectable = {{"status.phase"}};
  namespaces.has_status = true;
  namespaces.returns_deleted = true;
  namespaces.label_names = true;
  namespaces.prepare = prepare_namespace;
  namespaces.columns = make_columns({"Name", "Status", "Age"});
  namespaces.cells = [](const Json& ns, base::Time now) -> JsonArray {
    return {name_of(ns), Json(text_at(ns, {"status", "phase"})), Json(age_of(ns, now))};
  };
  return namespaces;
}

Resource make_service_accounts() {
  auto accounts = make_resource("", "v1", "serviceaccounts", "ServiceAccount", Scope::namespaced);
  accounts.short_names = {"sa"};
  accounts.subresources = {{"token", "TokenRequest", "authentication.k8s.io", "v1", {"create"}}};
  accounts.returns_deleted = true;
  accounts.columns = make_columns({"Name", "Secrets", "Age"});
  accounts.columns[1].type = "integer";
  accounts.cells = [](const Json& account, base::Time now) -> JsonArray {
    return {name_of(account), Json(count_of(account, "secrets")), Json(age_of(account, now))};
  };
  return accounts;
}

Resource make_nodes() {
  auto nodes = make_resource("", "v1", "nodes", "Node", Scope::cluster);
  nodes.short_names = {"no"};
  nodes.subresources = {status_of_kind("Node")};
  nodes.selectable = {{"spec.unschedulable", "spec.unschedulable", "false"}};
  nodes.has_status = true;
  nodes.columns = make_columns({"Name", "Status", "Roles", "Age", "Version", "Internal-IP:wide",
                                "External-IP:wide", "OS-Image:wide", "Kernel-Version:wide",
                                "Container-Runtime:wide"});
  nodes.cells = node_cells;
  return nodes;
}

Resource make_leases() {
  auto leases = make_resource("coordination.k8s.io", "v1", "leases", "Lease", Scope::namespaced);
  leases.unconditional_update = false;
  leases.validate = validate_lease;
  leases.columns = make_columns({"Name", "Holder", "Age"});
  leases.cells = [](const Json& lease, base::Time now) -> JsonArray {
    return {name_of(lease), Json(text_at(lease, {"spec", "holderIdentity"})),
            Json(age_of(lease, now))};
  };
  return leases;
}

}  // namespace apiserver
