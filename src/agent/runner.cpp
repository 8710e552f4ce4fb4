#include "agent/runner.h"

#include <algorithm>

#include "agent/builtin_tools.h"
#include "agent/conversation.h"
#include "base/text.h"

namespace agent {

using base::cat;
using protocol::Message;
using protocol::Role;

namespace {

constexpr std::size_t results_kept = 3;  // by a compaction
constexpr std::size_t step_text_bytes = 2048;
constexpr std::size_t lost_call_bytes = 200;  // of its arguments, told to the model

std::string first_line(std::string_view text, std::size_t bytes) {
  auto line = text.substr(0, text.find('\n'));
  std::string out(base::clip(line, bytes));
  if (out.size() < text.size()) out += " …";
  return out;
}

// Why arguments cannot be used, or "".
std::string unusable(const std::string& arguments) {
  try {
    if (base::parse_json(arguments).is_object()) return {};
    return "the arguments must be a JSON object";
  } catch (const base::Error& error) {
    return cat("the arguments are not valid JSON (", error.what(), ")");
  }
}

std::string shown(const protocol::ToolResult& result, std::size_t bytes_max) {
  if (result.text.size() <= bytes_max) return result.text;
  return cat(base::clip(result.text, bytes_max), "\n[cut: ", result.text.size(), " bytes in all]");
}

}  // namespace

// A call of an earlier turn; nothing when there is no such call.
const protocol::RequestedCall* find_call(const std::vector<protocol::PastTurn>& past,
                                         std::string_view call) {
  const auto dot = call.find('.');
  const auto turn = base::parse_int(call.substr(0, dot));
  const auto index = base::parse_int(call.substr(std::min(dot, call.size() - 1) + 1));
  for (const auto& each : past)
    if (const auto& calls = each.answer.toolCalls; each.turn == turn && index && *index >= 0 &&
                                                   static_cast<std::size_t>(*index) < calls.size())
      return &calls[static_cast<std::size_t>(*index)];
  return nullptr;
}

bool was_said(const std::vector<protocol::PastTurn>& past, std::string_view text) {
  return std::ranges::any_of(past, [&](const protocol::PastTurn& turn) {
    return std::ranges::any_of(turn.append,
                               [&](const Message& message) { return message.content == text; });
  });
}

Runner::Runner(io::Loop& loop, base::Clock& clock, BridgeClient& bridge, FileTools files,
               StepSink sink)
    : loop_(loop),
      clock_(clock),
      bridge_(bridge),
      files_(std::move(files)),
      sink_(std::move(sink)) {}

void Runner::note(protocol::Step step) {
  step.time = base::format_time_millis(clock_.now());
  sink_(step);
}

io::Task<> Runner::run() {
  protocol::Hello hello{"sympozium-runner"};
  const protocol::Welcome welcome = co_await bridge_.hello(std::move(hello));
  note({.type = protocol::StepType::start,
        .text = cat(
            "run ", welcome.ns, "/", welcome.name, " with ", welcome.model,
            welcome.past.empty() ? "" : cat(", going on after turn ", welcome.past.back().turn))});
  if (welcome.outcome) {
    note({.type = protocol::StepType::end, .text = "the outcome was committed before"});
    co_return;
  }
  Ended end;
  try {
    end = co_await converse(welcome);
  } catch (const TurnFailed& failed) {
    end = {protocol::RunStatus::error, "", failed.failure.message};
  }
  protocol::Outcome outcome{end.status, end.text, end.error};
  co_await bridge_.finish(std::move(outcome));
  const bool failed = end.status == protocol::RunStatus::error;
  note({.type = protocol::StepType::end, .text = failed ? end.error : "success", .failed = failed});
}

io::Task<Runner::Ended> Runner::converse(const protocol::Welcome& welcome) {
  const auto tools = define_tools(welcome.tools);
  Conversation conversation;
  conversation.restore(welcome.past);
  std::string lost = restore_workspace(welcome);
  const auto tell_lost = [&] {
    if (!lost.empty()) conversation.add({Role::user, std::exchange(lost, ""), {}, {}});
  };
  if (welcome.past.empty()) {
    if (!welcome.system.empty()) conversation.add({Role::system, welcome.system, {}, {}});
    conversation.add({Role::user, welcome.task, {}, {}});
    co_await ask(conversation, tools);
  }
  if (welcome.newSystem) conversation.replace_system(*welcome.newSystem);
  if (welcome.say) {
    if (!conversation.answer().toolCalls.empty()) co_await run_tools(conversation, welcome);
    tell_lost();
    conversation.add({Role::user, *welcome.say, {}, {}});
    co_await ask(conversation, tools);
  }
  while (!conversation.answer().toolCalls.empty()) {
    co_await run_tools(conversation, welcome);
    tell_lost();
    if (conversation.last_turn() >= welcome.iterations)
      co_return Ended{
          protocol::RunStatus::error, conversation.answer().content,
          cat("the model did not come to an end within ", welcome.iterations, " turns")};
    if (conversation.bytes() > static_cast<std::size_t>(welcome.contextBytes) &&
        conversation.compact(results_kept))
      note({.type = protocol::StepType::note,
            .text = "older tool results were removed to save context"});
    co_await ask(conversation, tools);
  }
  co_return Ended{protocol::RunStatus::success, conversation.answer().content, ""};
}

std::string Runner::restore_workspace(const protocol::Welcome& welcome) {
  std::string gone;
  const auto list = [&](std::string_view name, const protocol::RequestedCall& call) {
    gone +=
        cat("\n- call ", name, ": ", call.name, " ", first_line(call.arguments, lost_call_bytes));
  };
  for (const auto& name : welcome.workspace.lost)
    if (const auto* call = find_call(welcome.past, name)) list(name, *call);
  for (const auto& name : welcome.workspace.redo) {
    const auto* call = find_call(welcome.past, name);
    if (!call || !FileTools::knows(call->name)) continue;
    const ToolText done = files_.run(call->name, base::parse_json(call->arguments));
    if (done.failed) list(name, *call);
    note({.type = protocol::StepType::note,
          .call = name,
          .tool = call->name,
          .text = done.failed ? cat("could not be done again: ", done.text)
                              : "done again: this pod's workspace began empty",
          .failed = done.failed});
  }
  if (gone.empty()) return {};
  std::string text = cat(
      welcome.attempt == 1 ? "[This run goes on from a recorded one, and began with an empty"
                             " /workspace."
                           : "[This run's pod was lost, and /workspace with it.",
      " What write_file and edit_file did there was done again; what these calls changed there is "
      "gone:",
      gone, "\nLook at a file before you rely on it, and repeat what is needed.]");
  return was_said(welcome.past, text) ? std::string() : text;
}

// One model turn; a conversation that is too long for the model is made smaller once and asked
// again.
io::Task<protocol::TurnResult> Runner::ask(Conversation& conversation,
                                           const std::vector<protocol::ToolDefinition>& tools) {
  const auto began = clock_.steady();
  protocol::TurnResult result;
  for (bool tried = false;; tried = true) {
    protocol::Turn turn = conversation.next_turn(tools);
    bool too_long = false;
    try {
      result = co_await bridge_.turn(std::move(turn));
    } catch (const TurnFailed& failed) {
      if (failed.failure.code != "context_length" || tried || !conversation.compact(1)) throw;
      too_long = true;
    }
    if (!too_long) break;
    note({.type = protocol::StepType::note,
          .text = "the conversation was too long for the model; older tool results were removed"});
  }
  if (result.finish == protocol::Finish::content_filter)
    throw TurnFailed{{"content_filter", "the provider withheld the answer (content filter)"}};
  conversation.take_answer(conversation.last_turn() + 1, result.message);
  note({.type = protocol::StepType::turn,
        .turn = conversation.last_turn(),
        .text = std::string(base::clip(result.message.content, step_text_bytes)),
        .ms = (clock_.steady() - began).count(),
        .inputTokens = result.usage.inputTokens,
        .outputTokens = result.usage.outputTokens});
  co_return result;
}

// All calls of the last answer, at the same time; their results in the order of the calls.
io::Task<> Runner::run_tools(Conversation& conversation, const protocol::Welcome& welcome) {
  const auto calls = conversation.answer().toolCalls;
  std::vector<Message> results(calls.size());
  io::TaskGroup group(loop_);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto task = run_tool(calls[i], cat(conversation.last_turn(), ".", i), welcome, results[i]);
    group.spawn("tool " + calls[i].name, std::move(task));
  }
  co_await group.join();
  for (auto& result : results) conversation.add(std::move(result));
}

