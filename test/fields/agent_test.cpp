// What each field of an Agent gives to its runs.
#include "fields/cast.h"
#include "fields/fields.h"
#include "reconcilers/agentrun/builder.h"

namespace fields {
namespace {

using base::JsonArray;
using base::JsonObject;
using namespace objects;

AgentRun run_of(const Agent& agent) {
  return reconcilers::build_run(agent, {.source = "cli"}, {.task = "Count."});
}

TEST(AgentSpec, ModelIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.model.model; };
  EXPECT_EQ(effect(an_agent(), "spec.agents.default.model", "sim-2", look), "sim-2");
}

TEST(AgentSpec, BaseUrlIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.model.baseURL; };
  constexpr char url[] = "http://127.0.0.1:9411/v1";
  EXPECT_EQ(effect(an_agent(), "spec.agents.default.baseURL", url, look), url);
}

TEST(AgentSpec, EnvIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.env; };
  EXPECT_EQ(effect(an_agent(), "spec.agents.default.env", JsonObject{{"LANG", "C"}}, look),
            (TextMap{{"LANG", "C"}}));
}

TEST(AgentSpec, HarnessIsItsRuns) {
  Agent agent = an_agent();
  agent.spec.harness = Harness{.image = "acme/agent:1", .command = {"agent"}};
  auto look = [](const Agent& one) { return *run_of(one).spec.harness; };
  EXPECT_EQ(effect(agent, "spec.harness.image", "acme/agent:2", look).image, "acme/agent:2");
  EXPECT_EQ(effect(agent, "spec.harness.command", JsonArray{"sh"}, look).command, Texts{"sh"});
  EXPECT_EQ(effect(agent, "spec.harness.args", JsonArray{"-v"}, look).args, Texts{"-v"});
  EXPECT_EQ(effect(agent, "spec.harness.env", JsonObject{{"A", "b"}}, look).env,
            (TextMap{{"A", "b"}}));
}

TEST(AgentSpec, ResumeIsItsRuns) {
  Agent agent = an_agent();
  agent.spec.resume = Resume{};
  auto look = [](const Agent& one) { return run_of(one).spec.resume->onDivergence; };
  EXPECT_EQ(effect(agent, "spec.resume.onDivergence", "fail", look), OnDivergence::fail);
}

TEST(AgentSpec, NodeSelectorIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.model.nodeSelector; };
  EXPECT_EQ(
      effect(an_agent(), "spec.agents.default.nodeSelector", JsonObject{{"disk", "ssd"}}, look),
      (TextMap{{"disk", "ssd"}}));
}

TEST(AgentSpec, RunTimeoutIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.timeout; };
  EXPECT_EQ(effect(an_agent(), "spec.agents.default.runTimeout", "90s", look), "90s");
}

TEST(AgentSpec, FirstAuthRefIsItsRunsKey) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.model; };
  EXPECT_EQ(effect(an_agent(), "spec.authRefs[].provider", "vllm", look).provider, "vllm");
  EXPECT_EQ(effect(an_agent(), "spec.authRefs[].secret", "other", look).authSecretRef, "other");
}

TEST(AgentSpec, AuthRefOfNoProviderIsOpenAis) {
  base::Json agent = schema::encode(an_agent());
  place_of(agent, "spec.authRefs[]") = JsonObject{{"secret", "key"}};
  EXPECT_EQ(run_of(schema::read<Agent>(agent)).spec.model.provider, "openai");
}

TEST(AgentSpec, SkillsAreItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.skills; };
  EXPECT_EQ(effect(an_agent(), "spec.skills[].skillPackRef", "tools", look),
            std::vector<SkillRef>{{.skillPackRef = "tools"}});
  EXPECT_EQ(effect(an_agent(), "spec.skills[].params", JsonObject{{"size", "3"}}, look)[0].params,
            (TextMap{{"size", "3"}}));
}

TEST(AgentSpec, ImagePullSecretsAreItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.imagePullSecrets; };
  EXPECT_EQ(effect(an_agent(), "spec.imagePullSecrets[].name", "registry", look),
            std::vector<LocalObjectReference>{{.name = "registry"}});
}

TEST(AgentSpec, SystemPromptIsItsRuns) {
  auto look = [](const Agent& agent) { return run_of(agent).spec.systemPrompt; };
  EXPECT_EQ(effect(an_agent(), "spec.memory.systemPrompt", "Be brief.", look), "Be brief.");
}

TEST(AgentSpec, WhatTheRunSaysStands) {
  Agent agent = an_agent();
  agent.spec.agents.defaults.env = {{"LANG", "C"}, {"TZ", "UTC"}};
  agent.spec.agents.defaults.runTimeout = "90s";
  AgentRun run = a_run();
  run.spec.env = {{"LANG", "de"}};
  run.spec.timeout = "5m";
  reconcilers::resolve_defaults(run, agent);
  EXPECT_EQ(run.spec.env, (TextMap{{"LANG", "de"}, {"TZ", "UTC"}}));
  EXPECT_EQ(run.spec.timeout, "5m");
}

}  // namespace
}  // namespace fields
