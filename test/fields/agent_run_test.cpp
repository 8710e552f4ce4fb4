// What each field of an AgentRun does, as far as pure decisions say it.
#include <chrono>

#include "fields/cast.h"
#include "fields/fields.h"
#include "policy/tools.h"
#include "protocol/names.h"
#include "reconcilers/agentrun/status.h"

namespace fields {
namespace {

using base::JsonArray;
using base::JsonObject;
using namespace objects;

const base::Time noon =
    std::chrono::floor<base::Duration>(*base::parse_time("2026-01-02T12:00:00Z"));

std::string pod_label(const AgentRun& run, std::string_view label) {
  const Job job = job_of(run);
  const auto at = job.spec.podTemplate.metadata.labels.find(std::string(label));
  return at == job.spec.podTemplate.metadata.labels.end() ? "" : at->second;
}
std::string agent_variable(const AgentRun& run, std::string_view name) {
  const Job job = job_of(run);
  return variable(container(job, "agent"), name);
}

TEST(AgentRunSpec, AgentRefIsWhoseRunItIs) {
  auto look = [](const AgentRun& run) {
    return Texts{pod_label(run, "sympozium.ai/instance"), agent_variable(run, "INSTANCE_NAME")};
  };
  EXPECT_EQ(effect(a_run(), "spec.agentRef", "second", look), (Texts{"second", "second"}));
}

TEST(AgentRunSpec, AgentIdIsALabelAndToldToTheAgent) {
  auto look = [](const AgentRun& run) {
    return Texts{pod_label(run, "sympozium.ai/agent-id"), agent_variable(run, "AGENT_ID")};
  };
  EXPECT_EQ(effect(a_run(), "spec.agentId", "My Agent", look), (Texts{"My-Agent", "My Agent"}));
}

TEST(AgentRunSpec, SessionKeyIsToldToTheAgent) {
  auto look = [](const AgentRun& run) { return agent_variable(run, "SESSION_KEY"); };
  EXPECT_EQ(effect(a_run(), "spec.sessionKey", "chat-7", look), "chat-7");
}

TEST(AgentRunSpec, EnvIsTheAgentsEnvironmentAndNobodyElses) {
  auto look = [](const AgentRun& run) {
    const Job job = job_of(run);
    return Texts{variable(container(job, "agent"), "LANG"),
                 variable(container(job, "skill-tools"), "LANG")};
  };
  EXPECT_EQ(effect(a_run(), "spec.env", JsonObject{{"LANG", "C"}}, look), (Texts{"C", "(unset)"}));
}

TEST(AgentRunSpec, HarnessRunsAForeignProgramAsTheAgent) {
  AgentRun run = a_run();
  run.spec.harness = Harness{.image = "acme/agent:1", .command = {"agent"}};
  auto agent_of = [](const AgentRun& one) {
    const Job job = job_of(one);
    return container(job, "agent");
  };
  auto image = [&](const AgentRun& one) { return agent_of(one).image; };
  EXPECT_EQ(effect(run, "spec.harness.image", "acme/agent:2", image), "acme/agent:2");
  auto args = [&](const AgentRun& one) { return agent_of(one).args; };
  EXPECT_EQ(effect(run, "spec.harness.command", JsonArray{"sh", "-c"}, args), (Texts{"sh", "-c"}));
  EXPECT_EQ(effect(run, "spec.harness.args", JsonArray{"-v"}, args), (Texts{"agent", "-v"}));
  auto mode = [](const AgentRun& one) { return agent_variable(one, "MODE"); };
  EXPECT_EQ(effect(run, "spec.harness.env", JsonObject{{"MODE", "fast"}}, mode), "fast");
}

TEST(AgentRunSpec, NodeSelectorIsThePods) {
  auto look = [](const AgentRun& run) { return job_of(run).spec.podTemplate.spec.nodeSelector; };
  EXPECT_EQ(effect(a_run(), "spec.model.nodeSelector", JsonObject{{"disk", "ssd"}}, look),
            (TextMap{{"disk", "ssd"}}));
}

TEST(AgentRunSpec, ImagePullSecretsAreThePods) {
  auto look = [](const AgentRun& run) {
    Texts names;
    for (const auto& one : job_of(run).spec.podTemplate.spec.imagePullSecrets)
      names.push_back(one.name);
    return names;
  };
  EXPECT_EQ(effect(a_run(), "spec.imagePullSecrets[].name", "registry", look), Texts{"registry"});
}

TEST(AgentRunSpec, ToolPolicyLeavesTheAgentWhatIsAllowedAndNotDenied) {
  auto look = [](const AgentRun& run) {
    Texts names;
    for (const auto& tool :
         policy::offered_tools(run.spec.toolPolicy, policy::declared_tools({a_pack()})))
      names.push_back(tool.name);
    return names;
  };
  EXPECT_EQ(effect(a_run(), "spec.toolPolicy.allow", JsonArray{"read_file", "fetch_url"}, look),
            (Texts{"read_file", "fetch_url"}));
  EXPECT_EQ(
      effect(a_run(), "spec.toolPolicy.deny", JsonArray{"execute_command", "fetch_url"}, look),
      (Texts{"read_file", "list_directory", "write_file", "edit_file", "count_words"}));
}

// ---- what time does ----

Pod a_pod(std::string uid) {
  Pod pod;
  pod.metadata = {.name = "one-x", .ns = "demo", .uid = std::move(uid)};
  pod.metadata.creationTimestamp = noon;
  pod.status.phase = "Running";
  pod.status.containerStatuses.emplace_back();
  pod.status.containerStatuses[0].name = "agent";
  pod.status.containerStatuses[0].state.running.emplace();
  return pod;
}

// The run after a look at its Job and this pod.
AgentRun seen(AgentRun run, const Pod& pod, base::Time now) {
  const Job job = job_of(run);
  if (run.status.phase == RunPhase::unset) reconcilers::set_accepted(run.status, run, noon);
  reconcilers::observe(run.status, run, {.job = &job, .pods = {&pod}, .now = now});
  return run;
}

TEST(AgentRunSpec, TimeoutEndsTheRun) {
  auto look = [](const AgentRun& run) {
    const AgentRun started = seen(run, a_pod("p1"), noon);
    return schema::name(seen(started, a_pod("p1"), noon + std::chrono::seconds(91)).status.phase);
  };
  EXPECT_EQ(effect(a_run(), "spec.timeout", "90s", look), "Failed");
}

TEST(AgentRunSpec, CleanupKeepsTheJobOfAnEndedRun) {
  auto look = [](AgentRun run) {
    reconcilers::set_failed(run.status, run, "JobFailed", "broken", noon);
    Job job;
    job.status.conditions = {{.type = "Failed", .status = "True"}};
    return reconcilers::job_removal(run, job, std::chrono::minutes(10)).has_value();
  };
  EXPECT_FALSE(effect(a_run(), "spec.cleanup", "keep", look));
}

// ---- status, as the controller writes it ----

TEST(AgentRunStatus, NamesItsJobBeforeThereIsOne) {
  AgentRun run = a_run();
  reconcilers::set_accepted(run.status, run, noon);
  EXPECT_EQ(written(run, "status.jobName"), "one");
  EXPECT_EQ(written(run, "status.phase"), "Pending");
  EXPECT_EQ(written(run, "status.observedGeneration"), 1);
}

TEST(AgentRunStatus, NamesThePodThatMayCallTheGateway) {
  AgentRun run = seen(a_run(), a_pod("p1"), noon);
  EXPECT_EQ(written(run, "status.podName"), "one-x");
  EXPECT_EQ(written(run, "status.podUID"), "p1");
  EXPECT_EQ(written(run, "status.attempt"), 1);
  EXPECT_EQ(written(run, "status.startedAt"), "2026-01-02T12:00:00Z");
  Pod next = a_pod("p2");
  next.metadata.creationTimestamp = noon + std::chrono::seconds(5);
  EXPECT_EQ(written(seen(run, next, noon), "status.attempt"), 2);
}

TEST(AgentRunStatus, SaysWhyTheRunFailedAndHowTheAgentEnded) {
  Pod pod = a_pod("p1");
  const AgentRun run = seen(a_run(), pod, noon);
  pod.status.containerStatuses[0].state.running.reset();
  pod.status.containerStatuses[0].state.terminated.emplace();
  pod.status.containerStatuses[0].state.terminated->exitCode = 137;
  const AgentRun ended = seen(run, pod, noon + std::chrono::minutes(10));
  EXPECT_EQ(written(ended, "status.exitCode"), 137);
  EXPECT_EQ(written(ended, "status.phase"), "Failed");
  EXPECT_EQ(written(ended, "status.error"), "timeout after 10m0s");
  EXPECT_EQ(written(ended, "status.completedAt"), "2026-01-02T12:10:00Z");
}

TEST(AgentRunStatus, HasConditionsThatSayWhatSinceWhenAndWhy) {
  AgentRun run = a_run();
  run.metadata.generation = 3;
  reconcilers::set_refused(run.status, run, {{"spec.task", "must not be empty"}}, noon);
  EXPECT_EQ(written(run, "status.conditions[].type"), "Accepted");
  EXPECT_EQ(written(run, "status.conditions[].status"), "False");
  EXPECT_EQ(written(run, "status.conditions[].reason"), "Refused");
  EXPECT_EQ(written(run, "status.conditions[].message"), "spec.task: must not be empty");
  EXPECT_EQ(written(run, "status.conditions[].observedGeneration"), 3);
  EXPECT_EQ(written(run, "status.conditions[].lastTransitionTime"), "2026-01-02T12:00:00Z");
}

}  // namespace
}  // namespace fields
