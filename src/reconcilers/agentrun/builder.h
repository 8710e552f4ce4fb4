// The one place that makes an AgentRun out of an Agent.
#pragma once

#include <optional>
#include <string>

#include "objects/agent.h"
#include "objects/agent_run.h"

namespace reconcilers {

// Who asks.
struct Origin {
  std::string source;       // label sympozium.ai/source: cli, api, channel, schedule, agent
  std::string session_key;  // groups the runs of a conversation; "" is the run's own name
};

struct RunRequest {
  std::string task;
  std::string name;  // "": the server makes one from the agent's name
  std::optional<std::string> model, base_url, timeout, system_prompt;  // instead of the agent's
  objects::ToolPolicy tools;
};

// Ready to be created: defaults of the agent resolved, labels and finalizer set.
objects::AgentRun build_run(const objects::Agent&, const Origin&, const RunRequest&);

struct ForkRequest {
  std::string source;  // name of the run that is forked
  objects::Fork fork;  // run and step
  std::string name;    // "": the server makes one from the source's name
  std::optional<std::string> task, model, system_prompt;  // instead of the source's
};

// A fork of a run with this spec, ready to be created.
objects::AgentRun build_fork(std::string ns, objects::AgentRunSpec source, const Origin&,
                             const ForkRequest&);

// Fills what a run leaves open from its agent: model, key, skills, timeout, environment, pull
// secrets, system prompt, agentId, sessionKey. What the run says stands. Idempotent.
void resolve_defaults(objects::AgentRun&, const objects::Agent&);

// Labels that a run carries for its agent, where missing.
void add_labels(objects::AgentRun&);

// A text as a label's value: itself when it is one, else cut and hashed; "" when nothing of it is
// usable.
std::string label_value(const std::string& text);

}  // namespace reconcilers
