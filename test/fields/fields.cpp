#include "fields/fields.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "schema/reference.h"

namespace fields {

namespace {

std::set<std::string>& tested() {
  static std::set<std::string> names;
  return names;
}

std::string name_of(const schema::KindInfo& kind, std::string_view path) {
  return base::cat(kind.kind, " ", path);
}

}  // namespace

void note_tested(const schema::KindInfo& kind, std::string_view path) {
  const auto all = schema::list_fields(*kind.table);
  const auto entry = std::ranges::find(all, path, &schema::Entry::path);
  if (entry == all.end())
    ADD_FAILURE() << kind.kind << " has no field " << path;
  else
    EXPECT_EQ(entry->field->rule.use, schema::Use::honoured) << name_of(kind, path);
  tested().insert(name_of(kind, path));
}

bool is_tested(const schema::KindInfo& kind, std::string_view path) {
  return tested().contains(name_of(kind, path));
}

base::Json& place_of(base::Json& object, std::string_view path) {
  constexpr std::string_view first = "[]";
  base::Json* at = &object;
  for (const std::string& step : base::split(path, '.')) {
    const bool is_list = step.ends_with(first);
    const std::string key = is_list ? step.substr(0, step.size() - first.size()) : step;
    at = &base::ensure(*at, {key});
    if (!is_list) continue;
    if (!at->is_array()) at->emplace_array();
    if (at->get_array().empty()) at->get_array().emplace_back(base::JsonObject{});
    at = &at->get_array().front();
  }
  return *at;
}

}  // namespace fields
