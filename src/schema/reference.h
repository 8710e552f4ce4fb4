// Field tables for people: the reference of a kind, and the list of all its fields.
#pragma once

#include <string>
#include <vector>

#include "schema/kind.h"

namespace schema {

// A field with its place in the whole: "spec.skills[].params{}" is a value of a map in a list.
struct Entry {
  std::string path;
  const Field* field;
};
// Every field below a struct, in the table's order, depth first. What lies below a refused field is
// listed, too.
std::vector<Entry> list_fields(const Struct&);

// "[]string", "map of quantity", "string: delete | keep"
std::string type_name(const Type&);

// The reference page of a kind, in Markdown.
std::string reference(const KindInfo&);

}  // namespace schema
