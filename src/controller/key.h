// The name of the thing a reconciler looks at.
#pragma once

#include <compare>
#include <string>

#include "base/json.h"

namespace controller {

struct Key {
  std::string ns, name;
  auto operator<=>(const Key&) const = default;
  std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

inline Key key_of(const base::Json& object) {
  return {base::text_at(object, {"metadata", "namespace"}),
          base::text_at(object, {"metadata", "name"})};
}

}  // namespace controller
