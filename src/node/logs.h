// Container logs in CRI format, read back as `kubectl logs` wants them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/http.h"

namespace node {

struct LogOptions {
  bool follow = false, previous = false, timestamps = false;
  std::optional<std::int64_t> tail_lines, limit_bytes;
  std::optional<base::MicroTime> since;  // lines stamped earlier are left out
};

// The query of /containerLogs (Kubernetes PodLogOptions). Error(invalid) names the parameter.
LogOptions parse_log_options(const io::Target&, base::Time now);

// CRI lines → what the container wrote. Takes bytes as they come; a line's parts are joined.
class LogDecoder {
 public:
  explicit LogDecoder(const LogOptions& options) : options_(options) {}
  // Plain text of every complete line in `bytes` and what was kept from before.
  std::string add(std::string_view bytes);

 private:
  LogOptions options_;
  std::string begun_;
  bool inside_ = false;  // of a line whose last part was P
  bool shown_ = true;    // that line
};

// The whole of these files, oldest first, by tail, since, timestamps and limit. Absent files are
// empty. Blocks.
std::string read_log(const std::vector<std::string>& files, const LogOptions&);

}  // namespace node
