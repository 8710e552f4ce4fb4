// What went wrong, in a form that code can act on and a person can read.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace base {

// The few answers a caller may want to tell apart. Kubernetes reasons map onto these
// (kube/status.h).
enum class Code : unsigned char {
  not_found,    // the thing named does not exist
  conflict,     // somebody changed it first: look again
  exists,       // a create found the name taken
  invalid,      // the request itself is wrong; repeating it cannot help
  denied,       // not allowed, or not authenticated
  unavailable,  // not now: the other side is down, full or refuses connections
  timeout,      // no answer within the deadline
  gone,         // it was there and is no more (an expired watch position)
  cancelled,    // we stopped on purpose
  internal,     // a fault in our own code or an answer that makes no sense
};

std::string_view name(Code);

// "Cannot go on". Caught by supervisors only: controller worker, HTTP handler, agent turn, main.
class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& what) : std::runtime_error(what), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

// The same error with what we were doing put in front: "applying Job x: conflict: …".
Error within(std::string_view doing, const Error&);

// One thing wrong with an input: where, and what would be right. Path as Kubernetes writes it:
// spec.skills[0].name.
struct Issue {
  std::string path;
  std::string message;
  bool operator==(const Issue&) const = default;
};
using Issues = std::vector<Issue>;

// "spec.a: is required; spec.b: unknown field"
std::string format(const Issues&);

}  // namespace base
