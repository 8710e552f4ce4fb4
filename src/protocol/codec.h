// Text ↔ the types of this folder. Readers ignore members that they do not know; a wrong type is
// Error(invalid) with every place.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "schema/schema.h"

namespace protocol {

template <class T>
std::string to_text(const T& value) {
  return base::to_text(schema::encode(value));
}

template <class T>
T from_text(std::string_view text) {
  T value;
  const base::Issues issues =
      schema::decode(value, base::parse_json(text), schema::Unknown::ignore);
  if (!issues.empty()) throw base::Error(base::Code::invalid, base::format(issues));
  return value;
}

}  // namespace protocol
