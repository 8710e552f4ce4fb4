// What a fork shares with another run: the steps of that run as events of its own (events.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace journal {

// The event as readers of steps take it: itself, or of a recalled one what it repeats. That has the
// number and the time of the recalled event and the fence {0, 0}: no execution of this run did it.
// Error(invalid) when it repeats what is no step.
Event unfold(Event);

struct Shared {
  std::vector<Recalled> events;
  std::vector<std::string> blobs;  // contents that they name, each once
};
// The completed turns of a run up to and including `step` and their tool calls that have an outcome
// or were denied: of each the last try. 0: nothing. What a fork shares is shared on under its first
// name. Error: not_found (the run has no such turn), invalid (the turn has no answer; an event was
// erased).
Shared share(std::span<const Event>, std::int64_t step);

}  // namespace journal
