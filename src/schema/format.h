// Texts with a form (Format): as a pattern for API servers, as a check of ours, in words.
#pragma once

#include <string_view>

#include "schema/schema.h"

namespace schema {

bool matches(Format, std::string_view text);
std::string_view pattern(Format);   // RE2; "" for none
std::int64_t length_max(Format);    // 0: no limit
std::string_view expected(Format);  // "a duration such as 90s, 10m or 1h30m"

}  // namespace schema