io::Task<> Runner::run_tool(protocol::RequestedCall asked, std::string call,
                            const protocol::Welcome& welcome, Message& out) {
  const auto began = clock_.steady();
  protocol::ToolCall granted{call, asked.name, asked.arguments.empty() ? "{}" : asked.arguments};
  auto offered = std::ranges::find(welcome.tools, asked.name, &protocol::OfferedTool::name);
  protocol::ToolResult result;
  if (std::string why = unusable(granted.arguments); !why.empty()) {
    result = {cat(asked.name, ": ", why), true, {}, {}};
  } else if (offered != welcome.tools.end() && offered->place == protocol::Place::sidecar) {
    result = co_await bridge_.execute(granted);
  } else if (offered != welcome.tools.end() && offered->place == protocol::Place::gateway) {
    result = co_await bridge_.fetch(granted);
  } else {
    result = co_await run_here(granted);
  }
  out = {Role::tool, shown(result, static_cast<std::size_t>(welcome.resultBytes)), {}, asked.id};
  note({.type = protocol::StepType::tool,
        .turn = base::parse_int(std::string_view(call).substr(0, call.find('.'))).value_or(0),
        .call = call,
        .tool = asked.name,
        .text = first_line(granted.arguments, 160),
        .failed = result.failed,
        .ms = (clock_.steady() - began).count()});
}

// File tools, and every name that was not offered: the gateway decides, and denies what is unknown.
io::Task<protocol::ToolResult> Runner::run_here(protocol::ToolCall call) {
  protocol::Decision decision = co_await bridge_.decide(call);
  if (decision.verdict == protocol::Verdict::done && decision.result)
    co_return std::move(*decision.result);
  if (decision.verdict != protocol::Verdict::allow || !FileTools::knows(call.tool))
    co_return protocol::ToolResult{decision.reason.empty()
                                       ? cat("the tool \"", call.tool, "\" is not available")
                                       : decision.reason,
                                   true,
                                   {},
                                   {}};
  ToolText done = files_.run(call.tool, base::parse_json(call.arguments));
  protocol::ToolResult result{std::move(done.text), done.failed, {}, {}};
  protocol::ToolOutcome outcome{call.call, result};
  co_await bridge_.report(std::move(outcome));
  co_return result;
}

}  // namespace agent
