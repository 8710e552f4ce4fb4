#include "sim/oracle.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "journal/chain.h"
#include "protocol/codec.h"

namespace sim {

using base::cat;
using journal::Kind;
using protocol::Usage;

namespace {

constexpr std::size_t all = 100'000;
constexpr std::string_view unknown = "outcome unknown";

bool is_completed(const Oracle::Call& call) { return call.outcome && !call.outcome->error; }

std::string show(const Usage& usage) { return cat(usage.inputTokens, "+", usage.outputTokens); }

void add(Usage& sum, const Usage& more) {
  sum.inputTokens += more.inputTokens;
  sum.outputTokens += more.outputTokens;
}

bool is_between(const Usage& least, const Usage& usage, const Usage& most) {
  return least.inputTokens <= usage.inputTokens && usage.inputTokens <= most.inputTokens &&
         least.outputTokens <= usage.outputTokens && usage.outputTokens <= most.outputTokens;
}

}  // namespace

Repeats repeats(const std::string& tool) {
  if (tool == "note" || tool == "execute_command") return Repeats::never;
  return tool == "edit_file" ? Repeats::in_a_new_workspace : Repeats::freely;
}

Oracle::Oracle(House& house) : house_(house) {
  house.book.on_commit = [this](const Committed& entry) { look(entry); };
  house.model.on_asked = [this](const Asked& asked, std::size_t number) {
    look_at_request(asked, number);
  };
  house.tools.on_executed = [this](const Executed& executed) { look_at_command(executed); };
}

Oracle::~Oracle() {
  house_.book.on_commit = nullptr;
  house_.model.on_asked = nullptr;
  house_.tools.on_executed = nullptr;
}

void Oracle::expect(bool holds, const std::string& run, std::string_view rule,
                    std::string_view what) {
  if (!holds) breaches_.push_back(cat("run ", run, ": ", rule, ": ", what));
}

Oracle::Call* Oracle::latest(Known& known, std::int64_t turn) {
  for (Call& call : known.calls | std::views::reverse)
    if (call.intent.turn == turn) return &call;
  return nullptr;
}

// ---- while it goes on ----

void Oracle::look(const Committed& entry) {
  Known& known = runs_[entry.run];
  const auto rule = [&](bool holds, std::string_view text) {
    expect(holds, entry.run, text, entry.body);
  };
  rule(entry.fence >= known.fence, "nothing is written by an execution after a later one");
  known.fence = std::max(known.fence, entry.fence);
  switch (entry.kind) {
    case Kind::model_intent: look_at_intent(known, entry); break;
    case Kind::model_outcome: {
      auto outcome = entry.read<journal::ModelOutcome>();
      Call* call = latest(known, outcome.turn);
      rule(call && !call->outcome && call->gateway == entry.gateway,
           "an answer is written once, by the gateway that asked");
      if (call) call->outcome = std::move(outcome);
      break;
    }
    case Kind::tool_intent: {
      auto intent = entry.read<journal::ToolIntent>();
      if (intent.decision != protocol::Verdict::allow) break;
      const Call* call =
          latest(known, base::parse_int(intent.call.substr(0, intent.call.find('.'))).value_or(0));
      rule(call && is_completed(*call), "no grant before its answer is committed");
      rule(!known.done.contains(intent.call), "no grant for a call that has its outcome");
      if (const auto before = known.granted.find(intent.call); before != known.granted.end()) {
        const bool is_new_pod = before->second.fence.attempt < entry.fence.attempt;
        rule(repeats(intent.tool) == Repeats::freely ||
                 (repeats(intent.tool) == Repeats::in_a_new_workspace && is_new_pod),
             "a call that may have had its effect is not granted again");
      }
      known.granted[intent.call] = {intent.tool, entry.fence};
      break;
    }
    case Kind::tool_outcome: {
      auto outcome = entry.read<journal::ToolOutcome>();
      rule(known.granted.contains(outcome.call), "only what was granted has an outcome");
      rule(known.done.emplace(outcome.call, outcome).second, "a call has one outcome");
      break;
    }
    case Kind::run_outcome:
      rule(!known.outcome, "a run has one outcome");
      known.outcome = entry.read<journal::RunOutcome>();
      break;
    case Kind::run_begun:
    case Kind::execution_begun:
    case Kind::recalled:
    case Kind::diverged: break;
  }
}

void Oracle::look_at_intent(Known& known, const Committed& entry) {
  Call call{entry.read<journal::ModelIntent>(), entry.gateway, {}, {}};
  if (const Call* before = latest(known, call.intent.turn)) {
    expect(!is_completed(*before), entry.run, "what is completed is not asked for again",
           entry.body);
    expect(before->outcome || before->gateway != entry.gateway, entry.run,
           "only the death of a gateway makes a model call unknown", entry.body);
  }
  by_hash_[call.intent.requestHash] = {entry.run, call.intent.turn};
  known.calls.push_back(std::move(call));
}

void Oracle::look_at_request(const Asked& asked, std::size_t number) {
  const auto found = by_hash_.find(asked.hash);
  expect(found != by_hash_.end(), "?", "an intent is committed before its call leaves", asked.hash);
  if (found == by_hash_.end()) return;
  const auto& [run, turn] = found->second;
  Call& call = *latest(runs_.at(run), turn);
  expect(!call.outcome, run, "what the journal has an answer to is not asked for again",
         cat("turn ", turn));
  expect(call.gateway == asked.gateway, run, "a gateway asks what it intended itself",
         cat("turn ", turn));
  call.asked.push_back(number);
}

void Oracle::look_at_command(const Executed& executed) {
  Known& known = runs_[executed.run];
  const auto rule = [&](bool holds, std::string_view text) {
    expect(holds, executed.run, text, cat(executed.tool, " ", executed.call));
  };
  const auto granted = known.granted.find(executed.call);
  rule(granted != known.granted.end() && granted->second.tool == executed.tool,
       "a tool runs only with a grant");
  rule(!known.done.contains(executed.call), "a call that has its outcome does not run");
  rule(++known.executed[executed.call] == 1 || repeats(executed.tool) == Repeats::freely,
       "a tool that is not idempotent runs once");
}

// ---- when it is over ----

void Oracle::finish_all() {
  for (const auto& [run, known] : runs_) finish(run);
}

void Oracle::finish(const std::string& run) {
  const auto found = runs_.find(run);
  expect(found != runs_.end(), run, "a run has a record", "none");
  if (found == runs_.end()) return;
  Known& known = found->second;
  expect(known.outcome.has_value(), run, "a run has one outcome", "none");
  known.unknown_told = 0;
  for (const Call& call : known.calls) look_at_results(run, known, call);
  count(run, known);
}

void Oracle::count(const std::string& run, const Known& known) {
  Usage sum;
  for (const Call& call : known.calls) {
    if (!call.outcome) {
      // What was billed for it is the named unknown.
      expect(call.gateway != house_.gateways(), run, "only a dead gateway leaves a call unknown",
             cat("turn ", call.intent.turn));
      continue;
    }
    Usage told, may_know;
    for (const std::size_t number : call.asked) {
      add(told, house_.model.asked()[number].told);
      add(may_know, house_.model.asked()[number].may_know);
    }
    const Usage& counted = call.outcome->usage;
    expect(is_between(told, counted, may_know), run, "the journal counts what was billed and told",
           cat("turn ", call.intent.turn, ": ", show(counted), ", told ", show(told), " to ",
               show(may_know)));
    add(sum, counted);
  }
  const auto state = house_.run(house_.journal().state(run));
  const auto events = house_.run(house_.journal().events(run, -1, all));
  expect(state.has_value(), run, "a run has a record", "none");
  if (!state) return;
  const journal::Sums expected{sum.inputTokens, sum.outputTokens,
                               static_cast<std::int64_t>(known.calls.size()),
                               static_cast<std::int64_t>(known.granted.size())};
  expect(state->sums == expected, run, "the sums are those of the events",
         cat(state->sums.inputTokens, "+", state->sums.outputTokens, ", ", state->sums.modelCalls,
             " calls, ", state->sums.toolCalls, " tools; ", show(sum)));
  const auto fault = journal::find_fault(events, *state);
  expect(!fault, run, "the chain verifies", fault.value_or(""));
}

// The tool results that a turn hands to the model.
void Oracle::look_at_results(const std::string& run, Known& known, const Call& next) {
  if (next.intent.parent == 0 || !next.intent.endpoint.empty() || next.intent.appended.empty())
    return;
  const auto contents = house_.run(house_.journal().blobs(next.intent.appended));
  std::size_t index = 0;
  for (const auto& text : contents) {
    const auto message = protocol::from_text<protocol::Message>(text);
    if (message.role != protocol::Role::tool) continue;
    const std::string call = cat(next.intent.parent, ".", index++);
    const auto granted = known.granted.find(call);
    if (granted == known.granted.end()) continue;  // denied
    const auto done = known.done.find(call);
    if (done == known.done.end()) {
      const bool told = message.content.contains(unknown);
      known.unknown_told += told ? 1 : 0;
      expect(told && repeats(granted->second.tool) != Repeats::freely, run,
             "of a call that may have run the model is told so, and only then",
             cat(call, " ", granted->second.tool, ": ", message.content));
      continue;
    }
    const auto result = house_.run(house_.journal().blobs({done->second.result}));
    expect(protocol::from_text<protocol::ToolResult>(result.front()).text == message.content, run,
           "the model is told what was recorded", cat(call, ": ", message.content));
  }
}

}  // namespace sim
