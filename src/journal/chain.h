// The hash chain of a run's events.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "journal/journal.h"

namespace journal {

// `prev` of event 0.
std::string first_link();

// The hex SHA-256 of the RFC 8785 text of
//   [prev, run, seq, attempt, execution, kind, version, at in ms since 1970, bodyHash]
// which is the next event's `prev`.
std::string link_of(const Event&);

// What is wrong with the events of one run from number 0 on, up to `state`; nothing when all is as
// it was written. A body that was erased ("") is no fault.
std::optional<std::string> find_fault(std::span<const Event>, const RunState& state);

}  // namespace journal
