// YAML as Kubernetes' tools read it (YAML 1.1 with goyaml.v2's plain scalars), made into JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace kube {

struct YamlDocument {
  int line = 1;  // where it begins in the text
  base::Json value;
};

// All documents of a text, empty ones left out. Plain `1`, `0x1f`, `1.5`, `true`, `yes`, `~` become
// numbers, booleans and null; anything quoted is a string. Anchors, aliases and `<<` are followed;
// duplicate keys, keys that are no scalars, and expansions beyond 200,000
// values are refused. Error(invalid) names `source`, line and column: "agent.yaml: line 3, column
// 5: …".
std::vector<YamlDocument> parse_yaml(std::string_view text, std::string_view source);

// A text as YAML, for people: block style, keys in the tree's order, strings quoted where a reader
// would take them for something else.
std::string format_yaml(const base::Json&);

}  // namespace kube
