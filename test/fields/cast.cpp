#include "fields/cast.h"

#include "base/error.h"

namespace fields {

using namespace objects;

Agent an_agent() {
  Agent agent;
  agent.metadata = {.name = "first", .ns = "demo"};
  agent.spec.agents.defaults.model = "sim-1";
  agent.spec.authRefs = {{.provider = "openai", .secret = "key"}};
  return agent;
}

SkillPack a_pack() {
  SkillPack pack;
  pack.metadata = {.name = "tools", .ns = "demo", .uid = "8a"};
  pack.spec.skills = {{.name = "counting", .description = "How to count.", .content = "Use wc."}};
  pack.spec.sidecar.emplace();
  pack.spec.sidecar->image = "sympozium/tools";
  pack.spec.sidecar->tools = {
      {.name = "count_words", .description = "Counts the words of a file.", .exec = {"wc", "-w"}}};
  return pack;
}

AgentRun a_run() {
  AgentRun run;
  run.metadata = {.name = "one", .ns = "demo", .uid = "0b1c", .generation = 1};
  run.spec.agentRef = "first";
  run.spec.agentId = "first";
  run.spec.sessionKey = "s";
  run.spec.task = "Count.";
  run.spec.model = {.provider = "openai", .model = "sim-1", .authSecretRef = "key"};
  run.spec.skills = {{.skillPackRef = "tools"}};
  return run;
}

Job job_of(const AgentRun& run, const std::vector<SkillPack>& packs) {
  std::vector<reconcilers::UsedPack> used;
  for (const SkillPack& pack : packs) used.push_back({pack, {}});
  return reconcilers::desired_job(run, used, {});
}

const Container& container(const Job& job, std::string_view name) {
  const PodSpec& pod = job.spec.podTemplate.spec;
  for (const auto* list : {&pod.initContainers, &pod.containers})
    for (const Container& one : *list)
      if (one.name == name) return one;
  throw base::Error(base::Code::not_found, "no container " + std::string(name));
}

std::string variable(const Container& in, std::string_view name) {
  for (const EnvVar& one : in.env)
    if (one.name == name) return one.value;
  return "(unset)";
}

}  // namespace fields
