// OpenAPI documents. v3: schemas of the kinds, and the paths whose parameters tell kubectl that
// field validation is done by the server. v2: the names of the kinds, and that they are objects.
#include "apiserver/discovery.h"
#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

std::string schema_name(const Resource& resource) {
  auto group = resource.group.empty() ? std::string("core") : resource.group;
  if (resource.custom) {
    auto parts = base::split(group, '.');
    std::reverse(parts.begin(), parts.end());
    return cat(base::join(parts, "."), ".", resource.version, ".", resource.kind);
  }
  group = group.substr(0, group.find('.'));
  return cat("io.k8s.api.", group, ".", resource.version, ".", resource.kind);
}

JsonObject parameter(std::string_view name, std::string_view doc) {
  return {{"name", name},
          {"in", "query"},
          {"description", doc},
          {"schema", JsonObject{{"type", "string"}, {"uniqueItems", true}}}};
}

JsonArray write_parameters() {
  return {parameter("dryRun", "All: process the request, persist nothing"),
          parameter("fieldManager", "name of the actor that makes the change"),
          parameter("fieldValidation", "Ignore, Warn or Strict: what to do with unknown fields")};
}

JsonObject group_version_kind(const Resource& resource) {
  return {{"group", resource.group}, {"version", resource.version}, {"kind", resource.kind}};
}

JsonObject operation(const Resource& resource, std::string_view action, JsonArray parameters,
                     JsonArray body_types) {
  JsonObject reference{{"$ref", cat("#/components/schemas/", schema_name(resource))}};
  JsonObject out{{"x-kubernetes-action", action},
                 {"x-kubernetes-group-version-kind", group_version_kind(resource)}};
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (!body_types.empty()) {
    JsonObject content;
    for (const auto& type : body_types)
      content[type.get_string()] = JsonObject{{"schema", reference}};
    out["requestBody"] = JsonObject{{"content", std::move(content)}, {"required", true}};
  }
  out["responses"] = JsonObject{
      {"200", JsonObject{{"description", "OK"},
                         {"content",
                          JsonObject{{"application/json", JsonObject{{"schema", reference}}}}}}}};
  return out;
}

void add_paths(JsonObject& paths, const Resource& resource) {
  auto root = resource.group.empty() ? cat("/api/", resource.version, "/")
                                     : cat("/apis/", resource.group, "/", resource.version, "/");
  if (resource.scope == Scope::namespaced) root += "namespaces/{namespace}/";
  auto collection = cat(root, resource.plural);
  JsonObject many, one;
  if (resource.can("list")) many["get"] = operation(resource, "list", {}, {});
  if (resource.can("create"))
    many["post"] = operation(resource, "post", write_parameters(), {"application/json"});
  if (resource.can("get")) one["get"] = operation(resource, "get", {}, {});
  if (resource.can("update"))
    one["put"] = operation(resource, "put", write_parameters(), {"application/json"});
  if (resource.can("patch"))
    one["patch"] = operation(resource, "patch", write_parameters(),
                             {"application/json-patch+json", "application/merge-patch+json"});
  if (resource.can("delete")) one["delete"] = operation(resource, "delete", {}, {});
  paths[collection] = std::move(many);
  if (!one.empty()) paths[collection + "/{name}"] = std::move(one);
}

JsonObject make_schema(const Resource& resource) {
  JsonObject schema;
  if (resource.openapi) schema = resource.openapi().as_object();
  // Of Kubernetes' own kinds the tables know a slice; what they do not name is kept all the same.
  if (!resource.custom) schema["x-kubernetes-preserve-unknown-fields"] = true;
  schema["type"] = "object";
  auto& properties = schema["properties"];
  if (!properties.is_object()) properties.emplace_object();
  auto text = [](std::string_view doc) {
    return JsonObject{{"type", "string"}, {"description", doc}};
  };
  auto& members = properties.get_object();
  members["apiVersion"] =
      text("APIVersion defines the versioned schema of this representation of an object.");
  members["kind"] =
      text("Kind is a string value representing the REST resource this object represents.");
  if (!members.contains("metadata") || !members["metadata"].as_object().contains("properties"))
    members["metadata"] = JsonObject{{"type", "object"},
                                     {"description", "Standard object's metadata."},
                                     {"x-kubernetes-preserve-unknown-fields", true}};
  schema["x-kubernetes-group-version-kind"] = JsonArray{group_version_kind(resource)};
  return schema;
}

std::string path_of(const std::string& group, const std::string& version) {
  return group.empty() ? cat("api/", version) : cat("apis/", group, "/", version);
}

}  // namespace

Json make_openapi_index(const Catalog& catalog) {
  JsonObject paths;
  for (const auto& resource : catalog.resources()) {
    auto path = path_of(resource.group, resource.version);
    if (paths.contains(path)) continue;
    auto text = base::to_text(*make_openapi(catalog, resource.group, resource.version));
    auto hash = base::lower(io::sha256_hex(text));
    paths[path] = JsonObject{{"serverRelativeURL", cat("/openapi/v3/", path, "?hash=", hash)}};
  }
  return JsonObject{{"paths", std::move(paths)}};
}

std::optional<Json> make_openapi(const Catalog& catalog, std::string_view group,
                                 std::string_view version) {
  JsonObject schemas, paths;
  for (const auto& resource : catalog.resources()) {
    if (resource.group != group || resource.version != version) continue;
    schemas[schema_name(resource)] = make_schema(resource);
    add_paths(paths, resource);
  }
  if (schemas.empty()) return {};
  return JsonObject{{"openapi", "3.0.0"},
                    {"info", JsonObject{{"title", "Kubernetes"}, {"version", "v1"}}},
                    {"paths", std::move(paths)},
                    {"components", JsonObject{{"schemas", std::move(schemas)}}}};
}

Json make_openapi_v2(const Catalog& catalog) {
  JsonObject definitions;
  for (const auto& resource : catalog.resources())
    definitions[schema_name(resource)] =
        JsonObject{{"type", "object"},
                   {"x-kubernetes-group-version-kind", JsonArray{group_version_kind(resource)}}};
  return JsonObject{{"swagger", "2.0"},
                    {"info", JsonObject{{"title", "Kubernetes"}, {"version", "v1"}}},
                    {"paths", JsonObject{}},
                    {"definitions", std::move(definitions)}};
}

}  // namespace apiserver
