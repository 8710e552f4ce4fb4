// Small readings that all answers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/answer.h"

namespace llm {

bool is_event_stream(std::string_view content_type);

// Null when it is absent or null.
const base::Json* member(const base::JsonObject&, std::string_view name);
// "" when it is no text.
std::string text_of(const base::JsonObject&, std::string_view name);
// 0 when it is no positive integer. So small that sums of many of them are numbers, too.
std::int64_t count_of(const base::Json& usage, std::string_view name);

// Collects an answer that is not streamed. Error(invalid) when it is longer than 32 MiB.
void append_whole(std::string& whole, std::string_view piece);
// Error(invalid) with its beginning when it is no JSON.
base::Json parse_whole(std::string_view whole);
// What the `error` of an answer or an event says; nothing when it has none.
std::optional<ProviderError> find_reported_error(const base::Json&);
// The same thrown; Error(invalid) when it is no JSON object.
void throw_reported_error(const base::Json&);

}  // namespace llm
