#include "base/error.h"

namespace base {

std::string_view name(Code code) {
  switch (code) {
    case Code::not_found: return "not_found";
    case Code::conflict: return "conflict";
    case Code::exists: return "exists";
    case Code::invalid: return "invalid";
    case Code::denied: return "denied";
    case Code::unavailable: return "unavailable";
    case Code::timeout: return "timeout";
    case Code::gone: return "gone";
    case Code::cancelled: return "cancelled";
    case Code::internal: return "internal";
  }
  return "internal";
}

Error within(std::string_view doing, const Error& error) {
  return Error(error.code(), std::string(doing) + ": " + error.what());
}

std::string format(const Issues& issues) {
  std::string out;
  for (const Issue& issue : issues) {
    if (!out.empty()) out += "; ";
    if (!issue.path.empty()) out += issue.path + ": ";
    out += issue.message;
  }
  return out;
}

}  // namespace base
