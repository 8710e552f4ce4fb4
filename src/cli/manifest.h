// Objects as files hold them, and what is wrong with them before any server is asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/kind.h"

namespace cli {

// One document of a file.
struct Manifest {
  std::string source;  // file, or "standard input"
  int document = 1;    // counted from 1
  int line = 1;        // where it begins
  base::Json object;
  const schema::KindInfo* kind = nullptr;
};

// "agent.yaml, document 2 (line 9): Agent first".
std::string describe(const Manifest&);

// All objects of a text; those of a List one by one. A Secret's stringData is moved into data, as
// servers do. Error(invalid) names file, document, line, field and what would be right, for every
// problem at once.
std::vector<Manifest> parse_manifests(std::string_view text, const std::string& source);

// Whether a text holds anything that says it is a Kubernetes object (apiVersion or kind).
bool holds_objects(std::string_view text, const std::string& source);

// The line of a field ("spec.skills[1].name") in a block-style YAML text, searched from the line
// where its document begins; the line of the deepest part that is found, so at worst `from`.
int line_of_field(std::string_view text, int from, std::string_view path);

}  // namespace cli
