// A run's events put together: what is done, what is unknown.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace journal {

struct TurnRecord {
  ModelIntent intent;  // the latest
  std::optional<ModelOutcome> outcome;
  bool recalled = false;  // shared with the run that this one is a fork of
};
struct CallRecord {
  ToolIntent intent;  // the latest
  std::optional<ToolOutcome> outcome;
  Fence fence = {};  // of the intent; {0, 0}: recalled
  // It may have run: allowed, and nobody wrote down what came of it.
  bool is_unknown() const { return intent.decision == protocol::Verdict::allow && !outcome; }
};

struct Record {
  std::optional<RunBegun> begun;
  std::map<std::int64_t, TurnRecord> turns;
  std::map<std::string, CallRecord> calls;
  std::vector<std::string> ended;  // calls, in the order in which their outcomes were written
  Fence diverged = {0, 0};         // the latest execution that did
  std::optional<RunOutcome> outcome;
};

// Of the events of one run, in order.
Record make_record(std::span<const Event>);
// With the one that comes next.
void add_to(Record&, const Event&);

}  // namespace journal
