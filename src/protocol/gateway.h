// What the runner, the bridge and the gateway say to each other. HTTP/1.1 and JSON.
//
// The runner speaks to the bridge on 127.0.0.1 without credentials; the bridge speaks the same
// paths to the gateway and adds `Authorization: Bearer <projected token>`. Both send
// `Sympozium-Protocol: 1`; a gateway serves N and N-1 and answers 426 to others.
//
// clang-format off
//   POST /v1/hello             Hello       → Welcome          an execution of the agent begins
//   POST /v1/turn              Turn        → TurnEvent lines  one model call (application/x-ndjson)
//   POST /v1/tools/decide      ToolCall    → Decision         may this concrete call run?
//   POST /v1/tools/outcome     ToolOutcome → {}               what a call that we ran ourselves gave
//   POST /v1/tools/execute     ToolCall    → ToolResult       bridge only: decide, run in the sidecar, report
//   POST /v1/fetch             ToolCall    → ToolResult       fetch_url, decided and done by the gateway
//   POST /v1/outcome           Outcome     → {}               the run's answer or error; the last word of an execution
//   POST /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages
//                                                             a foreign agent's own client: as OpenAI's and Anthropic's
//                                                             APIs have it, recorded like a turn
//   GET  /v1/models                                           the run's one model, whatever a request names
// clang-format on
//
// Repeating: every request after hello names its call (`turn`, or `call` = "<turn>.<index>"); the
// same request sent again is answered from the journal, or joins the one in flight. Errors: status
// 400 invalid, 401/403 not this run's pod, 409 a newer attempt or execution has begun (stop at
// once), 429/503 try again later (`Retry-After` seconds), body {"error": {"code", "message"}}.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "schema/schema.h"

