// A request as it comes: the name of its file and what is in it (executor.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace executor {

struct Request {
  std::string target, work_dir, input, call_id;
  std::vector<std::string> argv;
  bool idempotent = false;  // may be run again when nobody saw its end
  base::Duration timeout{};
};

// Nothing when a file of this name is no request.
std::optional<std::string> find_request_id(std::string_view file);
std::optional<std::string> find_claimed_id(std::string_view file);
std::string claimed_file(std::string_view id);
std::string result_file(std::string_view id);

// Error(invalid) says what is wrong.
Request parse_request(const std::string& text, const std::string& shell);

}  // namespace executor
