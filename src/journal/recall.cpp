#include "journal/recall.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "journal/archive.h"
#include "journal/record.h"

namespace journal {

using base::cat;
using base::Code;
using base::Error;

namespace {

bool is_step(Kind kind) {
  return kind == Kind::model_intent || kind == Kind::model_outcome || kind == Kind::tool_intent ||
         kind == Kind::tool_outcome;
}

bool is_completed(const TurnRecord& turn) { return turn.outcome && !turn.outcome->error; }

// The turn that a step is about; "3.1" is of turn 3.
std::int64_t turn_of(const std::string& subject) {
  return base::parse_int(std::string_view(subject).substr(0, subject.find('.'))).value_or(0);
}

void check_step(const Record& record, std::int64_t step) {
  if (step == 0) return;
  const auto turn = record.turns.find(step);
  if (turn == record.turns.end())
    throw Error(
        Code::not_found,
        record.turns.empty()
            ? cat("there is no step ", step, ": the run has asked its model nothing")
            : cat("there is no step ", step, ": the last one is ", record.turns.rbegin()->first));
  if (!is_completed(turn->second))
    throw Error(Code::invalid, cat("step ", step, " has no answer that could be shared",
                                   turn->second.outcome ? ": it failed" : " yet"));
}

Recalled recall(const Event& event) {
  if (event.kind == Kind::recalled) return read<Recalled>(event);
  return {.from = event.id(),
          .ofKind = event.kind,
          .ofVersion = event.version,
          .about = subject_of(event),
          .body = base::parse_json(event.body)};
}

}  // namespace

Event unfold(Event event) {
  if (event.kind != Kind::recalled) return event;
  auto recalled = read<Recalled>(event);
  if (!is_step(recalled.ofKind))
    throw Error(Code::invalid, cat("event ", event.id(), " recalls a ",
                                   schema::name(recalled.ofKind), ", which is no step"));
  event.kind = recalled.ofKind;
  event.version = recalled.ofVersion;
  event.fence = {0, 0};
  event.body = base::to_text(recalled.body);
  return event;
}

Shared share(std::span<const Event> events, std::int64_t step) {
  for (const Event& event : events)
    if (event.body.empty()) throw Error(Code::invalid, cat("event ", event.seq, " was erased"));
  const Record record = make_record(events);
  check_step(record, step);
  const auto is_wanted = [&](Kind kind, const std::string& subject) {
    const std::int64_t turn = turn_of(subject);
    const auto known = record.turns.find(turn);
    if (!is_step(kind) || turn > step || known == record.turns.end() ||
        !is_completed(known->second))
      return false;
    const auto call = record.calls.find(subject);
    return call == record.calls.end() || call->second.outcome ||
           call->second.intent.decision != protocol::Verdict::allow;
  };
  std::map<std::pair<Kind, std::string>, const Event*> last;  // of each step's events
  std::vector<const Event*> wanted;
  for (const Event& event : events) {
    const Event step_event = unfold(event);
    if (!is_step(step_event.kind)) continue;
    const std::string subject = subject_of(step_event);
    if (!is_wanted(step_event.kind, subject)) continue;
    last[{step_event.kind, subject}] = &event;
  }
  for (const auto& [about, event] : last) wanted.push_back(event);
  std::ranges::sort(wanted, {}, [](const Event* event) { return event->seq; });
  Shared out;
  for (const Event* event : wanted) {
    out.events.push_back(recall(*event));
    for (auto& name : blobs_of(*event))
      if (std::ranges::find(out.blobs, name) == out.blobs.end())
        out.blobs.push_back(std::move(name));
  }
  return out;
}

}  // namespace journal
