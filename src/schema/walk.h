// What the walkers over tables share; used in this folder only.
#pragma once

#include <string>
#include <string_view>

#include "schema/schema.h"

namespace schema {

// A place in a tree, kept as a chain on the stack and written out only when there is something to
// say.
struct Path {
  const Path* up = nullptr;
  std::string_view key = {};
  std::size_t index = none;
  static constexpr std::size_t none = std::size_t(-1);

  std::string str() const;  // spec.skills[0].params.a; keys that are not words in brackets
};

// The field of that name, looked for from `hint` on: trees mostly follow the table's order.
const Field* find_field(const Struct&, std::string_view name, std::size_t& hint);

// Whether `key` stands in front of a whole object's fields (apiVersion, kind).
bool is_type_meta(const Struct&, std::string_view key);

// The type inside optionals.
const Type& bare(const Type&);

base::Json to_json(const Default&);

// Whether this says no more than leaving the field out would.
bool is_default(const Type&, const Rule&, const base::Json&);

// Calls f(struct, json) for each object that lies directly in a value of this type.
template <class F>
void each_object(const Type& type, base::Json& json, F&& f) {
  const Type& t = bare(type);
  if (t.form == Form::object) {
    f(*t.object, json);
  } else if (t.form == Form::list && json.is_array()) {
    for (auto& element : json.get_array()) each_object(*t.element, element, f);
  } else if (t.form == Form::map && json.is_object()) {
    for (auto& member : json.get_object()) each_object(*t.element, member.value(), f);
  }
}

}  // namespace schema
