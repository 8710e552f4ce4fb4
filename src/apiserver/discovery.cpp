#include "apiserver/discovery.h"

#include <algorithm>

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

JsonArray strings(const std::vector<std::string>& list) {
  JsonArray out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

// Groups in order of first appearance, each with its versions.
std::vector<std::pair<std::string, std::vector<std::string>>> groups_of(const Catalog& catalog) {
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const auto& resource : catalog.resources()) {
    auto group = std::ranges::find(groups, resource.group, [](const auto& g) { return g.first; });
    if (group == groups.end()) group = groups.insert(groups.end(), {resource.group, {}});
    if (std::ranges::find(group->second, resource.version) == group->second.end())
      group->second.push_back(resource.version);
  }
  return groups;
}

JsonObject describe_group(const std::string& name, const std::vector<std::string>& versions) {
  JsonArray list;
  for (const auto& version : versions)
    list.push_back(JsonObject{{"groupVersion", cat(name, "/", version)}, {"version", version}});
  auto preferred = list.front();
  return {{"name", name}, {"versions", std::move(list)}, {"preferredVersion", preferred}};
}

JsonObject response_kind(const Resource& resource, const Subresource* sub) {
  if (sub && !sub->version.empty())
    return {{"group", sub->group}, {"version", sub->version}, {"kind", sub->kind}};
  return {{"group", resource.group},
          {"version", resource.version},
          {"kind", sub ? sub->kind : resource.kind}};
}

JsonObject describe_aggregated(const Resource& resource) {
  JsonObject out{{"resource", resource.plural},
                 {"responseKind", response_kind(resource, nullptr)},
                 {"scope", resource.scope == Scope::namespaced ? "Namespaced" : "Cluster"},
                 {"singularResource", resource.singular},
                 {"verbs", strings(resource.verbs)}};
  if (!resource.short_names.empty()) out["shortNames"] = strings(resource.short_names);
  if (!resource.categories.empty()) out["categories"] = strings(resource.categories);
  JsonArray subs;
  for (const auto& sub : resource.subresources)
    subs.push_back(JsonObject{{"subresource", sub.name},
                              {"responseKind", response_kind(resource, &sub)},
                              {"verbs", strings(sub.verbs)}});
  if (!subs.empty()) out["subresources"] = std::move(subs);
  return out;
}

}  // namespace

Json make_api_versions() {
  return JsonObject{
      {"kind", "APIVersions"},
      {"versions", JsonArray{"v1"}},
      {"serverAddressByClientCIDRs",
       JsonArray{JsonObject{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", "127.0.0.1"}}}}};
}

Json make_group_list(const Catalog& catalog) {
  JsonArray groups;
  for (const auto& [name, versions] : groups_of(catalog))
    if (!name.empty()) groups.push_back(describe_group(name, versions));
  return JsonObject{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}};
}

std::optional<Json> make_group(const Catalog& catalog, std::string_view group) {
  for (const auto& [name, versions] : groups_of(catalog))
    if (name == group && !name.empty()) {
      auto out = describe_group(name, versions);
      out["kind"] = "APIGroup";
      out["apiVersion"] = "v1";
      return out;
    }
  return {};
}

std::optional<Json> make_resource_list(const Catalog& catalog, std::string_view group,
                                       std::string_view version) {
  JsonArray list;
  for (const auto& resource : catalog.resources()) {
    if (resource.group != group || resource.version != version) continue;
    JsonObject entry{{"name", resource.plural},
                     {"singularName", resource.singular},
                     {"namespaced", resource.scope == Scope::namespaced},
                     {"kind", resource.kind},
                     {"verbs", strings(resource.verbs)}};
    if (!resource.short_names.empty()) entry["shortNames"] = strings(resource.short_names);
    if (!resource.categories.empty()) entry["categories"] = strings(resource.categories);
    list.push_back(std::move(entry));
    for (const auto& sub : resource.subresources) {
      JsonObject part{{"name", cat(resource.plural, "/", sub.name)},
                      {"singularName", ""},
                      {"namespaced", resource.scope == Scope::namespaced}};
      if (!sub.version.empty()) {
        part["group"] = sub.group;
        part["version"] = sub.version;
      }
      part["kind"] = sub.kind;
      part["verbs"] = strings(sub.verbs);
      list.push_back(std::move(part));
    }
  }
  if (list.empty()) return {};
  return JsonObject{
      {"kind", "APIResourceList"},
      {"apiVersion", "v1"},
      {"groupVersion", group.empty() ? std::string(version) : cat(group, "/", version)},
      {"resources", std::move(list)}};
}

Json make_aggregated(const Catalog& catalog, bool core, std::string_view version) {
  JsonArray items;
  for (const auto& [name, versions] : groups_of(catalog)) {
    if (name.empty() != core) continue;
    JsonArray list;
    for (const auto& served : versions) {
      JsonArray resources;
      for (const auto& resource : catalog.resources())
        if (resource.group == name && resource.version == served)
          resources.push_back(describe_aggregated(resource));
      list.push_back(JsonObject{
          {"version", served}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    JsonObject metadata{{"creationTimestamp", nullptr}};
    if (!name.empty()) metadata["name"] = name;
    items.push_back(JsonObject{{"metadata", std::move(metadata)}, {"versions", std::move(list)}});
  }
  return JsonObject{{"kind", "APIGroupDiscoveryList"},
                    {"apiVersion", cat("apidiscovery.k8s.io/", version)},
                    {"metadata", JsonObject{}},
                    {"items", std::move(items)}};
}

}  // namespace apiserver
