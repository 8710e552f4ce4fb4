#include "llm/failure.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/text.h"

namespace llm {

using base::cat;

namespace {

struct Words {
  std::string message, code;
};

// OpenAI {"error": {"message", "code"}}, Anthropic {"error": {"message", "type"}}, Ollama {"error":
// "text"}, vLLM {"message"}, FastAPI {"detail"}; else the text itself.
Words read_words(std::string_view body) {
  Words words;
  try {
    const base::Json json = base::parse_json(body);
    words.message = base::text_at(json, {"error", "message"});
    for (auto path : {"error", "message", "detail"})
      if (words.message.empty()) words.message = base::text_at(json, {path});
    words.code = base::text_at(json, {"error", "code"});
    if (words.code.empty()) words.code = base::text_at(json, {"error", "type"});
  } catch (const base::Error&) {
    words.message = base::repair_utf8(base::clip(base::trim(body), 300));
  }
  if (words.message.empty()) words.message = "no explanation";
  words.message = std::string(base::clip(words.message, 1000));
  return words;
}

bool is_context_length(const Words& words) {
  if (words.code == "context_length_exceeded" || words.code == "request_too_large") return true;
  const std::string text = base::lower(words.message);
  for (auto hint :
       {"maximum context length", "context length", "context window", "prompt is too long",
        "exceeds the available context", "exceed context limit", "context size"})
    if (text.find(hint) != std::string::npos) return true;
  return false;
}

bool is_unpaid(int status, const Words& words) {
  return status == 402 || (status == 429 && words.code == "insufficient_quota") ||
         (status == 400 && words.message.find("credit balance is too low") != std::string::npos);
}

std::optional<base::Time> parse_http_date(std::string_view text) {
  // RFC 9110 §5.6.7, the one form that may be sent: "Sun, 06 Nov 1994 08:49:37 GMT".
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || !text.ends_with(" GMT") || text[3] != ',') return {};
  auto number = [&](std::size_t at, std::size_t size) {
    return base::parse_int(text.substr(at, size));
  };
  std::string month;
  for (std::size_t i = 0; i < months.size(); ++i)
    if (months[i] == text.substr(8, 3)) month = cat(i < 9 ? "0" : "", i + 1);
  if (month.empty() || !number(5, 2) || !number(12, 4)) return {};
  const auto time = base::parse_time(
      cat(text.substr(12, 4), "-", month, "-", text.substr(5, 2), "T", text.substr(17, 8), "Z"));
  if (!time) return {};
  return std::chrono::time_point_cast<base::Duration>(*time);
}

}  // namespace

std::optional<base::Duration> parse_retry_after(std::string_view value, base::Time now) {
  value = base::trim(value);
  constexpr std::int64_t most = 365LL * 24 * 3600;
  if (auto seconds = base::parse_int(value)) {
    if (*seconds < 0) return {};
    return std::chrono::seconds(std::min(*seconds, most));
  }
  const auto date = parse_http_date(value);
  if (!date) return {};
  return std::max(base::Duration(0), *date - now);
}

Refusal explain_refusal(std::string_view provider, int status, std::string_view body,
                        std::string_view retry_after, base::Time now) {
  const Words words = read_words(body);
  const std::string said = cat(provider, " answered ", status, ": ", words.message);
  Refusal out;
  out.after = parse_retry_after(retry_after, now);
  auto& [code, message] = out.failure;
  if (status == 401 || status == 403) {
    code = "provider_unauthorized";
    message = cat(said, ". Check the key in the Secret that spec.model.authSecretRef names",
                  status == 403 ? " and what it may use" : "");
  } else if ((status == 400 || status == 413 || status == 422) && is_context_length(words)) {
    code = "context_length";
    message = cat(said, ". The conversation is longer than this model takes");
  } else if (is_unpaid(status, words)) {
    code = "rate_limited";
    message = cat(said, ". The account has no quota left: look at its billing");
  } else if (status == 404) {
    code = "invalid_request";
    message = cat(said, ". Check spec.model.model and spec.model.baseURL");
  } else if (status == 429) {
    code = "rate_limited";
    message = cat(said,
                  ". The provider limits this key's rate; run fewer agents at once with it, or ask "
                  "for a higher limit");
    out.again = Again::yes;
  } else if (status == 408 || status == 409 || status == 425 || status >= 500) {
    code = "provider_unavailable";
    message = cat(said, ". The fault is the provider's; try again later");
    out.again = Again::yes;
  } else if (status >= 300 && status < 400) {
    code = "invalid_request";
    message =
        cat(said, ". Redirects are not followed: set spec.model.baseURL to the final address");
  } else {
    code = "invalid_request";
    message = said;
  }
  return out;
}

}  // namespace llm
