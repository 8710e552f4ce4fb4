#include "gateway/tool_calls.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/workspace.h"
#include "protocol/codec.h"

namespace gateway {

using base::cat;
using namespace protocol;

namespace {

constexpr auto grant_life = std::chrono::minutes(5);

// Is it word for word a call of a committed answer?
io::Task<bool> was_asked(Session& session, const ToolCall& call) {
  const auto dot = call.call.find('.');
  const auto turn = base::parse_int(std::string_view(call.call).substr(0, dot));
  const auto index = dot == std::string::npos
                         ? std::nullopt
                         : base::parse_int(std::string_view(call.call).substr(dot + 1));
  if (!turn || !index || *index < 0) co_return false;
  if (call.call != cat(*turn, ".", *index)) co_return false;  // one name for one call
  auto answered = co_await session.result(*turn);
  if (!answered || static_cast<std::size_t>(*index) >= answered->message.toolCalls.size())
    co_return false;
  const auto& asked = answered->message.toolCalls[static_cast<std::size_t>(*index)];
  co_return asked.name == call.tool &&
      (asked.arguments.empty() ? "{}" : asked.arguments) == call.arguments;
}

}  // namespace

ToolCalls::ToolCalls(io::Loop& loop, base::Clock& clock, Runs& runs, FetchSettings fetch)
    : loop_(loop), clock_(clock), runs_(runs), fetch_(std::move(fetch)) {}

Decision ToolCalls::granted(const ToolCall& call, const std::string& hash,
                            const policy::DeclaredTool& tool) const {
  Decision out{.verdict = Verdict::allow};
  out.grant = Grant{call.call, hash, base::format_time(clock_.now() + grant_life)};
  if (!tool.own) return out;
  auto [argv, input] = policy::command_of(*tool.own, call.arguments);
  out.command = SidecarCommand{tool.targets.front(), std::move(argv), std::move(input),
                               tool.idempotent || tool.effect == objects::Effect::none};
  return out;
}

io::Task<Decision> ToolCalls::decide(RunPtr run, std::shared_ptr<Session> session, ToolCall call,
                                     Asker asker) {
  auto turn = co_await session->writing.acquire();
  std::function<io::Task<Decision>()> once = [&] { return decide_once(run, session, call, asker); };
  co_return co_await decide_in_time(std::move(once));
}

io::Task<Decision> ToolCalls::decide_once(RunPtr run, std::shared_ptr<Session> session,
                                          ToolCall call, Asker asker) {
  session->check_fence(asker.fence);
  const std::string hash = blob_name(call.arguments);
  const auto declared = policy::declared_tools(runs_.packs_of(*run));
  const auto tool = std::ranges::find(declared, call.tool, &policy::DeclaredTool::name);
  if (auto known = session->record().calls.find(call.call);
      known != session->record().calls.end()) {
    const journal::CallRecord record = known->second;
    if (record.intent.argumentsSha256 != hash || record.intent.tool != call.tool)
      throw base::Error(base::Code::invalid, cat("call ", call.call, " was another one before"));
    if (record.intent.decision != Verdict::allow)
      co_return Decision{Verdict::deny, record.intent.reason, {}, {}};
    if (record.outcome) {
      const std::string text = co_await session->blob(record.outcome->result);
      co_return Decision{.verdict = Verdict::done, .result = from_text<ToolResult>(text)};
    }
    // The answer got lost, on its way or with the gateway that gave it.
    const bool same_asks = record.fence == session->fence() && !asker.bridge.empty() &&
                           record.intent.bridge == asker.bridge;
    if (same_asks && tool != declared.end()) co_return granted(call, hash, *tool);
    if (tool == declared.end() || !may_repeat(*tool, record, session->fence()))
      co_return Decision{Verdict::unknown,
                         "outcome unknown: the agent or its bridge was restarted while this call "
                         "ran; it may have had its effect. Look before you repeat it.",
                         {},
                         {}};
  }
  policy::ToolDecision decided = policy::decide_tool(run->spec.toolPolicy, declared, call.tool);
  const bool asked = co_await was_asked(*session, call);
  if (decided.allowed && !asked)
    decided = {false, cat("call ", call.call, " is not what the model asked for")};
  // Not written down: an agent could fill the journal with it, and use up the names of calls that
  // are still to come.
  if (!asked) co_return Decision{Verdict::deny, decided.reason, {}, {}};
  if (decided.allowed && tool->own) decided = policy::decide_arguments(*tool->own, call.arguments);
  journal::ToolIntent intent{.call = call.call, .tool = call.tool, .argumentsSha256 = hash};
  intent.bridge = std::move(asker.bridge);
  intent.decision = decided.allowed ? Verdict::allow : Verdict::deny;
  intent.reason = decided.reason;
  co_await session->append(std::move(intent), {});
  if (!decided.allowed) co_return Decision{Verdict::deny, decided.reason, {}, {}};
  co_return granted(call, hash, *tool);
}

io::Task<> ToolCalls::record_outcome(std::shared_ptr<Session> session, std::string fence,
                                     ToolOutcome outcome) {
  auto turn = co_await session->writing.acquire();
  std::function<io::Task<>()> once = [&] { return record_once(session, fence, outcome); };
  co_await decide_in_time(std::move(once));
}

io::Task<> ToolCalls::record_once(std::shared_ptr<Session> session, std::string fence,
                                  ToolOutcome outcome) {
  session->check_fence(fence);
  const auto known = session->record().calls.find(outcome.call);
  if (known == session->record().calls.end() || known->second.intent.decision != Verdict::allow)
    throw base::Error(base::Code::invalid, cat("call ", outcome.call, " has no grant"));
  if (known->second.outcome) co_return;
  std::string text = to_text(outcome.result);
  std::string name = blob_name(text);
  std::vector<journal::Batch::Blob> blobs;
  blobs.push_back({name, std::move(text)});
  co_await session->append(journal::ToolOutcome{.call = outcome.call, .result = std::move(name)},
                           std::move(blobs));
}

io::Task<ToolResult> ToolCalls::fetch(RunPtr run, std::shared_ptr<Session> session, ToolCall call,
                                      Asker asker) {
  const std::string fence = asker.fence;
  Decision decision = co_await decide(run, session, call, std::move(asker));
  if (decision.verdict == Verdict::done && decision.result) co_return std::move(*decision.result);
  if (decision.verdict != Verdict::allow) co_return ToolResult{decision.reason, true, {}, {}};
  if (call.tool != "fetch_url")
    throw base::Error(base::Code::invalid, cat("the gateway does not run the tool ", call.tool));
  ToolResult result = co_await fetch_url(loop_, clock_, fetch_, call.arguments);
  ToolOutcome outcome{call.call, result};
  co_await record_outcome(session, fence, std::move(outcome));
  co_return result;
}

}  // namespace gateway
