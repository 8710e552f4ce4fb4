#include "reconcilers/agentrun/builder.h"

#include <gtest/gtest.h>

#include "protocol/names.h"

namespace reconcilers {
namespace {

using namespace objects;

Agent an_agent() {
  Agent agent;
  agent.metadata = {.name = "first", .ns = "demo"};
  agent.spec.agents.defaults.model = "sim-1";
  agent.spec.agents.defaults.baseURL = "http://127.0.0.1:9411/v1";
  agent.spec.agents.defaults.nodeSelector = {{"disk", "fast"}};
  agent.spec.agents.defaults.env = {{"LANG", "C"}, {"MODE", "agent"}};
  agent.spec.agents.defaults.runTimeout = "5m";
  agent.spec.authRefs = {{.provider = "openai", .secret = "key"},
                         {.provider = "other", .secret = "second"}};
  agent.spec.skills = {{.skillPackRef = "tools"}};
  agent.spec.imagePullSecrets = {{.name = "pull"}};
  agent.spec.memory.systemPrompt = "Be brief.";
  return agent;
}

AgentRun a_bare_run() {
  AgentRun run;
  run.metadata = {.name = "one", .ns = "demo"};
  run.spec.agentRef = "first";
  return run;
}

TEST(ResolveDefaults, FillsWhatARunLeavesOpen) {
  AgentRun run = a_bare_run();
  resolve_defaults(run, an_agent());
  EXPECT_EQ(run.spec.model.provider, "openai");
  EXPECT_EQ(run.spec.model.authSecretRef, "key");
  EXPECT_EQ(run.spec.model.model, "sim-1");
  EXPECT_EQ(run.spec.model.baseURL, "http://127.0.0.1:9411/v1");
  EXPECT_EQ(run.spec.model.nodeSelector, (TextMap{{"disk", "fast"}}));
  EXPECT_EQ(run.spec.timeout, "5m");
  EXPECT_EQ(run.spec.systemPrompt, "Be brief.");
  EXPECT_EQ(run.spec.env, (TextMap{{"LANG", "C"}, {"MODE", "agent"}}));
  EXPECT_EQ(run.spec.skills, (std::vector<SkillRef>{{.skillPackRef = "tools"}}));
  EXPECT_EQ(run.spec.imagePullSecrets, (std::vector<LocalObjectReference>{{.name = "pull"}}));
  EXPECT_EQ(run.spec.agentId, "first");
  EXPECT_EQ(run.spec.sessionKey, "one");
}

TEST(ResolveDefaults, LeavesWhatTheRunSays) {
  AgentRun run = a_bare_run();
  run.spec.agentId = "a";
  run.spec.sessionKey = "s";
  run.spec.systemPrompt = "Be long.";
  run.spec.timeout = "1h";
  run.spec.model = {.provider = "vllm",
                    .model = "mine",
                    .baseURL = "http://127.0.0.1:1/v1",
                    .authSecretRef = "mine",
                    .nodeSelector = {{"gpu", "yes"}}};
  run.spec.skills = {{.skillPackRef = "words"}};
  run.spec.imagePullSecrets = {{.name = "mine"}};
  run.spec.env = {{"LANG", "de"}, {"MODE", "run"}};
  const AgentRun said = run;
  resolve_defaults(run, an_agent());
  EXPECT_EQ(run, said);
}

TEST(ResolveDefaults, MergesTheEnvironmentByName) {
  AgentRun run = a_bare_run();
  run.spec.env = {{"MODE", "run"}};
  resolve_defaults(run, an_agent());
  EXPECT_EQ(run.spec.env, (TextMap{{"LANG", "C"}, {"MODE", "run"}}));
}

TEST(ResolveDefaults, ChangesNothingTheSecondTime) {
  AgentRun run = a_bare_run();
  resolve_defaults(run, an_agent());
  const AgentRun once = run;
  resolve_defaults(run, an_agent());
  EXPECT_EQ(run, once);
}

TEST(BuildRun, IsCompleteSoThatTheControllerHasNothingToFill) {
  AgentRun run = build_run(an_agent(), {.source = "cli"}, {.task = "Count.", .name = "one"});
  EXPECT_EQ(run.metadata.ns, "demo");
  EXPECT_EQ(run.metadata.finalizers, Texts{std::string(protocol::finalizer_run)});
  EXPECT_EQ(run.metadata.labels, (TextMap{{"sympozium.ai/source", "cli"},
                                          {"sympozium.ai/instance", "first"},
                                          {"sympozium.ai/agent-id", "first"}}));
  EXPECT_EQ(run.spec.task, "Count.");
  const AgentRun built = run;
  resolve_defaults(run, an_agent());
  add_labels(run);
  EXPECT_EQ(run, built);
}

TEST(BuildRun, PutsTheRequestBeforeTheAgent) {
  const AgentRun run = build_run(an_agent(), {.session_key = "chat"},
                                 {.task = "Count.",
                                  .model = "mine",
                                  .base_url = "http://127.0.0.1:1/v1",
                                  .timeout = "1h",
                                  .system_prompt = "Be long.",
                                  .tools = {.deny = {"fetch_url"}}});
  EXPECT_EQ(run.spec.model.model, "mine");
  EXPECT_EQ(run.spec.model.baseURL, "http://127.0.0.1:1/v1");
  EXPECT_EQ(run.spec.timeout, "1h");
  EXPECT_EQ(run.spec.systemPrompt, "Be long.");
  EXPECT_EQ(run.spec.toolPolicy.deny, Texts{"fetch_url"});
  EXPECT_EQ(run.spec.sessionKey, "chat");
}

TEST(BuildRun, LetsTheServerMakeANameThatLeavesTheJobsUncut) {
  Agent agent = an_agent();
  EXPECT_EQ(build_run(agent, {}, {}).metadata.generateName, "first-");
  EXPECT_EQ(build_run(agent, {}, {}).spec.sessionKey, "first");
  agent.metadata.name = std::string(80, 'a');
  EXPECT_EQ(build_run(agent, {}, {}).metadata.generateName, std::string(52, 'a') + "-");
}

TEST(AddLabels, LeavesOthersAlone) {
  AgentRun run = a_bare_run();
  run.metadata.labels = {{"mine", "x"}, {"sympozium.ai/instance", "said"}};
  run.spec.agentId = "First Agent";
  add_labels(run);
  EXPECT_EQ(run.metadata.labels, (TextMap{{"mine", "x"},
                                          {"sympozium.ai/instance", "said"},
                                          {"sympozium.ai/agent-id", "First-Agent"}}));
}

TEST(LabelValue, IsTheTextWhenItCanBe) {
  EXPECT_EQ(label_value("First_agent.2"), "First_agent.2");
  EXPECT_EQ(label_value("a b/c"), "a-b-c");
  EXPECT_EQ(label_value("-a-"), "a");
  EXPECT_EQ(label_value("ä"), "");
  EXPECT_EQ(label_value(""), "");
}

TEST(LabelValue, IsCutAndToldApartWhenItIsLong) {
  const std::string one = label_value(std::string(70, 'a')),
                    other = label_value(std::string(71, 'a'));
  EXPECT_EQ(one.size(), 61u);
  EXPECT_NE(one, other);
}

}  // namespace
}  // namespace reconcilers
