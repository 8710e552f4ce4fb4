#include "cli/story.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "journal/recall.h"
#include "llm/passthrough.h"

namespace cli {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;
using journal::Event;
using journal::Kind;

namespace {

constexpr std::string_view erased = "(erased)";

// The text of a message's content: a string, or the text parts of a list.
std::string content_text(const Json* content) {
  if (!content) return {};
  if (content->is_string()) return std::string(content->get_string());
  if (!content->is_array()) return {};
  std::string out;
  for (const Json& part : content->get_array()) {
    const std::string text = text_at(part, {"text"});
    const std::string type = text_at(part, {"type"});
    if (!out.empty()) out += '\n';
    out += text.empty() && !type.empty() ? cat("(", type, ")") : text;
  }
  return out;
}

std::optional<Json> find_json(const std::string& text) {
  try {
    return base::parse_json(text);
  } catch (const base::Error&) {
    return {};
  }
}

SaidMessage message_of(const std::string& bytes) {
  const auto json = find_json(bytes);
  if (!json) return {"", bytes};
  return {text_at(*json, {"role"}), content_text(base::find(*json, {"content"}))};
}

class Teller {
 public:
  explicit Teller(const journal::ExportedRun& run) : run_(run) {
    for (const auto& blob : run.blobs) blobs_[blob.sha256] = &blob.bytes;
    for (const auto& event : run.events)
      has_calls_ |= !event.body.empty() && journal::unfold(event).kind == Kind::tool_intent;
  }

  Story tell() {
    for (const Event& written : run_.events) {
      story_.steps.push_back({.seq = written.seq, .at = written.at, .fence = written.fence});
      StoryStep& step = story_.steps.back();
      step.type = type_of(written.kind);
      if (written.body.empty()) {
        step.text = erased;
        continue;
      }
      const Event event = journal::unfold(written);
      step.type = type_of(event.kind);
      if (written.kind == Kind::recalled)
        step.recalled_from = journal::read<journal::Recalled>(written).from;
      step.subject = journal::subject_of(event);
      add(event, step);
    }
    settle();
    for (auto& [number, turn] : turns_) story_.turns.push_back(std::move(turn));
    for (auto& [name, call] : calls_) story_.calls.push_back(std::move(call));
    return std::move(story_);
  }

 private:
  static StoryStep::Type type_of(Kind kind) {
    switch (kind) {
      case Kind::run_begun: return StoryStep::Type::begun;
      case Kind::execution_begun: return StoryStep::Type::execution;
      case Kind::model_intent: return StoryStep::Type::request;
      case Kind::model_outcome: return StoryStep::Type::answer;
      case Kind::tool_intent: return StoryStep::Type::tool;
      case Kind::tool_outcome: return StoryStep::Type::result;
      case Kind::recalled: return StoryStep::Type::request;  // erased: of which kind, nobody knows
      case Kind::diverged: return StoryStep::Type::diverged;
      case Kind::run_outcome: return StoryStep::Type::end;
    }
    return StoryStep::Type::begun;
  }

  std::string blob(const std::string& name) const {
    const auto at = blobs_.find(name);
    return at == blobs_.end() ? std::string(erased) : *at->second;
  }

  void add(const Event& event, StoryStep& step) {
    switch (event.kind) {
      case Kind::run_begun: {
        const auto begun = journal::read<journal::RunBegun>(event);
        story_.uid = event.run;
        story_.ns = begun.ns;
        story_.name = begun.name;
        story_.policy = begun.policyHash;
        if (!begun.forkOf.empty())
          step.text = cat("a fork of ", begun.forkOf, " behind step ", begun.forkStep);
        break;
      }
      case Kind::execution_begun: {
        const auto begun = journal::read<journal::ExecutionBegun>(event);
        step.agent = begun.agent;
        step.pod = begun.podUid;
        break;
      }
      case Kind::model_intent: add_request(journal::read<journal::ModelIntent>(event), step); break;
      case Kind::model_outcome:
        add_answer(journal::read<journal::ModelOutcome>(event), step);
        break;
      case Kind::tool_intent: add_tool(journal::read<journal::ToolIntent>(event), step); break;
      case Kind::tool_outcome: add_result(journal::read<journal::ToolOutcome>(event), step); break;
      case Kind::recalled: break;  // unfolded
      case Kind::diverged: {
        const auto diverged = journal::read<journal::Diverged>(event);
        step.text = cat("run again, the agent asks in call ", diverged.turn,
                        " something else than in its recorded call ", diverged.recorded,
                        "; they first differ at ",
                        diverged.pointer.empty() ? "the endpoint" : diverged.pointer);
        break;
      }
      case Kind::run_outcome: {
        const auto outcome = journal::read<journal::RunOutcome>(event);
        step.failed = outcome.status != protocol::RunStatus::success;
        if (!outcome.text.empty()) step.text = blob(outcome.text);
        step.why = outcome.error;
        story_.succeeded = !step.failed;
        break;
      }
    }
  }

