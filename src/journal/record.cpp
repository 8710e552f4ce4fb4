#include "journal/record.h"

#include "journal/recall.h"

namespace journal {

void add_to(Record& record, const Event& written) {
  const Event event = unfold(written);
  const bool recalled = written.kind == Kind::recalled;
  switch (event.kind) {
    case Kind::run_begun: record.begun = read<RunBegun>(event); break;
    case Kind::execution_begun: break;
    case Kind::model_intent: {
      auto intent = read<ModelIntent>(event);
      record.turns[intent.turn] = {intent, std::nullopt, recalled};
      break;
    }
    case Kind::model_outcome: {
      auto outcome = read<ModelOutcome>(event);
      record.turns[outcome.turn].outcome = outcome;
      break;
    }
    case Kind::tool_intent: {
      auto intent = read<ToolIntent>(event);
      record.calls[intent.call] = {intent, std::nullopt, event.fence};
      break;
    }
    case Kind::tool_outcome: {
      auto outcome = read<ToolOutcome>(event);
      record.calls[outcome.call].outcome = outcome;
      record.ended.push_back(outcome.call);
      break;
    }
    case Kind::recalled: break;  // unfolded
    case Kind::diverged: record.diverged = event.fence; break;
    case Kind::run_outcome: record.outcome = read<RunOutcome>(event); break;
  }
}

Record make_record(std::span<const Event> events) {
  Record record;
  for (const Event& event : events) add_to(record, event);
  return record;
}

}  // namespace journal
