#include "apiserver/request.h"

#include <algorithm>

#include "apiserver/selector.h"
#include "apiserver/status.h"
#include "base/text.h"

namespace apiserver {

namespace {

std::vector<std::string> parts_of(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return base::split(path, '/');
}

std::string verb_of(std::string_view method, bool named, const io::Target& target) {
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return named ? "delete" : "deletecollection";
  if (method == "GET" || method == "HEAD")
    return named ? "get" : query_flag(target, "watch") ? "watch" : "list";
  return base::lower(method);
}

}  // namespace

RequestInfo parse_request(std::string_view method, const io::Target& target) {
  RequestInfo info;
  info.path = target.path;
  info.verb = base::lower(method);
  auto parts = parts_of(target.path);
  std::size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    info.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    info.group = parts[1];
    info.version = parts[2];
    at = 3;
  } else {
    return info;
  }
  info.is_resource = true;
  if (parts[at] == "namespaces" && parts.size() > at + 2 && parts[at + 2] != "status" &&
      parts[at + 2] != "finalize") {
    info.ns = parts[at + 1];
    at += 2;
  } else if (parts[at] == "namespaces" && parts.size() > at + 1) {
    info.ns = parts[at + 1];  // a namespace lies in itself, for authorization
  }
  info.resource = parts[at];
  if (parts.size() > at + 1) info.name = parts[at + 1];
  if (parts.size() > at + 2) info.subresource = parts[at + 2];
  for (std::size_t i = at + 3; i < parts.size(); ++i)
    info.rest += (info.rest.empty() ? "" : "/") + parts[i];
  info.verb = verb_of(method, !info.name.empty(), target);
  if (info.name.empty() &&
      (info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection"))
    info.name =
        parse_field_selector(target.get("fieldSelector")).pinned("metadata.name").value_or("");
  return info;
}

std::string MediaType::get(std::string_view name) const {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return "";
}

std::vector<MediaType> parse_accept(std::string_view accept) {
  std::vector<MediaType> types;
  for (const auto& entry : base::split(accept, ',')) {
    MediaType media;
    for (const auto& part : base::split(entry, ';')) {
      auto text = base::trim(part);
      if (media.type.empty()) {
        media.type = base::lower(text);
      } else if (auto equals = text.find('='); equals != std::string_view::npos) {
        media.parameters.emplace_back(base::trim(text.substr(0, equals)),
                                      base::trim(text.substr(equals + 1)));
      }
    }
    if (!media.type.empty()) types.push_back(std::move(media));
  }
  return types;
}

Form negotiate(std::string_view accept, Forms forms) {
  auto types = parse_accept(accept);
  if (types.empty()) return {};
  for (const auto& media : types) {
    if (media.type != "application/json" && media.type != "application/*" && media.type != "*/*")
      continue;
    auto as = media.get("as");
    if (as.empty()) return {};
    if (forms == Forms::object_only) continue;
    auto version = media.get("v");
    if (media.get("g") != "meta.k8s.io" || (version != "v1" && version != "v1beta1")) continue;
    if (as == "Table") return {Form::Shape::table, version};
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList")
      return {Form::Shape::partial, version};
  }
  throw not_acceptable({"application/json"});
}

bool query_flag(const io::Target& target, std::string_view name) {
  if (!target.has(name)) return false;
  auto value = base::lower(target.get(name));
  return value != "false" && value != "0";
}

std::optional<std::int64_t> query_number(const io::Target& target, std::string_view name) {
  auto text = target.get(name);
  if (text.empty()) return {};
  auto number = base::parse_int(text);
  if (!number || *number < 0)
    throw bad_request(base::cat("invalid query parameter ", name, "=\"", text,
                                "\": expected a whole number that is not negative"));
  return number;
}

namespace {

bool parse_dry_run(const std::vector<std::string>& values) {
  for (const auto& value : values)
    if (!value.empty() && value != "All")
      throw bad_request(
          base::cat("dryRun: Unsupported value: \"", value, "\": supported values: \"All\""));
  return !values.empty() && !values.front().empty();
}

}  // namespace

WriteOptions parse_write_options(const io::Target& target) {
  WriteOptions options;
  options.dry_run = parse_dry_run({std::string(target.get("dryRun"))});
  auto validation = target.get("fieldValidation");
  if (validation == "Ignore") {
    options.field_validation = FieldValidation::ignore;
  } else if (validation == "Strict") {
    options.field_validation = FieldValidation::strict;
  } else if (!validation.empty() && validation != "Warn") {
    throw bad_request(base::cat("fieldValidation: Unsupported value: \"", validation,
                                "\": supported values: \"Ignore\", \"Strict\", \"Warn\""));
  }
  return options;
}

DeleteOptions parse_delete_options(const io::Target& target, std::string_view body) {
  DeleteOptions options;
  options.dry_run = parse_dry_run({std::string(target.get("dryRun"))});
  options.grace_seconds = query_number(target, "gracePeriodSeconds");
  options.propagation = target.get("propagationPolicy");
  if (!base::trim(body).empty()) {
    base::Json tree = base::parse_json(body);
    if (auto grace = base::find_int(tree, {"gracePeriodSeconds"})) options.grace_seconds = grace;
    if (auto policy = base::find_string(tree, {"propagationPolicy"})) options.propagation = *policy;
    if (auto orphan = base::find_bool(tree, {"orphanDependents"}))
      options.propagation = *orphan ? "Orphan" : "Background";
    options.uid = base::text_at(tree, {"preconditions", "uid"});
    options.resource_version = base::text_at(tree, {"preconditions", "resourceVersion"});
    if (auto dry = base::find(tree, {"dryRun"});
        dry && dry->is_array() && !dry->get_array().empty())
      options.dry_run = parse_dry_run(
          {std::string(base::to_text(dry->get_array().front()) == "\"All\"" ? "All" : "?")});
  }
  static constexpr std::string_view policies[] = {"", "Background", "Foreground", "Orphan"};
  if (std::ranges::find(policies, options.propagation) == std::end(policies))
    throw bad_request(
        base::cat("propagationPolicy: Unsupported value: \"", options.propagation,
                  "\": supported values: \"Background\", \"Foreground\", \"Orphan\""));
  if (options.grace_seconds && *options.grace_seconds < 0) options.grace_seconds = 1;
  return options;
}

}  // namespace apiserver
