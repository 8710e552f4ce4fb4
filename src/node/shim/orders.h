// What the node and its shim say to each other over a unix socket: one JSON object per line.
//
// The node orders {"do":"run"|"kill"|"remove", "id":…, …}. The shim answers with records: one after
// the connection for every container that it knows, then {"ready":true}, then one at each change.
// A record is whole: the last one of an id is the truth, so nothing is lost by a restart of the
// node. Exited containers stay known until they are removed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"

namespace node::shim {

struct Run {  // start a container; a known id is left alone
  std::string id;
  std::string bundle;  // directory with config.json
  std::string log;     // file for stdout and stderr in CRI format
};
struct Kill {  // to the first process of the container; fine when it has ended
  std::string id;
  int signal = 15;
};
struct Remove {  // kill what is left, forget it, release its cgroups
  std::string id;
};
using Order = std::variant<Run, Kill, Remove>;

enum class State : unsigned char {
  starting,  // the runtime was launched
  running,
  exited,   // with code or signal
  failed,   // could not be started; message says why
  removed,  // forgotten; the last record of this id
};

struct Record {
  std::string id;
  State state = State::starting;
  int pid = 0;                     // of the first process, while running
  std::int64_t started_at_ms = 0;  // Unix time
  std::int64_t finished_at_ms = 0;
  int exit_code = 0;  // 128 + signal when a signal ended it
  int signal = 0;
  std::string message;  // why it failed, in the runtime's words
  bool operator==(const Record&) const = default;
};

std::string encode(const Order&);  // without the line's end
std::string encode(const Record&);
inline constexpr std::string_view ready_line = R"({"ready":true})";

// Error(invalid) on anything else.
Order decode_order(std::string_view line);
// Nothing for the ready line.
std::optional<Record> decode_record(std::string_view line);

}  // namespace node::shim
