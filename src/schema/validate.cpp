#include "schema/validate.h"

#include "base/text.h"
#include "schema/walk.h"

namespace schema {

using base::Json;

void apply_defaults(const Struct& s, Json& json) {
  auto members = json.if_object();
  if (!members) return;
  for (const Field& field : s.fields) {
    auto at = members->if_contains(field.name);
    if (field.rule.value.kind != Default::none &&
        (!at || (at->is_null() && !field.rule.nullable))) {
      (*members)[field.name] = to_json(field.rule.value);
    } else if (at) {
      each_object(*field.type, *at,
                  [](const Struct& inner, Json& value) { apply_defaults(inner, value); });
    }
  }
}

void prune(const Struct& s, Json& json) {
  auto members = json.if_object();
  if (!members) return;
  std::size_t hint = 0;
  for (auto at = members->begin(); at != members->end();) {
    const Field* field = find_field(s, at->key(), hint);
    if (!field && !is_type_meta(s, at->key())) {
      at = members->stable_erase(at);
      continue;
    }
    if (field)
      each_object(*field->type, at->value(),
                  [](const Struct& inner, Json& value) { prune(inner, value); });
    ++at;
  }
}

namespace {

bool is_set(const Json& object, std::string_view path) {
  const Json* at = &object;
  for (const auto& key : base::split(path, '.'))
    if (at) at = base::find(*at, {key});
  return at && !at->is_null();
}

void compare(const Struct& s, const Json& before, const Json& after, const Path& at,
             base::Issues& out) {
  if (!before.is_object() || !after.is_object()) return;
  for (const Field& field : s.fields) {
    auto was = before.get_object().if_contains(field.name);
    auto is = after.get_object().if_contains(field.name);
    if (!was || !is) continue;
    Path here{&at, field.name};
    const std::string_view once = field.rule.immutable_once;
    if (!once.empty() && is_set(before, once) && *was != *is)
      out.push_back({here.str(), "cannot be changed; make a new object"});
    else if (const Type& type = bare(*field.type); type.form == Form::object)
      compare(*type.object, *was, *is, here, out);
  }
}

void warn(const Type& type, const Json& json, const Path& at, base::Issues& out);

void warn(const Struct& s, const Json& json, const Path& at, base::Issues& out) {
  if (!json.is_object()) return;
  std::size_t hint = 0;
  for (const auto& member : json.get_object()) {
    const Field* field = find_field(s, member.key(), hint);
    if (!field) continue;
    Path here{&at, member.key()};
    if (field->rule.use != Use::inert)
      warn(*field->type, member.value(), here, out);
    else if (!is_default(*field->type, field->rule, member.value()))
      out.push_back({here.str(), "has no effect here"});
  }
}

void warn(const Type& type, const Json& json, const Path& at, base::Issues& out) {
  const Type& t = bare(type);
  if (t.form == Form::object) {
    warn(*t.object, json, at, out);
  } else if (t.form == Form::list && json.is_array()) {
    for (std::size_t i = 0; i < json.get_array().size(); ++i)
      warn(*t.element, json.get_array()[i], Path{&at, {}, i}, out);
  } else if (t.form == Form::map && json.is_object()) {
    for (const auto& member : json.get_object())
      warn(*t.element, member.value(), Path{&at, member.key()}, out);
  }
}

}  // namespace

base::Issues validate_update(const Struct& s, const Json& before, const Json& after,
                             std::string_view path) {
  base::Issues out;
  compare(s, before, after, Path{nullptr, path}, out);
  return out;
}

base::Issues warnings(const Struct& s, const Json& json, std::string_view path) {
  base::Issues out;
  warn(s, json, Path{nullptr, path}, out);
  return out;
}

}  // namespace schema
