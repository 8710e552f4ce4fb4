// What the walkers of this folder share.
#pragma once

#include <string>

#include "schema/schema.h"

namespace schema {

// A place in a tree, kept on the stack and written out only when something is wrong there.
struct Path {
  const Path* up = nullptr;
  std::string_view key;
  std::size_t index = static_cast<std::size_t>(-1);

  std::string text() const {
    std::string out = up ? up->text() : std::string();
    if (index != static_cast<std::size_t>(-1)) return out + '[' + std::to_string(index) + ']';
    if (!key.empty()) {
      if (!out.empty()) out += '.';
      out += key;
    }
    return out;
  }
};

// Finds fields by name; starts after the last hit, so that members in the table's order cost one
// comparison each.
class Cursor {
 public:
  explicit Cursor(const Struct& table)
      : fields_(table.fields.begin()), count_(table.fields.size()) {}
  const Field* find(std::string_view name) {
    for (std::size_t i = 0; i < count_; ++i) {
      const Field& field = fields_[next_];
      next_ = next_ + 1 == count_ ? 0 : next_ + 1;
      if (field.name == name) return &field;
    }
    return nullptr;
  }

 private:
  const Field* fields_;
  std::size_t count_, next_ = 0;
};

inline std::ptrdiff_t offset(const Struct& table, const Field& field) {
  return static_cast<const char*>(field.at) - static_cast<const char*>(table.room);
}
inline void* member(const Struct& table, const Field& field, void* object) {
  return static_cast<char*>(object) + offset(table, field);
}
inline const void* member(const Struct& table, const Field& field, const void* object) {
  return static_cast<const char*>(object) + offset(table, field);
}

inline bool is_absent(const base::JsonObject& members, std::string_view name) {
  auto value = members.if_contains(name);
  return !value || value->is_null();
}

inline const Type& strip(const Type& type) {
  return type.form == Form::optional ? *type.element : type;
}

inline std::string_view word(const base::Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "boolean";
    case boost::json::kind::string: return "string";
    case boost::json::kind::object: return "object";
    case boost::json::kind::array: return "array";
    case boost::json::kind::double_: return "number";
    default: return "integer";
  }
}

inline std::string wrong_type(std::string_view wanted, const base::Json& got) {
  return std::string("must be of type ").append(wanted).append(", not ").append(word(got));
}

inline std::string unsupported(std::string_view value, std::span<const std::string_view> names) {
  std::string out = "unsupported value \"" + std::string(value) + "\", use one of:";
  for (std::string_view name : names)
    if (!name.empty()) ((out += " \"") += name) += '"';
  return out;
}

}  // namespace schema
