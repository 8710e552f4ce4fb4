// JSON trees as YAML text: what Kubernetes' tools read back as the same tree (YAML 1.1 and 1.2).
#pragma once

#include <string>

#include "base/json.h"

namespace schema {

// Block style, two spaces, keys in the tree's order, a line break at the end. Texts are quoted
// where YAML would read them as something else; texts of several lines become | blocks where that
// is exact.
std::string format_yaml(const base::Json&);

}  // namespace schema
