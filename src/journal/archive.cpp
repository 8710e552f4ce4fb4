#include "journal/archive.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "io/crypto.h"
#include "journal/chain.h"
#include "journal/recall.h"

namespace journal {

using base::cat;
using base::Code;
using base::Error;

namespace {

// What a visitor says to the body of an event.
template <class Visitor>
auto visit(const Event& event, Visitor visitor) {
  switch (event.kind) {
    case Kind::run_begun: return visitor(read<RunBegun>(event));
    case Kind::execution_begun: return visitor(read<ExecutionBegun>(event));
    case Kind::model_intent: return visitor(read<ModelIntent>(event));
    case Kind::model_outcome: return visitor(read<ModelOutcome>(event));
    case Kind::tool_intent: return visitor(read<ToolIntent>(event));
    case Kind::tool_outcome: return visitor(read<ToolOutcome>(event));
    case Kind::diverged: return visitor(read<Diverged>(event));
    case Kind::recalled: return visitor(read<Recalled>(event));
    case Kind::run_outcome: return visitor(read<RunOutcome>(event));
  }
  throw Error(Code::internal, cat("event ", event.id(), " is of no known kind"));
}

struct Named {
  std::vector<std::string> operator()(const RunBegun& begun) const { return {begun.spec}; }
  std::vector<std::string> operator()(const ExecutionBegun&) const { return {}; }
  std::vector<std::string> operator()(const ModelIntent& intent) const {
    auto names = intent.appended;
    names.push_back(intent.tools);
    names.push_back(intent.given);
    return names;
  }
  std::vector<std::string> operator()(const ModelOutcome& outcome) const {
    return {outcome.message};
  }
  std::vector<std::string> operator()(const ToolIntent&) const { return {}; }
  std::vector<std::string> operator()(const ToolOutcome& outcome) const { return {outcome.result}; }
  std::vector<std::string> operator()(const Diverged&) const { return {}; }
  std::vector<std::string> operator()(const Recalled&) const { return {}; }  // unfolded
  std::vector<std::string> operator()(const RunOutcome& outcome) const { return {outcome.text}; }
};

void add_tokens(std::int64_t& sum, std::int64_t more) {
  if (more < 0 || __builtin_add_overflow(sum, more, &sum))
    throw Error(Code::invalid, cat("an answer of ", more, " tokens is none that could be counted"));
}

// The name, the sums and the end of a run, as a journal keeps them while it appends.
struct Tally {
  RunState& state;
  std::set<std::string>& allowed;

  void operator()(const RunBegun& begun) const { state.name = begun.name; }
  void operator()(const ExecutionBegun&) const {}
  void operator()(const ModelIntent&) const { ++state.sums.modelCalls; }
  void operator()(const ModelOutcome& outcome) const {
    add_tokens(state.sums.inputTokens, outcome.usage.inputTokens);
    add_tokens(state.sums.outputTokens, outcome.usage.outputTokens);
  }
  void operator()(const ToolIntent& intent) const {
    if (intent.decision == protocol::Verdict::allow && allowed.insert(intent.call).second)
      ++state.sums.toolCalls;
  }
  void operator()(const ToolOutcome&) const {}
  void operator()(const Diverged&) const {}
  void operator()(const Recalled&) const {}
  void operator()(const RunOutcome&) const {
    if (std::exchange(state.ended, true)) throw Error(Code::invalid, "the run ends twice");
  }
};

}  // namespace

std::string subject_of(const Event& event) {
  return visit(event, [](const auto& body) { return body.subject(); });
}

std::vector<std::string> blobs_of(const Event& event) {
  std::vector<std::string> names;
  const bool folded = event.kind == Kind::recalled;
  for (auto& name : folded ? visit(unfold(event), Named()) : visit(event, Named()))
    if (!name.empty() && std::ranges::find(names, name) == names.end())
      names.push_back(std::move(name));
  return names;
}

RunState tally(const std::vector<Event>& events) {
  RunState state;
  std::set<std::string> allowed;
  for (const Event& event : events)
    if (!event.body.empty()) visit(event, Tally{state, allowed});
  return state;
}

RunState check_import(const ImportedRun& run) {
  if (run.events.empty() || run.events.front().kind != Kind::run_begun)
    throw Error(Code::invalid, "a run begins with run.begun");
  const std::string& uid = run.events.front().run;
  std::set<std::string> brought;
  for (const auto& blob : run.blobs) {
    if (io::sha256_hex(blob.bytes) != blob.sha256)
      throw Error(Code::invalid, cat("content ", blob.sha256, " is not what it was"));
    brought.insert(blob.sha256);
  }
  RunState state{.ns = run.ns, .imported = true};
  state.seq = run.events.back().seq;
  state.link = link_of(run.events.back());
  state.fence = run.events.back().fence;
  if (auto fault = find_fault(run.events, state)) throw Error(Code::invalid, *fault);
  std::set<std::string> allowed;
  for (const Event& event : run.events) {
    const auto refuse = [&](const auto&... why) {
      throw Error(Code::invalid, cat("event ", event.seq, " ", why...));
    };
    if (event.run != uid) refuse("is of another run");
    if (event.body.empty()) refuse("was erased");
    if (event.kind == Kind::run_begun && event.seq != 0) refuse("begins the run again");
    visit(event, Tally{state, allowed});
    for (const auto& blob : blobs_of(event))
      if (!brought.contains(blob)) refuse("names content ", blob, ", which is missing");
  }
  if (!base::is_dns_subdomain(state.name)) throw Error(Code::invalid, "the run has no name");
  return state;
}

}  // namespace journal