  void add_request(const journal::ModelIntent& intent, StoryStep& step) {
    if (step.recalled_from.empty()) ++story_.model_calls;
    step.parameters = intent.parameters;
    JsonArray messages;
    for (const auto& name : intent.appended) {
      const std::string bytes = blob(name);
      messages.push_back(find_json(bytes).value_or(Json(bytes)));
      const bool told = !told_.insert(name).second;
      SaidMessage said = message_of(bytes);
      // Tool results and answers are steps of their own, where they were recorded as such.
      if (told || (has_calls_ && said.role == "tool") || said.role == "assistant") continue;
      step.messages.push_back(std::move(said));
    }
    StoryTurn& turn = turns_[intent.turn];
    turn.number = intent.turn;
    JsonObject request{{"parameters", intent.parameters}, {"messages", std::move(messages)}};
    if (!intent.tools.empty()) {
      const std::string bytes = blob(intent.tools);
      request["tools"] = find_json(bytes).value_or(Json(bytes));
    }
    if (!intent.given.empty()) {
      const std::string bytes = blob(intent.given);
      request["given"] = find_json(bytes).value_or(Json(bytes));
    }
    turn.request = std::move(request);
    endpoints_[intent.turn] = intent.endpoint;
  }

  // What a foreign agent's client was answered, in its API's own words.
  std::string said_in(std::int64_t turn, const std::string& content_type,
                      const std::string& bytes) const {
    const auto path = endpoints_.find(turn);
    const auto endpoint =
        path == endpoints_.end() ? std::nullopt : llm::find_endpoint(path->second);
    if (!endpoint) return bytes;
    llm::Passthrough reader(*endpoint, content_type);
    reader.add(bytes);
    reader.finish();
    return reader.text();
  }

  void add_answer(const journal::ModelOutcome& outcome, StoryStep& step) {
    step.input_tokens = outcome.usage.inputTokens;
    step.output_tokens = outcome.usage.outputTokens;
    step.finish = schema::name(outcome.finish);
    if (step.recalled_from.empty()) {
      story_.input_tokens += step.input_tokens;
      story_.output_tokens += step.output_tokens;
    } else {
      ++story_.recalled;
    }
    StoryTurn& turn = turns_[outcome.turn];
    turn.number = outcome.turn;
    turn.input_tokens = step.input_tokens;
    turn.output_tokens = step.output_tokens;
    if (outcome.error) {
      step.failed = true;
      step.finish.clear();
      step.why = cat(outcome.error->code, ": ", outcome.error->message);
      turn.answer = step.why;
      return;
    }
    turn.answer = blob(outcome.message);
    if (!outcome.contentType.empty()) {
      step.finish.clear();
      step.text =
          turn.answer == erased ? erased : said_in(outcome.turn, outcome.contentType, turn.answer);
      return;
    }
    step.text = message_of(turn.answer).text;
    if (turn.answer == erased) step.text = erased;
    const auto message = find_json(turn.answer);
    const Json* calls = message ? base::find(*message, {"toolCalls"}) : nullptr;
    if (!calls || !calls->is_array()) return;
    for (std::size_t i = 0; i < calls->get_array().size(); ++i) {
      const Json& asked = calls->get_array()[i];
      step.calls.push_back(text_at(asked, {"name"}));
      asked_[cat(outcome.turn, ".", i)] = text_at(asked, {"arguments"});
    }
  }

  void add_tool(const journal::ToolIntent& intent, StoryStep& step) {
    step.tool = intent.tool;
    step.arguments = asked_[intent.call];
    step.allowed = intent.decision == protocol::Verdict::allow;
    step.why = intent.reason;
    StoryCall& call = calls_[place_of(intent.call)];
    if (step.allowed && call.call.empty() && step.recalled_from.empty()) ++story_.tool_calls;
    call = {.call = intent.call,
            .tool = intent.tool,
            .arguments = step.arguments,
            .result = {},
            .why = step.allowed ? "" : intent.reason};
  }