namespace protocol {

inline constexpr std::string_view header_protocol = "Sympozium-Protocol";
inline constexpr int protocol_version = 1;
// `Sympozium-Execution: <attempt>.<execution>`: the fence; sent with every request after hello.
inline constexpr std::string_view header_execution = "Sympozium-Execution";
// `Sympozium-Call: <n>`, with the answer to a foreign agent's client: the call's number. The bridge
// tells which answers the agent has in `Sympozium-Used: 1,2,5`, once for each, with whatever it
// asks next. The fence of such a request is the bridge's: that of the latest hello that it heard.
inline constexpr std::string_view header_call = "Sympozium-Call";
inline constexpr std::string_view header_used = "Sympozium-Used";
// `Sympozium-Bridge: <hex>`: which start of the bridge speaks. A grant whose answer got lost is
// given again to the same one only: another may follow one that had already begun to execute.
inline constexpr std::string_view header_bridge = "Sympozium-Bridge";

enum class Role : std::uint8_t { system, user, assistant, tool };
enum class Place : std::uint8_t { runner, gateway, sidecar };  // where a tool runs
enum class Verdict : std::uint8_t {
  allow,
  deny,
  done,
  unknown
};  // done: the journal has its result; unknown: it may have run
enum class Finish : std::uint8_t { stop, tool_calls, length, content_filter };
enum class RunStatus : std::uint8_t { success, error };

constexpr schema::Names names(Role) { return {"system", "user", "assistant", "tool"}; }
constexpr schema::Names names(Place) { return {"runner", "gateway", "sidecar"}; }
constexpr schema::Names names(Verdict) { return {"allow", "deny", "done", "unknown"}; }
constexpr schema::Names names(Finish) { return {"stop", "tool_calls", "length", "content_filter"}; }
constexpr schema::Names names(RunStatus) { return {"success", "error"}; }

// A tool call as the model asked for it. `arguments` are the exact bytes of the model, usually a
// JSON object's text.
struct RequestedCall {
  std::string id;  // the provider's id, returned with the result
  std::string name;
  std::string arguments;
  static const schema::Struct table;
};

struct Message {
  Role role = Role::user;
  std::string content;
  std::vector<RequestedCall> toolCalls;  // assistant only
  std::string toolCallId;                // tool only
  static const schema::Struct table;
};

struct ToolDefinition {
  std::string name, description;
  base::Json parameters;  // JSON Schema of the arguments
  static const schema::Struct table;
};

struct Usage {
  std::int64_t inputTokens = 0, outputTokens = 0;
  static const schema::Struct table;
};

// ---- end ----

struct Outcome {
  RunStatus status = RunStatus::success;
  std::string text;   // the answer
  std::string error;  // with status error: for people
  static const schema::Struct table;
};

// ---- hello ----

struct Hello {
  std::string agent;  // "runner/0.1.0", for the log
  static const schema::Struct table;
};

struct OfferedTool {
  std::string name;
  Place place = Place::runner;
  std::vector<std::string> targets;  // sidecar: the packs that take it, default first
  std::string description;           // of a pack's own tool: what the model is told
  base::Json parameters = nullptr;   // of a pack's own tool: JSON Schema of its arguments
  static const schema::Struct table;
};

// A turn that an earlier execution completed, for resumption: what was appended, what came back.
struct PastTurn {
  std::int64_t turn = 0;
  std::int64_t parent = 0;
  std::vector<Message> append;
  Message answer;
  static const schema::Struct table;
};

// What earlier pods of the run changed in their workspaces, which went with them.
struct LostWorkspace {
  std::vector<std::string>
      redo;  // calls of file tools, in the order in which they ended: to be run
             // again before anything else. Empty when this pod has had a grant
  std::vector<std::string> lost;  // calls that may have changed it in other ways: the model is told
  static const schema::Struct table;
};

struct Welcome {
  std::string ns, name, uid;  // the run
  std::int64_t attempt = 1, execution = 1;
  std::string model;
  std::string system, task;
  std::vector<OfferedTool> tools;        // what the run's lists leave
  std::int64_t iterations = 50;          // model turns at most
  std::int64_t contextBytes = 400'000;   // conversation size at which the runner compacts
  std::int64_t resultBytes = 1'048'576;  // of one tool result shown to the model
  std::vector<PastTurn> past;            // in order; empty in a first execution
  LostWorkspace workspace;
  std::int64_t completed = 0;  // model calls of all executions that have their answer
  // Of a fork that has asked nothing of its own yet, and only then: what the user says behind
  // `past`, and the system prompt in place of the one that `past` has ("": none).
  std::optional<std::string> say, newSystem;
  std::optional<Outcome> outcome;  // committed by an earlier execution: there is nothing left to do
  static const schema::Struct table;
};

// ---- turn ----

struct Turn {
  std::int64_t turn = 1;  // 1, 2, …
  std::int64_t parent =
      0;  // the turn that this one continues; 0: none, `append` is the whole conversation
  std::vector<Message> append;        // what follows the parent's answer
  std::vector<ToolDefinition> tools;  // with turn 1 and after a change; else empty: as the parent's
  static const schema::Struct table;
};

struct TurnResult {
  Message message;
  Usage usage;
  Finish finish = Finish::stop;
  static const schema::Struct table;
};

struct Failure {
  std::string code;     // provider_unauthorized provider_unavailable rate_limited invalid_request
                        // context_length unreachable budget internal
  std::string message;  // for people: what, why, what to do
  static const schema::Struct table;
};

// One line of the answer to a turn; exactly one member is set. `result` or `error` is the last
// line.
struct TurnEvent {
  std::optional<std::string> text;  // a delta, best effort
  std::optional<TurnResult> result;
  std::optional<Failure> error;
  static const schema::Struct table;
};

// ---- tools ----

struct ToolCall {
  std::string call;  // "<turn>.<index>"
  std::string tool;
  std::string arguments;  // exact bytes
  static const schema::Struct table;
};

struct ToolResult {
  std::string text;  // what the model reads
  bool failed = false;
  std::optional<std::int64_t> exitCode;
  std::optional<std::int64_t> totalBytes;  // when `text` was cut
  static const schema::Struct table;
};

struct Grant {
  std::string call;
  std::string argumentsSha256;  // hex
  std::string expiresAt;        // RFC 3339
  static const schema::Struct table;
};

// What the sidecar of `target` runs for a call of its pack's own tool.
struct SidecarCommand {
  std::string target;
  std::vector<std::string> argv;
  std::string input;  // standard input
  bool idempotent = false;
  static const schema::Struct table;
};

struct Decision {
  Verdict verdict = Verdict::deny;
  std::string reason;                     // for the model, when denied or unknown
  std::optional<Grant> grant;             // allow
  std::optional<ToolResult> result;       // done
  std::optional<SidecarCommand> command;  // allow, of a pack's own tool
  static const schema::Struct table;
};

struct ToolOutcome {
  std::string call;
  ToolResult result;
  static const schema::Struct table;
};

}  // namespace protocol
