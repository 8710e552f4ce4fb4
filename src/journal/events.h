// What the journal says about a run: one struct per kind of event, with its field table.
// Contents (messages, results, answers) are never in an event, only the SHA-256 of a blob, so that
// a content can be erased and the chain of events still verifies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/gateway.h"
#include "schema/schema.h"

namespace journal {

enum class Kind : std::uint8_t {
  run_begun,
  execution_begun,
  model_intent,
  model_outcome,
  tool_intent,
  tool_outcome,
  run_outcome,
  diverged,
  recalled,
};
constexpr schema::Names names(Kind) {
  return {"run.begun",    "execution.begun", "model.intent", "model.outcome", "tool.intent",
          "tool.outcome", "run.outcome",     "diverged",     "recalled"};
}

// Each body has its kind, its schema version (raised when a field changes its meaning; readers know
// all older ones) and its subject: the turn or call that it is about, "" when it is the whole run.

// Event 0 of every run: who it is and under which rules.
struct RunBegun {
  static constexpr Kind kind = Kind::run_begun;
  static constexpr std::int64_t version = 1;
  std::string ns, name;
  std::string policyHash;  // hex SHA-256 of the resolved policy
  std::int64_t attempt = 1;
  std::string spec;    // blob: the run's spec as JSON; "" of runs that began before it was kept
  std::string forkOf;  // of a fork: the run whose beginning it shares
  std::int64_t forkStep = 0;  // … up to the answer of this turn, and its tool calls
  std::string subject() const { return ""; }
  static const schema::Struct table;
};

// The agent said hello: its attempt and execution are those of the event.
struct ExecutionBegun {
  static constexpr Kind kind = Kind::execution_begun;
  static constexpr std::int64_t version = 1;
  std::string agent;   // "runner/0.1.0"
  std::string podUid;  // the pod that spoke
  std::string subject() const { return ""; }
  static const schema::Struct table;
};

// A model call is about to leave. Nothing is written twice. A turn's request is the parent's
// request, the parent's answer, what is appended and the parameters. A foreign agent's is the
// parent's conversation (its client repeats the answer in its own words), what is appended, and
// the rest of its body.
struct ModelIntent {
  static constexpr Kind kind = Kind::model_intent;
  static constexpr std::int64_t version = 2;
  std::int64_t turn = 1;
  std::int64_t parent = 0;            // the turn that this one continues; 0: none
  std::vector<std::string> appended;  // blobs in order: one protocol::Message each; of a foreign
                                      // agent's call one element of its conversation each
  std::string tools;                  // blob: the tool definitions; "": as the parent's; of a
                                      // foreign agent's call: none
  base::Json parameters = nullptr;    // model, limits and whatever else shapes the answer
  std::string requestHash;            // hex SHA-256 of the bytes that were sent
  std::string endpoint;  // of a foreign agent's call: "/v1/chat/completions" (since version 2)
  std::string request;   // of it: hex SHA-256 of its body in canonical form (RFC 8785)
  std::string given;     // of it: blob of the body without conversation and tools
  std::string gateway;   // that makes the call, among those that share the journal (writers.h)
  std::string subject() const { return std::to_string(turn); }
  static const schema::Struct table;
};

// The complete answer, or why there is none.
struct ModelOutcome {
  static constexpr Kind kind = Kind::model_outcome;
  static constexpr std::int64_t version = 2;
  std::int64_t turn = 1;
  std::string message;      // blob, a protocol::Message; "" with an error
  std::string contentType;  // of a foreign agent's call: `message` is the answer's bytes
  protocol::Usage usage;    // as the provider counts; also of a failed call, when known
  protocol::Finish finish = protocol::Finish::stop;
  std::optional<protocol::Failure> error;
  std::string subject() const { return std::to_string(turn); }
  static const schema::Struct table;
};

// A tool call was decided. With `allow` it is about to run.
struct ToolIntent {
  static constexpr Kind kind = Kind::tool_intent;
  static constexpr std::int64_t version = 1;
  std::string call;  // "<turn>.<index>"
  std::string tool;
  std::string argumentsSha256;  // hex, of the exact bytes
  protocol::Verdict decision = protocol::Verdict::deny;
  std::string reason;  // of a denial, for people
  std::string bridge;  // which start of the bridge was given the grant
  std::string subject() const { return call; }
  static const schema::Struct table;
};

struct ToolOutcome {
  static constexpr Kind kind = Kind::tool_outcome;
  static constexpr std::int64_t version = 1;
  std::string call;
  std::string result;  // blob, a protocol::ToolResult
  std::string subject() const { return call; }
  static const schema::Struct table;
};

// A foreign agent, run again, asked what its record does not hold, while completed calls are left
// that it has not asked for. Written before the call, once in an execution.
struct Diverged {
  static constexpr Kind kind = Kind::diverged;
  static constexpr std::int64_t version = 1;
  std::int64_t turn = 1;      // the new call
  std::int64_t recorded = 0;  // the first completed call that is left
  std::string pointer;        // JSON pointer to their first difference; "": another endpoint
  std::string subject() const { return std::to_string(turn); }
  static const schema::Struct table;
};

// A fork shares a step of another run: what that run's journal says of it, word for word, so that
// the source may be forgotten. Nothing was asked or paid for it here, and no sum counts it. Written
// in one batch with run.begun, in the source's order (recall.h).
struct Recalled {
  static constexpr Kind kind = Kind::recalled;
  static constexpr std::int64_t version = 1;
  std::string from;                  // id of the event: "<run uid>/<seq>"
  Kind ofKind = Kind::model_intent;  // model.intent, model.outcome, tool.intent or tool.outcome
  std::int64_t ofVersion = 1;
  std::string about;  // its subject
  base::Json body = nullptr;
  std::string subject() const { return about; }
  static const schema::Struct table;
};

// The run's last word; there is one at most.
struct RunOutcome {
  static constexpr Kind kind = Kind::run_outcome;
  static constexpr std::int64_t version = 1;
  protocol::RunStatus status = protocol::RunStatus::success;
  std::string text;   // blob: the answer; "" when there is none
  std::string error;  // for people; "" with success
  std::string subject() const { return ""; }
  static const schema::Struct table;
};

}  // namespace journal
