// Label selectors and field selectors (Kubernetes API concepts, "Labels and Selectors").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace apiserver {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Value of a name, null when absent.
const std::string* find_value(const Pairs&, std::string_view name);

struct Requirement {
  enum class Operator : unsigned char {
    equals,
    differs,
    in,
    not_in,
    exists,
    absent,
    greater,
    less
  };
  std::string key;
  Operator op = Operator::exists;
  std::vector<std::string> values;
};

// All requirements must hold; none means everything.
struct LabelSelector {
  std::vector<Requirement> requirements;
  bool matches(const Pairs& labels) const;
};

// What a field selector may name.
struct Selectable {
  std::string name;         // "source"
  std::string path = name;  // of the value in a stored object; "a.b|c": c where there is no a.b
  std::string absent = {};  // the value where there is none
};

struct FieldSelector {
  std::vector<Requirement> requirements;  // equals, differs
  bool matches(const Pairs& fields) const;
  // The value that a field must have, when the selector pins it.
  std::optional<std::string> pinned(std::string_view field) const;
};

// "a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1"; StatusError 400 when it is none.
LabelSelector parse_label_selector(std::string_view);
// "metadata.name=x,status.phase!=Running"; `\,` `\=` `\\` are escapes. StatusError 400.
FieldSelector parse_field_selector(std::string_view);
// {matchLabels, matchExpressions} of an object, as Jobs have it.
LabelSelector label_selector_of(const base::Json&);

}  // namespace apiserver
