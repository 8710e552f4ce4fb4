#include "schema/openapi.h"

#include "base/text.h"
#include "schema/format.h"
#include "schema/walk.h"

namespace schema {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

JsonObject schema_of(const Type&, const Rule&);

// Rules that speak of one text, wherever it stands.
void describe_text(JsonObject& out, const Rule& rule) {
  if (auto expression = pattern(rule.format); !expression.empty()) out["pattern"] = expression;
  if (auto longest = length_max(rule.format)) out["maxLength"] = longest;
}

JsonObject quantity_schema() {
  return {
      {"anyOf", JsonArray{JsonObject{{"type", "integer"}}, JsonObject{{"type", "string"}}}},
      {"pattern",
       "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]"
       "+(\\.[0-9]*)?)|(\\.[0-9]+))))?$"},
      {"x-kubernetes-int-or-string", true}};
}

JsonObject enum_schema(const Type& type) {
  JsonArray names;
  for (auto name : type.names)
    if (!name.empty()) names.push_back(Json(boost::json::string_view(name)));
  return {{"type", "string"}, {"enum", std::move(names)}};
}

JsonObject list_schema(const Type& type, const Rule& rule) {
  Rule each = rule;
  each.min_length = each.max_length = 0;
  JsonObject out{{"type", "array"}, {"items", schema_of(*type.element, each)}};
  if (rule.min_length) out["minItems"] = rule.min_length;
  if (rule.max_length) out["maxItems"] = rule.max_length;
  if (rule.list == ListType::set) out["x-kubernetes-list-type"] = "set";
  if (rule.list == ListType::map) {
    JsonArray keys;
    for (auto key : rule.keys)
      if (!key.empty()) keys.push_back(Json(boost::json::string_view(key)));
    out["x-kubernetes-list-map-keys"] = std::move(keys);
    out["x-kubernetes-list-type"] = "map";
  }
  return out;
}

JsonObject schema_of(const Type& type, const Rule& rule) {
  switch (type.form) {
    case Form::string: {
      JsonObject out{{"type", "string"}};
      describe_text(out, rule);
      if (rule.min_length) out["minLength"] = rule.min_length;
      if (rule.max_length) out["maxLength"] = rule.max_length;
      return out;
    }
    case Form::integer: {
      JsonObject out{{"type", "integer"}, {"format", "int64"}};
      if (rule.min) out["minimum"] = *rule.min;
      if (rule.max) out["maximum"] = *rule.max;
      return out;
    }
    case Form::boolean: return {{"type", "boolean"}};
    case Form::number: return {{"type", "number"}};
    case Form::time:
    case Form::micro_time: return {{"type", "string"}, {"format", "date-time"}};
    case Form::quantity: return quantity_schema();
    case Form::int_or_string:
      return {{"anyOf", JsonArray{JsonObject{{"type", "integer"}}, JsonObject{{"type", "string"}}}},
              {"x-kubernetes-int-or-string", true}};
    case Form::json: return {{"x-kubernetes-preserve-unknown-fields", true}};
    case Form::json_object:
      return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
    case Form::enumeration: return enum_schema(type);
    case Form::object: return openapi(*type.object).as_object();
    case Form::optional: return schema_of(*type.element, rule);
    case Form::list: return list_schema(type, rule);
    case Form::map:
      return {{"type", "object"}, {"additionalProperties", schema_of(*type.element, rule)}};
  }
  return {};
}

std::string description(const Field& field) {
  switch (field.rule.use) {
    case Use::refused:
      return base::cat("Not supported by this version: refused when set. ", field.doc);
    case Use::inert: return base::cat("Accepted, without effect. ", field.doc);
    default: return std::string(field.doc);
  }
}

// The CEL rule of the struct that has the field.
JsonObject immutability(const Field& field) {
  std::string rule, at = "oldSelf";
  for (const auto& key : base::split(field.rule.immutable_once, '.')) {
    at += base::cat(".", key);
    rule += base::cat("!has(", at, ") || ");
  }
  if (!field.rule.required)
    for (auto self : {"self", "oldSelf"})
      rule += base::cat("!has(", self, ".", field.name, ") || ");
  rule += base::cat("self.", field.name, " == oldSelf.", field.name);
  return {{"rule", std::move(rule)},
          {"message", "cannot be changed; make a new object"},
          {"fieldPath", base::cat(".", field.name)}};
}

JsonObject type_meta(std::string_view doc) { return {{"type", "string"}, {"description", doc}}; }

constexpr std::string_view api_version_doc = "Version of the schema of this object.";
constexpr std::string_view kind_doc = "Kind of this object.";

}  // namespace

Json openapi(const Struct& s) {
  JsonObject properties;
  JsonArray needed, frozen;
  if (s.kind) {
    properties["apiVersion"] = type_meta(api_version_doc);
    properties["kind"] = type_meta(kind_doc);
  }
  for (const Field& field : s.fields) {
    JsonObject property = schema_of(*field.type, field.rule);
    if (!field.doc.empty()) property["description"] = description(field);
    if (field.rule.value.kind != Default::none) property["default"] = to_json(field.rule.value);
    if (field.rule.nullable) property["nullable"] = true;
    if (!field.rule.immutable_once.empty()) frozen.push_back(immutability(field));
    if (field.rule.required) needed.push_back(Json(boost::json::string_view(field.name)));
    properties[field.name] = std::move(property);
  }
  JsonObject out{{"type", "object"}};
  if (s.kind && !s.kind->doc.empty()) out["description"] = s.kind->doc;
  if (!needed.empty()) out["required"] = std::move(needed);
  out["properties"] = std::move(properties);
  if (!frozen.empty()) out["x-kubernetes-validations"] = std::move(frozen);
  return out;
}

namespace {

JsonArray texts(std::initializer_list<std::string_view> list) {
  JsonArray out;
  for (auto text : list) out.push_back(Json(boost::json::string_view(text)));
  return out;
}

JsonArray columns(const KindInfo& kind) {
  JsonArray out;
  for (const PrinterColumn& column : kind.columns) {
    JsonObject entry{{"name", column.name},
                     {"type", column.type},
                     {"description", column.doc},
                     {"jsonPath", column.path}};
    if (column.priority) entry["priority"] = column.priority;
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

Json crd(const KindInfo& kind) {
  // A CRD may say nothing of metadata: the server knows it.
  Json object = openapi(*kind.table);
  object.at("properties").as_object()["metadata"] = JsonObject{{"type", "object"}};

  JsonObject version{{"name", kind.version}, {"served", true}, {"storage", true}};
  version["schema"] = JsonObject{{"openAPIV3Schema", std::move(object)}};
  if (kind.status == StatusSubresource::yes)
    version["subresources"] = JsonObject{{"status", JsonObject{}}};
  if (kind.columns.size()) version["additionalPrinterColumns"] = columns(kind);

  JsonObject names{{"kind", kind.kind},
                   {"listKind", base::cat(kind.kind, "List")},
                   {"plural", kind.plural},
                   {"singular", kind.singular}};
  if (kind.short_names.size()) names["shortNames"] = texts(kind.short_names);
  if (kind.categories.size()) names["categories"] = texts(kind.categories);

  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", JsonObject{{"name", base::cat(kind.plural, ".", kind.group)}}},
          {"spec", JsonObject{{"group", kind.group},
                              {"scope", kind.scope == Scope::namespaced ? "Namespaced" : "Cluster"},
                              {"names", std::move(names)},
                              {"versions", JsonArray{std::move(version)}}}}};
}

}  // namespace schema
