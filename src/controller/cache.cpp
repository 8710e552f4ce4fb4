#include "controller/cache.h"

namespace controller {

bool is_older_revision(std::string_view a, std::string_view b) {
  const auto left = base::parse_int(a), right = base::parse_int(b);
  return left && right && *left < *right;
}

}  // namespace controller
