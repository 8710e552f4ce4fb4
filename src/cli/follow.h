// A run as it goes: what its object says, and what its agent writes. Watches and one log stream,
// through the API server; nothing is asked twice unless a connection breaks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/session.h"
#include "protocol/journal_api.h"

namespace cli {

// Where a container's log is to be had.
struct LogSource {
  std::string pod, uid;
  std::int64_t restarts = 0;
  bool terminated = false;  // the log does not grow any more
  bool is_log_of(const LogSource& other) const {
    return uid == other.uid && restarts == other.restarts;
  }
};
// Nothing while the container has not begun.
std::optional<LogSource> find_log(const base::Json& pod, std::string_view container);

// Succeeded, Failed or Skipped: nothing more happens.
bool is_over(const base::Json& run);
// 0 succeeded, 124 ran out of time, else 1.
int exit_code_of(const base::Json& run);
// What a run is waiting for or doing, in one line: "Pending: no node has room"; "" when it is over.
std::string progress_of(const base::Json& run);
// How it ended and what it used, in one line.
std::string summary_of(const base::Json& run);

struct Followed {
  enum class End : unsigned char { over, deleted, left } end = End::left;
  base::Json run;  // as seen last
};

struct FollowSinks {
  std::function<void(const base::Json& run)> run;         // each version
  std::function<void(const std::string& line)> log_line;  // without its line break
  // Answers while they come, best effort; {}: they are not asked for.
  std::function<void(const protocol::ModelDelta&)> delta = {};
};

// Until the run is over and its log has been read (at most two seconds longer), it is deleted, or
// the user leaves. `run` is the object as it was read or made. A container that begins again begins
// its log again; a stream that breaks is taken up behind the lines that were seen.
io::Task<Followed> follow(Session&, base::Json run, std::string container, FollowSinks);

// The pod of a run, as its status names it, else the newest; nothing when it has none.
io::Task<std::optional<base::Json>> find_pod(Session&, base::Json run);

}  // namespace cli
