// Answers that are a Kubernetes `Status`, worded as kube-apiserver words them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace apiserver {

// Which kind of thing an answer is about: "pods", or "agentruns" of "sympozium.ai".
struct Subject {
  std::string group, resource, kind;
  std::string qualified() const { return group.empty() ? resource : resource + "." + group; }
  std::string qualified_kind() const { return group.empty() ? kind : kind + "." + group; }
};

// Thrown below a request handler; the handler writes `body()` with `http()`.
class StatusError : public base::Error {
 public:
  StatusError(int http, std::string reason, std::string message, base::JsonObject details = {});
  int http() const { return http_; }
  const std::string& reason() const { return reason_; }
  base::Json body() const;
  int retry_after_seconds = 0;  // > 0: sent as Retry-After
  std::string next;             // a `continue` token for the rest of a list, if any

 private:
  int http_;
  std::string reason_;
  base::JsonObject details_;
};

StatusError not_found(const Subject&, std::string_view name);
StatusError already_exists(const Subject&, std::string_view name);
// 409 with "Operation cannot be fulfilled on …"; `why` defaults to the lost update text.
StatusError conflict(const Subject&, std::string_view name, std::string_view why = {});
// 422 with one cause per issue. Messages begin as Kubernetes' do ("Required value", "Invalid value:
// …", "Forbidden: …"); one that does not is given "Invalid value: ".
StatusError invalid(const Subject&, std::string_view name, const base::Issues&);
StatusError bad_request(std::string message);
StatusError unauthorized();
StatusError forbidden(const Subject&, std::string_view name, std::string_view why);
StatusError forbidden_path(std::string_view path, std::string_view why);
StatusError method_not_allowed();
StatusError expired(std::string message);
StatusError too_large_version(std::int64_t asked, std::int64_t current);
StatusError unsupported_media_type(const std::vector<std::string>& accepted);
StatusError not_acceptable(const std::vector<std::string>& offered);
StatusError entity_too_large(std::size_t limit);
StatusError internal(std::string_view what);
StatusError unavailable(std::string_view what);

// The answer to a deletion that is complete: status Success with details.
base::Json success(const Subject&, std::string_view name, std::string_view uid);

}  // namespace apiserver
