// The agent container's log: one JSON object per line and step, read by `sympozium run` and
// `sympozium logs` through the API server. Unknown types and members are ignored by readers.
#pragma once

#include <cstdint>
#include <string>

#include "schema/schema.h"

namespace protocol {

enum class StepType : std::uint8_t { start, turn, tool, note, end };
constexpr schema::Names names(StepType) { return {"start", "turn", "tool", "note", "end"}; }

struct Step {
  std::string time;  // RFC 3339 with milliseconds
  StepType type = StepType::note;
  std::int64_t turn = 0;  // turn, tool
  std::string call;       // tool: "<turn>.<index>"
  std::string tool;       // tool: its name
  std::string text;  // turn: what the model said (≤ 2 KiB); tool: one line about it; end: status;
                     // note: words
  bool failed = false;
  std::int64_t ms = 0;                             // how long it took
  std::int64_t inputTokens = 0, outputTokens = 0;  // turn
  static const schema::Struct table;
};

}  // namespace protocol
