// Why a provider gave no answer, for people and for the one who may try again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "protocol/gateway.h"

namespace llm {

enum class Again : bool { no, yes };

struct Refusal {
  protocol::Failure failure;
  Again again = Again::no;
  std::optional<base::Duration> after;  // Retry-After, when it was given
};

// Retry-After (RFC 9110 §10.2.3): seconds, or a date; nothing when it is neither.
std::optional<base::Duration> parse_retry_after(std::string_view value, base::Time now);

// A status other than 200. `provider` is named in the message: "openai at https://api.openai.com".
Refusal explain_refusal(std::string_view provider, int status, std::string_view body,
                        std::string_view retry_after, base::Time now);

}  // namespace llm
