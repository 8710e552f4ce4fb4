#include "reconcilers/agentrun/builder.h"

#include <algorithm>

#include "base/text.h"
#include "controller/write.h"
#include "protocol/names.h"

namespace reconcilers {

namespace {

void fill(std::string& place, const std::string& value) {
  if (place.empty()) place = value;
}

constexpr std::string_view label_source = "sympozium.ai/source";

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}
bool is_label_edge(char c) { return is_label_character(c) && c != '-' && c != '_' && c != '.'; }

// As it is called, or by the server after `model`.
objects::AgentRun make_named(std::string ns, const std::string& name, const std::string& model,
                             const Origin& origin) {
  objects::AgentRun run;
  run.metadata.ns = std::move(ns);
  run.metadata.name = name;
  if (name.empty()) {
    constexpr std::size_t room = 52;  // so that the Job's name needs no cut
    run.metadata.generateName = std::string(base::clip(model, room)) + "-";
  }
  run.metadata.finalizers = {std::string(protocol::finalizer_run)};
  if (!origin.source.empty()) run.metadata.labels.emplace(label_source, label_value(origin.source));
  return run;
}

}  // namespace

std::string label_value(const std::string& text) {
  std::string value;
  for (const char c : text) value += is_label_character(c) ? c : '-';
  while (!value.empty() && !is_label_edge(value.back())) value.pop_back();
  while (!value.empty() && !is_label_edge(value.front())) value.erase(0, 1);
  return controller::child_name(value, "");
}

void add_labels(objects::AgentRun& run) {
  auto& labels = run.metadata.labels;
  labels.emplace(protocol::label_instance, label_value(run.spec.agentRef));
  if (const std::string id = label_value(run.spec.agentId); !id.empty())
    labels.emplace(protocol::label_agent_id, id);
}

void resolve_defaults(objects::AgentRun& run, const objects::Agent& agent) {
  auto& spec = run.spec;
  const auto& defaults = agent.spec.agents.defaults;
  if (!agent.spec.authRefs.empty()) {
    fill(spec.model.provider, agent.spec.authRefs[0].provider);
    fill(spec.model.authSecretRef, agent.spec.authRefs[0].secret);
  }
  fill(spec.model.model, defaults.model);
  fill(spec.model.baseURL, defaults.baseURL);
  if (spec.model.nodeSelector.empty()) spec.model.nodeSelector = defaults.nodeSelector;
  fill(spec.timeout, defaults.runTimeout);
  fill(spec.systemPrompt, agent.spec.memory.systemPrompt);
  for (const auto& [name, value] : defaults.env) spec.env.emplace(name, value);
  if (spec.skills.empty()) spec.skills = agent.spec.skills;
  if (spec.imagePullSecrets.empty()) spec.imagePullSecrets = agent.spec.imagePullSecrets;
  if (!spec.harness) spec.harness = agent.spec.harness;
  if (!spec.resume) spec.resume = agent.spec.resume;
  fill(spec.agentId, run.spec.agentRef);
  fill(spec.sessionKey, run.metadata.name);
}

objects::AgentRun build_run(const objects::Agent& agent, const Origin& origin,
                            const RunRequest& request) {
  objects::AgentRun run = make_named(agent.metadata.ns, request.name, agent.metadata.name, origin);
  run.spec.agentRef = agent.metadata.name;
  run.spec.task = request.task;
  run.spec.model.model = request.model.value_or("");
  run.spec.model.baseURL = request.base_url.value_or("");
  run.spec.timeout = request.timeout.value_or("");
  run.spec.systemPrompt = request.system_prompt.value_or("");
  run.spec.toolPolicy = request.tools;
  run.spec.sessionKey = origin.session_key;
  resolve_defaults(run, agent);
  if (run.spec.sessionKey.empty()) run.spec.sessionKey = agent.metadata.name;
  add_labels(run);
  return run;
}

objects::AgentRun build_fork(std::string ns, objects::AgentRunSpec source, const Origin& origin,
                             const ForkRequest& request) {
  objects::AgentRun run = make_named(std::move(ns), request.name, request.source, origin);
  run.spec = std::move(source);
  run.spec.fork = request.fork;
  run.spec.fork->newTask = request.task.has_value();
  run.spec.fork->newSystemPrompt = request.system_prompt.has_value();
  if (request.task) run.spec.task = *request.task;
  if (request.system_prompt) run.spec.systemPrompt = *request.system_prompt;
  if (request.model) run.spec.model.model = *request.model;
  add_labels(run);
  return run;
}

}  // namespace reconcilers
