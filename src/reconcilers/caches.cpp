#include "reconcilers/caches.h"

#include "protocol/names.h"

namespace reconcilers {

namespace {

using namespace objects;

template <class T>
void trim_metadata(T& object) {
  object.metadata.managedFields.clear();
}

// Of a run that has ended only what retention, counts and its exit code need.
void trim_run(AgentRun& run) {
  trim_metadata(run);
  run.status.result.clear();
  if (!is_terminal(run.status.phase)) return;
  AgentRunSpec kept;
  kept.agentRef = std::move(run.spec.agentRef);
  kept.cleanup = run.spec.cleanup;
  run.spec = std::move(kept);
}

void trim_job(Job& job) {
  trim_metadata(job);
  job.spec = {};
}

void trim_pod(Pod& pod) {
  trim_metadata(pod);
  PodSpec kept;
  for (auto list : {&PodSpec::containers, &PodSpec::initContainers})
    for (Container& one : pod.spec.*list)
      (kept.*list).push_back({.name = std::move(one.name), .resources = std::move(one.resources)});
  pod.spec = std::move(kept);
}

template <class T>
std::vector<std::string> run_of(const controller::Key&, const T& object) {
  const auto found = object.metadata.labels.find(std::string(protocol::label_run_uid));
  if (found == object.metadata.labels.end()) return {};
  return {found->second};
}

}  // namespace

Caches::Caches(base::Log& log)
    : agents(log, trim_metadata<Agent>),
      runs(log, trim_run),
      packs(log, trim_metadata<SkillPack>),
      jobs(log, trim_job),
      pods(log, trim_pod),
      accounts(log, trim_metadata<ServiceAccount>),
      roles(log, trim_metadata<Role>),
      bindings(log, trim_metadata<RoleBinding>),
      config_maps(log, trim_metadata<ConfigMap>) {
  runs.add_index(std::string(index_run), [](const controller::Key&, const AgentRun& run) {
    return std::vector<std::string>{run.metadata.uid};
  });
  runs.add_index(std::string(index_agent), [](const controller::Key& key, const AgentRun& run) {
    return std::vector<std::string>{key.ns + "/" + run.spec.agentRef};
  });
  jobs.add_index(std::string(index_run), run_of<Job>);
  pods.add_index(std::string(index_run), run_of<Pod>);
}

}  // namespace reconcilers
