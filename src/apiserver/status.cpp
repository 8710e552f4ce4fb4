#include "apiserver/status.h"

#include <array>

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::JsonObject;

namespace {

base::Code code_of(int http, std::string_view reason) {
  switch (http) {
    case 401:
    case 403: return base::Code::denied;
    case 404: return base::Code::not_found;
    case 409: return reason == "AlreadyExists" ? base::Code::exists : base::Code::conflict;
    case 410: return base::Code::gone;
    case 429:
    case 503: return base::Code::unavailable;
    case 504: return base::Code::timeout;
    case 500: return base::Code::internal;
    default: return base::Code::invalid;
  }
}

JsonObject details_of(const Subject& subject, std::string_view name) {
  JsonObject details;
  if (!name.empty()) details["name"] = name;
  if (!subject.group.empty()) details["group"] = subject.group;
  details["kind"] = subject.resource;
  return details;
}

// The machine-usable reason of a field error, from the words it begins with (apimachinery
// field.Error).
std::string_view cause_reason(std::string_view message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> table{{
      {"Required value", "FieldValueRequired"},
      {"Duplicate value", "FieldValueDuplicate"},
      {"Invalid value", "FieldValueInvalid"},
      {"Unsupported value", "FieldValueNotSupported"},
      {"Forbidden", "FieldValueForbidden"},
      {"Not found", "FieldValueNotFound"},
      {"Too long", "FieldValueTooLong"},
      {"Too many", "FieldValueTooMany"},
      {"Internal error", "InternalError"},
  }};
  for (auto [prefix, reason] : table)
    if (message.starts_with(prefix)) return reason;
  return {};
}

}  // namespace

StatusError::StatusError(int http, std::string reason, std::string message, JsonObject details)
    : base::Error(code_of(http, reason), message),
      http_(http),
      reason_(std::move(reason)),
      details_(std::move(details)) {}

base::Json StatusError::body() const {
  JsonObject metadata;
  if (!next.empty()) metadata["continue"] = next;
  JsonObject body{{"kind", "Status"},
                  {"apiVersion", "v1"},
                  {"metadata", std::move(metadata)},
                  {"status", "Failure"},
                  {"message", what()}};
  if (!reason_.empty()) body["reason"] = reason_;
  auto details = details_;
  if (retry_after_seconds > 0) details["retryAfterSeconds"] = retry_after_seconds;
  if (!details.empty()) body["details"] = std::move(details);
  body["code"] = http_;
  return body;
}

StatusError not_found(const Subject& subject, std::string_view name) {
  return {404, "NotFound", cat(subject.qualified(), " \"", name, "\" not found"),
          details_of(subject, name)};
}

StatusError already_exists(const Subject& subject, std::string_view name) {
  return {409, "AlreadyExists", cat(subject.qualified(), " \"", name, "\" already exists"),
          details_of(subject, name)};
}

StatusError conflict(const Subject& subject, std::string_view name, std::string_view why) {
  if (why.empty())
    why =
        "the object has been modified; please apply your changes to the latest version and try "
        "again";
  return {409, "Conflict",
          cat("Operation cannot be fulfilled on ", subject.qualified(), " \"", name, "\": ", why),
          details_of(subject, name)};
}

StatusError invalid(const Subject& subject, std::string_view name, const base::Issues& issues) {
  base::JsonArray causes;
  std::vector<std::string> lines;
  for (const auto& issue : issues) {
    std::string message = issue.message;
    auto reason = cause_reason(message);
    if (reason.empty()) {
      message = cat("Invalid value: ", message);
      reason = "FieldValueInvalid";
    }
    lines.push_back(cat(issue.path, ": ", message));
    causes.push_back(JsonObject{{"reason", reason}, {"message", message}, {"field", issue.path}});
  }
  JsonObject details;
  if (!name.empty()) details["name"] = name;
  if (!subject.group.empty()) details["group"] = subject.group;
  details["kind"] = subject.kind;
  details["causes"] = std::move(causes);
  std::string text = base::join(lines, ", ");
  if (lines.size() > 1) text = cat("[", text, "]");
  return {422, "Invalid", cat(subject.qualified_kind(), " \"", name, "\" is invalid: ", text),
          std::move(details)};
}

StatusError bad_request(std::string message) { return {400, "BadRequest", std::move(message)}; }

StatusError unauthorized() { return {401, "Unauthorized", "Unauthorized"}; }

StatusError forbidden(const Subject& subject, std::string_view name, std::string_view why) {
  std::string who =
      name.empty() ? subject.qualified() : cat(subject.qualified(), " \"", name, "\"");
  return {403, "Forbidden", cat(who, " is forbidden: ", why), details_of(subject, name)};
}

StatusError forbidden_path(std::string_view path, std::string_view why) {
  return {403, "Forbidden", cat("forbidden: ", why), JsonObject{{"name", path}}};
}

StatusError method_not_allowed() {
  return {405, "MethodNotAllowed",
          "the server does not allow this method on the requested resource"};
}

StatusError expired(std::string message) { return {410, "Expired", std::move(message)}; }

StatusError too_large_version(std::int64_t asked, std::int64_t current) {
  StatusError error(
      504, "Timeout", cat("Too large resource version: ", asked, ", current: ", current),
      JsonObject{
          {"causes", base::JsonArray{JsonObject{{"reason", "ResourceVersionTooLarge"},
                                                {"message", "Too large resource version"}}}}});
  error.retry_after_seconds = 1;
  return error;
}

StatusError unsupported_media_type(const std::vector<std::string>& accepted) {
  return {415, "UnsupportedMediaType",
          cat("the body of the request was in an unknown format - accepted media types include: ",
              base::join(accepted, ", "))};
}

StatusError not_acceptable(const std::vector<std::string>& offered) {
  return {406, "NotAcceptable",
          cat("only the following media types are accepted: ", base::join(offered, ", "))};
}

StatusError entity_too_large(std::size_t limit) {
  return {413, "RequestEntityTooLarge", cat("Request entity too large: limit is ", limit)};
}

StatusError internal(std::string_view what) {
  return {500, "InternalError", cat("Internal error occurred: ", what)};
}

StatusError unavailable(std::string_view what) {
  StatusError error(503, "ServiceUnavailable", std::string(what));
  error.retry_after_seconds = 1;
  return error;
}

base::Json success(const Subject& subject, std::string_view name, std::string_view uid) {
  auto details = details_of(subject, name);
  details["uid"] = uid;
  return JsonObject{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", JsonObject{}},
                    {"status", "Success"},
                    {"details", std::move(details)}};
}

}  // namespace apiserver
