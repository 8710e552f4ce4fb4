// Kubernetes' Status answers as errors.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace kube {

// What the server said: "creating Job demo/x: conflict: jobs.batch \"x\" already exists".
class StatusError : public base::Error {
 public:
  StatusError(base::Code code, const std::string& what, int http_status, std::string reason,
              std::optional<base::Duration> retry_after)
      : base::Error(code, what),
        http_status_(http_status),
        reason_(std::move(reason)),
        retry_after_(retry_after) {}
  int http_status() const { return http_status_; }
  const std::string& reason() const { return reason_; }  // "AlreadyExists", "Expired", …
  // details.retryAfterSeconds or the Retry-After header: do not ask before.
  std::optional<base::Duration> retry_after() const { return retry_after_; }

 private:
  int http_status_;
  std::string reason_;
  std::optional<base::Duration> retry_after_;
};

// How long the server asked us to wait; 0 when it did not, or when the error is none of its.
base::Duration retry_after_of(const base::Error&);

// The error of an answer with this HTTP status and body (a Status object, or anything a proxy may
// say). Codes follow Status.reason, else the HTTP status.
StatusError make_status_error(std::string_view doing, int http_status, std::string_view body,
                              std::string_view retry_after_header);
// The same for the Status object of a watch's ERROR event.
StatusError make_status_error(std::string_view doing, const base::Json& status);

}  // namespace kube
