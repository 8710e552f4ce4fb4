// Agents that are not our runner: OpenAI chat completions, recorded like turns.
//
// A foreign agent says no hello: its first request in a pod begins an execution there. It holds its
// own conversation and runs its own tools (its sandbox bounds them), so a call is recorded with its
// messages as they were written, and a run has either turns or such calls. A request is answered
// from the record when its canonical body (RFC 8785) is that of a completed call whose answer the
// agent does not have yet in this execution; one that is under way is joined; anything else is a
// new call. What the agent has is known to this process alone: after a restart of the gateway a
// completed call may be answered from the record once more, and is never paid twice.
#pragma once

#include "base/clock.h"
#include "gateway/model_calls.h"
#include "io/http.h"

namespace gateway {

class ForeignAgents {
 public:
  ForeignAgents(base::Clock&, ModelCalls&);

  // POST /v1/chat/completions; the session is loaded and an execution has begun.
  io::Task<> complete(io::Exchange&, RunPtr, std::shared_ptr<Session>, std::string body);

 private:
  io::Task<std::shared_ptr<ModelCall>> find_or_start(RunPtr, std::shared_ptr<Session>,
                                                     const base::Json& body, std::string request);

  base::Clock& clock_;
  ModelCalls& model_calls_;
};

// GET /v1/models: the run's one model, whatever a request names.
std::string list_models(const objects::AgentRun&);

// How the agent of a run asks its model. It keeps to what it began with.
enum class Manner : std::uint8_t { unknown, turns, completions };
Manner manner_of(const Session&);
// Error(invalid) when the run's agent asks in the other manner.
void check_manner(const Session&, Manner);
// The call was asked for as a chat completion.
bool is_foreign(const journal::ModelIntent&);

}  // namespace gateway
