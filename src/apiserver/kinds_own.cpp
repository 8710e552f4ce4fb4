// The kinds of sympozium.ai, from their field tables.
#include "apiserver/kinds.h"
#include "apiserver/render.h"
#include "base/text.h"
#include "objects/kinds.h"
#include "schema/validate.h"

namespace apiserver {

using base::cat;
using base::Issues;
using base::Json;
using base::JsonArray;

namespace {

constexpr std::string_view unknown_field = "unknown field";

// The issue in the words and with the reasons of Kubernetes' field errors.
base::Issue in_kubernetes_words(const base::Issue& issue) {
  std::string_view text = issue.message;
  if (text == "is required") return {issue.path, "Required value"};
  if (text.starts_with("unsupported value")) return {issue.path, cat("U", text.substr(1))};
  if (text.starts_with("is not supported")) return {issue.path, cat("Forbidden: ", text)};
  if (text.starts_with("is a duplicate")) return {issue.path, cat("Duplicate value: ", text)};
  return {issue.path, cat("Invalid value: ", text)};
}

Issues validate_own(const schema::Struct& table, const Json& object, const Json* before,
                    Part part) {
  auto found = schema::validate(table, object);
  if (before)
    for (auto& issue : schema::validate_update(table, *before, object)) found.push_back(issue);
  Issues issues;
  for (const auto& issue : found) {
    bool in_status = issue.path == "status" || issue.path.starts_with("status.");
    if (issue.message != unknown_field && in_status == (part == Part::status))
      issues.push_back(in_kubernetes_words(issue));
  }
  return issues;
}

// A printer column's path: ".a.b" with steps "list[?(@.key=="text")]". Null where it leads nowhere.
const Json* follow(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (at && !path.empty()) {
    path.remove_prefix(path.starts_with('.') ? 1 : 0);
    auto end = std::min(path.find_first_of(".["), path.size());
    auto step = path.substr(0, end);
    path.remove_prefix(end);
    if (!step.empty()) at = base::find(*at, {step});
    constexpr std::string_view filter = "[?(@.";
    if (!at || !path.starts_with(filter)) continue;
    auto equals = path.find("==\"");
    auto close = path.find("\")]");
    if (equals == std::string_view::npos || close == std::string_view::npos) return nullptr;
    auto key = path.substr(filter.size(), equals - filter.size());
    auto wanted = path.substr(equals + 3, close - equals - 3);
    path.remove_prefix(close + 3);
    const Json* found = nullptr;
    if (auto list = at->if_array())
      for (const auto& element : *list)
        if (base::text_at(element, {key}) == wanted) found = &element;
    at = found;
  }
  return at;
}

JsonArray cells_of(const schema::KindInfo& info, const Json& object, base::Time now) {
  JsonArray cells{Json(base::text_at(object, {"metadata", "name"}))};
  for (const auto& column : info.columns) {
    auto at = follow(object, column.path);
    if (!at || at->is_null()) {
      cells.emplace_back(nullptr);
    } else if (column.type == "date" && at->is_string()) {
      cells.emplace_back(age_cell(at->get_string(), now));
    } else {
      cells.push_back(*at);
    }
  }
  return cells;
}

std::vector<std::string> strings(std::initializer_list<std::string_view> list) {
  return {list.begin(), list.end()};
}

Resource make_own(const schema::KindInfo& info) {
  auto resource =
      make_resource(std::string(info.group), std::string(info.version), std::string(info.plural),
                    std::string(info.kind),
                    info.scope == schema::Scope::namespaced ? Scope::namespaced : Scope::cluster);
  resource.singular = info.singular;
  resource.short_names = strings(info.short_names);
  resource.categories = strings(info.categories);
  resource.has_status = info.status == schema::StatusSubresource::yes;
  if (resource.has_status) resource.subresources = {status_of_kind(resource.kind)};
  resource.counts_generation = true;
  resource.unconditional_update = false;
  resource.custom = true;
  const auto& table = *info.table;
  resource.defaults = [&table](Json& object) { schema::apply_defaults(table, object); };
  resource.prune = [&table](Json& object) { schema::prune(table, object); };
  resource.unknown_fields = [&table](const Json& object) { return unknown_of(table, object); };
  resource.validate = [&table](const Json& object, const Json* before, Part part) {
    return validate_own(table, object, before, part);
  };
  resource.columns = make_columns({"Name"});
  for (const auto& column : info.columns)
    resource.columns.push_back({std::string(column.name), std::string(column.type), "",
                                std::string(column.doc), column.priority});
  resource.cells = [&info](const Json& object, base::Time now) {
    return cells_of(info, object, now);
  };
  return resource;
}

}  // namespace

Issues unknown_of(const schema::Struct& table, const Json& object) {
  Issues issues;
  for (auto& issue : schema::validate(table, object, schema::Unknown::refuse))
    if (issue.message == unknown_field) issues.push_back(std::move(issue));
  return issues;
}

std::vector<Resource> make_own_kinds() {
  std::vector<Resource> kinds;
  for (auto info : objects::own_kinds()) kinds.push_back(make_own(*info));
  return kinds;
}

}  // namespace apiserver
