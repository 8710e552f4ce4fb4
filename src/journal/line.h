// A line of a file of JSON lines, and what is read out of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace journal {

inline std::string line_of(base::JsonObject object) {
  return base::to_text(std::move(object)) + "\n";
}

// Error(invalid) when there is no such number.
inline std::int64_t int_at(const base::Json& object, std::string_view member) {
  auto number = base::find_int(object, {member});
  if (!number)
    throw base::Error(base::Code::invalid, base::cat("it has no number \"", member, "\""));
  return *number;
}

}  // namespace journal
