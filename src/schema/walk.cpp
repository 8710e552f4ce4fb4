#include "schema/walk.h"

#include <algorithm>

#include "base/text.h"

namespace schema {

using base::Json;

std::string Path::str() const {
  constexpr std::size_t name_bytes_max = 256;  // whoever writes the tree chooses the names, too
  std::string out = up ? up->str() : std::string();
  if (index != none) return out + base::cat("[", index, "]");
  if (!key.data()) return out;
  const std::string_view name = base::clip(key, name_bytes_max);
  auto word = [](char c) { return c != '.' && c != '/' && c != '[' && c != ']' && c != ' '; };
  if (!up || std::ranges::all_of(name, word)) {
    if (!out.empty() && !name.empty()) out += '.';
    return out + std::string(name);
  }
  return out + base::cat("[", name, "]");
}

const Field* find_field(const Struct& s, std::string_view name, std::size_t& hint) {
  const std::size_t n = s.fields.size();
  for (std::size_t i = 0; i < n; ++i) {
    const Field& field = s.fields.begin()[hint];
    hint = hint + 1 == n ? 0 : hint + 1;
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool is_type_meta(const Struct& s, std::string_view key) {
  return s.kind && (key == "apiVersion" || key == "kind");
}

const Type& bare(const Type& type) {
  return type.form == Form::optional ? bare(*type.element) : type;
}

Json to_json(const Default& value) {
  switch (value.kind) {
    case Default::text: return Json(boost::json::string_view(value.string));
    case Default::integer: return value.number;
    case Default::boolean: return value.number != 0;
    default: return nullptr;
  }
}

bool is_default(const Type& type, const Rule& rule, const Json& json) {
  if (json.is_null()) return true;
  if (rule.value.kind != Default::none) return json == to_json(rule.value);
  const Type& t = bare(type);
  switch (t.form) {
    case Form::integer:
    case Form::number: return json.is_number() && json.to_number<double>() == 0;
    case Form::boolean: return json.is_bool() && !json.get_bool();
    case Form::enumeration: return json.is_string() && json.get_string() == t.names.front();
    case Form::list: return json.is_array() && json.get_array().empty();
    case Form::map:
    case Form::json:
    case Form::json_object: return json.is_object() && json.get_object().empty();
    case Form::object: {
      if (!json.is_object()) return false;
      std::size_t hint = 0;
      return std::ranges::all_of(json.get_object(), [&](const auto& member) {
        const Field* field = find_field(*t.object, member.key(), hint);
        return !field || is_default(*field->type, field->rule, member.value());
      });
    }
    default: return json.is_string() && json.get_string().empty();
  }
}

}  // namespace schema
