// Agents that are not our runner: their own clients' requests, passed on as their bytes and
// recorded like turns.
//
// A foreign agent holds its own conversation and runs its own tools (its sandbox bounds them), so a
// run has either turns or such calls. Run again from its start, it is answered from the record when
// endpoint and canonical body (RFC 8785) equal those of a completed call whose answer it does not
// have yet in this execution; the order of calls is ignored, and that of tool results side by side.
// One that is under way is joined; anything else is a new call, and when completed calls are left
// then, the execution has diverged. What the agent has, its bridge says (protocol::header_used); a
// gateway that was restarted forgets it, and may answer a completed call from the record once more:
// never is one paid for twice.
#pragma once

#include "base/clock.h"
#include "gateway/model_calls.h"
#include "gateway/others.h"
#include "io/http.h"

namespace gateway {

// The member of a body that grows from call to call; "" when none does.
std::string_view conversation_member(llm::Endpoint);

class ForeignAgents {
 public:
  ForeignAgents(base::Log&, ModelCalls&, Others&);

  // A request to one of the endpoints; the session has caught up and an execution has begun, the
  // one that `fence` names ("": whichever). A failure is answered in the words of the endpoint's
  // API.
  io::Task<> complete(io::Exchange&, RunPtr, std::shared_ptr<Session>, llm::Endpoint,
                      std::string fence, std::string body);

 private:
  struct Asked;
  Asked prepare(const io::Exchange&, const objects::AgentRun&, llm::Endpoint,
                const std::string& body);
  io::Task<std::shared_ptr<ModelCall>> find_or_start(RunPtr, std::shared_ptr<Session>, Asked);
  io::Task<> note_divergence(const objects::AgentRun&, Session&, const Asked&, std::int64_t turn);

  base::Log& log_;
  ModelCalls& model_calls_;
  Others& others_;
};

// GET /v1/models: the run's one model, whatever a request names, as OpenAI and as Anthropic list
// it.
std::string list_models(const objects::AgentRun&);

// Notes the calls whose answers the agent has: "1,2,5", as header_used says. Others are ignored.
void note_used(Session&, std::string_view header);
// How many of a foreign agent's calls have their answer.
std::int64_t count_completed(const Session&);

// How the agent of a run asks its model. It keeps to what it began with.
enum class Manner : std::uint8_t { unknown, turns, foreign };
Manner manner_of(const Session&);
// Error(invalid) when the run's agent asks in the other manner.
void check_manner(const Session&, Manner);
ForeignKey key_of(const journal::ModelIntent&);
// The call was asked for by a foreign agent's own client.
bool is_foreign(const journal::ModelIntent&);

}  // namespace gateway