  void add_result(const journal::ToolOutcome& outcome, StoryStep& step) {
    const std::string bytes = blob(outcome.result);
    step.text = bytes;
    if (const auto result = find_json(bytes)) {
      step.text = text_at(*result, {"text"});
      step.failed = base::find_bool(*result, {"failed"}).value_or(false);
    }
    StoryCall& call = calls_[place_of(outcome.call)];
    step.tool = call.tool;
    call.call = outcome.call;
    call.result = step.text;
  }

  // "10.2" behind "9.1".
  static std::pair<std::int64_t, std::int64_t> place_of(const std::string& call) {
    const auto dot = std::min(call.find('.'), call.size());
    return {
        base::parse_int(std::string_view(call).substr(0, dot)).value_or(0),
        base::parse_int(std::string_view(call).substr(std::min(dot + 1, call.size()))).value_or(0)};
  }

  // What came of each request and tool call.
  void settle() {
    const auto& steps = story_.steps;
    const journal::Fence last = steps.empty() ? journal::Fence{} : steps.back().fence;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      StoryStep& step = story_.steps[i];
      const bool request = step.type == StoryStep::Type::request;
      if (!request && !(step.type == StoryStep::Type::tool && step.allowed)) continue;
      const auto outcome = request ? StoryStep::Type::answer : StoryStep::Type::result;
      const auto next = std::find_if(steps.begin() + std::ptrdiff_t(i) + 1, steps.end(),
                                     [&](const StoryStep& later) {
                                       return later.subject == step.subject &&
                                              (later.type == outcome || later.type == step.type);
                                     });
      if (next != steps.end() && next->type == outcome) continue;
      const bool over = next != steps.end() || story_.succeeded || step.fence < last;
      step.fate = over ? StoryStep::Fate::unknown : StoryStep::Fate::under_way;
    }
  }

  const journal::ExportedRun& run_;
  std::map<std::string, const std::string*> blobs_;
  bool has_calls_ = false;
  std::set<std::string> told_;                     // messages
  std::map<std::string, std::string> asked_;       // arguments by call
  std::map<std::int64_t, std::string> endpoints_;  // of a foreign agent's calls
  std::map<std::int64_t, StoryTurn> turns_;
  std::map<std::pair<std::int64_t, std::int64_t>, StoryCall> calls_;
  Story story_;
};

std::string_view name_of(StoryStep::Type type) {
  static constexpr std::string_view names[]{"begun", "execution", "request",  "answer",
                                            "tool",  "result",    "diverged", "end"};
  return names[static_cast<std::size_t>(type)];
}

}  // namespace

Story tell(const journal::ExportedRun& run) { return Teller(run).tell(); }

Json step_json(const StoryStep& step) {
  using Type = StoryStep::Type;
  JsonObject out{{"seq", step.seq},
                 {"time", base::format_time_millis(step.at)},
                 {"attempt", step.fence.attempt},
                 {"execution", step.fence.execution},
                 {"step", name_of(step.type)}};
  const auto put = [&](std::string_view member, const std::string& text) {
    if (!text.empty()) out[member] = text;
  };
  put(step.type == Type::tool || step.type == Type::result ? "call" : "turn", step.subject);
  put("recalledFrom", step.recalled_from);
  put("agent", step.agent);
  put("podUid", step.pod);
  if (!step.parameters.is_null()) out["parameters"] = step.parameters;
  if (!step.messages.empty()) {
    JsonArray messages;
    for (const auto& said : step.messages)
      messages.push_back(JsonObject{{"role", said.role}, {"text", said.text}});
    out["messages"] = std::move(messages);
  }
  put("tool", step.tool);
  put("arguments", step.arguments);
  if (step.type == Type::tool) out["allowed"] = step.allowed;
  put("text", step.text);
  put(step.type == Type::tool ? "reason" : "error", step.why);
  if (step.type == Type::answer) {
    out["inputTokens"] = step.input_tokens;
    out["outputTokens"] = step.output_tokens;
    put("finish", step.finish);
  }
  if (step.failed) out["failed"] = true;
  if (step.fate == StoryStep::Fate::unknown) out["outcome"] = "unknown";
  if (step.fate == StoryStep::Fate::under_way) out["outcome"] = "under way";
  return out;
}

}  // namespace cli
