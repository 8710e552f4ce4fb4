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

// Error(invalid) when there is no such number, or one beyond those that all readers of JSON know
// (RFC 8259 §6): the next one is a number, too.
inline std::int64_t int_at(const base::Json& object, std::string_view member) {
  auto number = base::find_int(object, {member});
  if (!number)
    throw base::Error(base::Code::invalid, base::cat("it has no number \"", member, "\""));
  constexpr std::int64_t largest = (std::int64_t{1} << 53) - 1;
  if (*number < -largest || *number > largest)
    throw base::Error(base::Code::invalid,
                      base::cat("its \"", member, "\" is ", *number, ", which nothing can count"));
  return *number;
}

}  // namespace journal
