#include "kube/status.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace kube {

namespace {

using base::Code;

constexpr std::array<std::pair<std::string_view, Code>, 17> reasons{{
    {"NotFound", Code::not_found},
    {"AlreadyExists", Code::exists},
    {"Conflict", Code::conflict},
    {"Gone", Code::gone},
    {"Expired", Code::gone},
    {"Invalid", Code::invalid},
    {"BadRequest", Code::invalid},
    {"MethodNotAllowed", Code::invalid},
    {"NotAcceptable", Code::invalid},
    {"UnsupportedMediaType", Code::invalid},
    {"RequestEntityTooLarge", Code::invalid},
    {"Unauthorized", Code::denied},
    {"Forbidden", Code::denied},
    {"Timeout", Code::timeout},
    {"ServerTimeout", Code::unavailable},
    {"TooManyRequests", Code::unavailable},
    {"ServiceUnavailable", Code::unavailable},
}};

Code code_of(std::string_view reason, int http_status) {
  for (const auto& [known, code] : reasons)
    if (reason == known) return code;
  switch (http_status) {
    case 401:
    case 403: return Code::denied;
    case 404: return Code::not_found;
    case 408:
    case 504: return Code::timeout;
    case 409: return Code::conflict;
    case 410: return Code::gone;
    default:
      return http_status >= 400 && http_status < 500 && http_status != 429 ? Code::invalid
                                                                           : Code::unavailable;
  }
}

StatusError make(std::string_view doing, const base::Json& status, int http_status,
                 std::string message, std::optional<std::int64_t> seconds) {
  const std::string reason = base::text_at(status, {"reason"});
  if (auto given = base::find_int(status, {"details", "retryAfterSeconds"}); given && *given > 0)
    seconds = given;
  std::optional<base::Duration> retry_after;
  if (seconds) retry_after = std::chrono::seconds(*seconds);
  const Code code = code_of(reason, http_status);
  return {code, base::cat(doing, ": ", base::name(code), ": ", message), http_status, reason,
          retry_after};
}

}  // namespace

StatusError make_status_error(std::string_view doing, int http_status, std::string_view body,
                              std::string_view retry_after_header) {
  base::Json status;
  try {
    status = base::parse_json(body);
  } catch (const base::Error&) {  // a proxy's page, or nothing
    status = nullptr;
  }
  std::string message = base::text_at(status, {"message"});
  if (message.empty())
    message = base::cat("HTTP ", http_status, " ", base::clip(base::trim(body), 200));
  return make(doing, status, http_status, std::move(message), base::parse_int(retry_after_header));
}

base::Duration retry_after_of(const base::Error& error) {
  const auto* status = dynamic_cast<const StatusError*>(&error);
  return status ? status->retry_after().value_or(base::Duration(0)) : base::Duration(0);
}

StatusError make_status_error(std::string_view doing, const base::Json& status) {
  const int code = static_cast<int>(base::find_int(status, {"code"}).value_or(500));
  return make(doing, status, code, base::text_at(status, {"message"}), {});
}

}  // namespace kube
