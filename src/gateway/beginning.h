// How a run's record begins: who it is, under which rules, and what a fork shares with its source.
#pragma once

#include <string>

#include "journal/journal.h"
#include "objects/agent_run.h"

namespace gateway {

// The first batch of a run. With spec.fork it holds the shared steps and their contents, so that
// the record is whole without its source. A fork that cannot be made begins and ends in this batch;
// its outcome says why: no such run in this namespace, no such step, contents that were erased.
io::Task<journal::Batch> plan_beginning(journal::Journal&, const objects::AgentRun&,
                                        std::string policy_hash);

}  // namespace gateway
