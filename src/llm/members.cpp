#include "llm/members.h"

#include <algorithm>

#include "base/text.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonObject;

bool is_event_stream(std::string_view content_type) {
  return base::lower(content_type).starts_with("text/event-stream");
}

const Json* member(const JsonObject& object, std::string_view name) {
  const Json* found = object.if_contains(name);
  return found && !found->is_null() ? found : nullptr;
}

std::string text_of(const JsonObject& object, std::string_view name) {
  const Json* found = member(object, name);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::int64_t count_of(const Json& usage, std::string_view name) {
  constexpr std::int64_t tokens_max = 1'000'000'000'000;
  return std::clamp<std::int64_t>(base::find_int(usage, {name}).value_or(0), 0, tokens_max);
}

void append_whole(std::string& whole, std::string_view piece) {
  constexpr std::size_t bytes_max = 32 * 1024 * 1024;
  whole += piece;
  if (whole.size() > bytes_max)
    throw base::Error(base::Code::invalid, cat("the answer is longer than ", bytes_max, " bytes"));
}

Json parse_whole(std::string_view whole) {
  try {
    return base::parse_json(whole);
  } catch (const base::Error&) {
    throw base::Error(
        base::Code::invalid,
        cat("the answer is not JSON: ", base::repair_utf8(base::clip(base::trim(whole), 200))));
  }
}

std::optional<ProviderError> find_reported_error(const Json& answer) {
  const Json* error = base::find(answer, {"error"});
  if (!error || error->is_null()) return {};
  const std::string why = error->is_object()   ? text_of(error->get_object(), "message")
                          : error->is_string() ? std::string(error->get_string())
                                               : base::to_text(*error);
  return ProviderError(cat("the provider reported an error: ", why), answer);
}

void throw_reported_error(const Json& answer) {
  if (!answer.is_object())
    throw base::Error(base::Code::invalid, "the provider's answer is no JSON object");
  if (auto error = find_reported_error(answer)) throw ProviderError(*error);
}

}  // namespace llm
