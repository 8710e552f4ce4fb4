// What each field does that the gateway reads, and what it writes: asked as the bridge of a run's
// pod asks.
#include "fields/world.h"
#include "objects/conditions.h"

namespace fields {
namespace {

using namespace objects;
using protocol::Role;

// The cast, made on the server, with a key for the simulated provider.
struct Stage {
  Agent agent;
  AgentRun run;

  explicit Stage(SkillPack pack = a_pack()) {
    agent = an_agent();
    agent.spec.authRefs[0].secret = world().make_secret({{"API_KEY", "k-one"}});
    agent = world().make(agent);
    run = a_run();
    run.spec.agentRef = agent.metadata.name;
    run.spec.model.authSecretRef = agent.spec.authRefs[0].secret;
    run.spec.model.baseURL = world().provider_url("/v1");
    run.spec.skills = {{.skillPackRef = world().make(std::move(pack)).metadata.name}};
  }
};

protocol::Welcome welcome_of(const AgentRun& run) {
  Started started = world().start(run);
  return world().hello(started);
}

protocol::Turn first_turn(const std::string& task) {
  return {.turn = 1, .parent = 0, .append = {{Role::user, task, {}, {}}}, .tools = {}};
}

// What the provider hears of a run.
Asked asked_by(const AgentRun& run) {
  Started started = world().start(run);
  world().hello(started);
  world().turn(started, first_turn("hello"));
  return world().asked();
}

TEST(GatewayOfARun, TellsTheAgentTaskAndSystemPrompt) {
  const Stage stage;
  auto task = [](const AgentRun& run) { return welcome_of(run).task; };
  EXPECT_EQ(effect(stage.run, "spec.task", "Count twice.", task), "Count twice.");
  auto system = [](const AgentRun& run) { return welcome_of(run).system; };
  EXPECT_TRUE(effect(stage.run, "spec.systemPrompt", "Be brief.", system)
                  .starts_with("Be brief.\n\nInstructions that you can read"));
}

TEST(GatewayOfARun, TellsTheAgentWhichSkillsThereAre) {
  auto look = [](const SkillPack& pack) {
    const Stage stage(pack);
    return welcome_of(stage.run).system;
  };
  EXPECT_NE(effect(a_pack(), "spec.skills[].description", "Counting made easy.", look)
                .find("- /skills/counting.md: Counting made easy.\n"),
            std::string::npos);
}

TEST(GatewayOfARun, AsksForTheRunsModelAtItsEndpoint) {
  const Stage stage;
  auto look = [](const AgentRun& run) {
    const Asked asked = asked_by(run);
    return Texts{base::text_at(asked.body, {"model"}), asked.target};
  };
  EXPECT_EQ(effect(stage.run, "spec.model.model", "sim-2", look)[0], "sim-2");
  const std::string url = world().provider_url("/other/v1");
  EXPECT_EQ(effect(stage.run, "spec.model.baseURL", url.c_str(), look)[1],
            "/other/v1/chat/completions");
}

TEST(GatewayOfARun, ShowsTheKeyOfTheRunsSecretToTheProviderThatTheRunNames) {
  Stage stage;
  stage.run.spec.model.authSecretRef =
      world().make_secret({{"OPENAI_API_KEY", "k-openai"}, {"VLLM_API_KEY", "k-vllm"}});
  auto look = [](const AgentRun& run) { return asked_by(run).authorization; };
  EXPECT_EQ(effect(stage.run, "spec.model.provider", "vllm", look), "Bearer k-vllm");
  const std::string other = world().make_secret({{"API_KEY", "k-two"}});
  EXPECT_EQ(effect(stage.run, "spec.model.authSecretRef", other.c_str(), look), "Bearer k-two");
}

TEST(GatewayOfARun, BeginsAForkWithWhatItShares) {
  const Stage stage;
  Started source = world().start(stage.run);
  world().hello(source);
  world().turn(source, first_turn("hello"));
  const std::string uid = source.run.metadata.uid;

  auto shared = [](const AgentRun& run) { return welcome_of(run).past.size(); };
  AgentRun fork = stage.run;
  fork.spec.fork = Fork{.run = "none", .step = 1};
  EXPECT_EQ(effect(fork, "spec.fork.run", uid.c_str(), shared), 1U);
  fork.spec.fork = Fork{.run = uid, .step = 0};
  EXPECT_EQ(effect(fork, "spec.fork.step", 1, shared), 1U);

  fork.spec.fork->step = 1;
  auto said = [](const AgentRun& run) { return welcome_of(run).say.value_or(""); };
  EXPECT_EQ(effect(fork, "spec.fork.newTask", true, said), fork.spec.task);
  auto system = [](const AgentRun& run) { return welcome_of(run).newSystem.value_or(""); };
  EXPECT_EQ(effect(fork, "spec.fork.newSystemPrompt", true, system), welcome_of(fork).system);
}

// ---- a pack's own tools ----

// What the agent is told of the pack's tool.
protocol::OfferedTool offered_by(const SkillPack& pack) {
  const Stage stage(pack);
  const auto welcome = welcome_of(stage.run);
  for (const auto& tool : welcome.tools)
    if (tool.name == "count_words") return tool;
  ADD_FAILURE() << "not offered";
  return {};
}

// What its sidecar is told to run when the model calls it with {"path": "a.txt", "lines": 3}.
protocol::SidecarCommand command_by(const SkillPack& pack) {
  const Stage stage(pack);
  Started started = world().start(stage.run);
  world().hello(started);
  const auto answer = world().turn(started, first_turn("count it"));
  const protocol::ToolCall call{"1.0", "count_words", answer.message.toolCalls.at(0).arguments};
  const auto decision = protocol::from_text<protocol::Decision>(
      world().ask(started, "/v1/tools/decide", protocol::to_text(call)));
  EXPECT_EQ(decision.reason, "");
  return decision.command.value_or(protocol::SidecarCommand{});
}

SkillPack a_pack_with_parameters() {
  SkillPack pack = a_pack();
  pack.spec.sidecar->tools[0].parameters =
      base::parse_json(R"({"type":"object","properties":{"path":{},"lines":{}},
                           "required":["path","lines"]})")
          .as_object();
  pack.spec.sidecar->tools[0].positionalArgs = {"path", "lines"};
  return pack;
}

TEST(GatewayOfARun, TellsTheAgentOfThePacksOwnTools) {
  auto description = [](const SkillPack& pack) { return offered_by(pack).description; };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.tools[].description", "Counts.", description),
            "Counts.");
  auto parameters = [](const SkillPack& pack) { return offered_by(pack).parameters; };
  const base::Json none{{"type", "object"}};
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.tools[].parameters", none, parameters), none);
}

TEST(GatewayOfARun, SaysWhatTheSidecarRunsForACallOfAPacksOwnTool) {
  auto argv = [](const SkillPack& pack) { return command_by(pack).argv; };
  const SkillPack pack = a_pack_with_parameters();
  EXPECT_EQ(effect(pack, "spec.sidecar.tools[].exec", base::JsonArray{"count"}, argv),
            (Texts{"count", "a.txt", "3"}));
  EXPECT_EQ(effect(pack, "spec.sidecar.tools[].subcommand", "all", argv),
            (Texts{"wc", "-w", "all", "a.txt", "3"}));
  EXPECT_EQ(
      effect(pack, "spec.sidecar.tools[].positionalArgs", base::JsonArray{"lines", "path"}, argv),
      (Texts{"wc", "-w", "3", "a.txt"}));
  auto input = [](const SkillPack& changed) { return command_by(changed).input; };
  EXPECT_EQ(effect(pack, "spec.sidecar.tools[].inputMode", "stdin", input),
            R"({"path":"a.txt","lines":3})");
}

// ---- a foreign agent ----

std::string chat(const std::string& said) {
  return base::cat(R"({"model":"m","messages":[{"role":"user","content":")", said, R"("}]})");
}

// Its answer to what its agent, run again, asks otherwise than before.
int diverging(const AgentRun& run, Started& started) {
  started = world().start(run);
  world().hello(started);
  world().ask(started, "/v1/chat/completions", chat("one"));
  world().hello(started);
  return world().status_of(started, "/v1/chat/completions", chat("two"));
}

TEST(GatewayOfARun, LetsAnAgentDivergeOrNot) {
  Stage stage;
  stage.run.spec.resume = Resume{};
  auto look = [](const AgentRun& run) {
    Started started;
    return diverging(run, started);
  };
  EXPECT_EQ(effect(stage.run, "spec.resume.onDivergence", "fail", look), 400);
}

TEST(GatewayOfARun, WritesWhereAnAgentDiverged) {
  const Stage stage;
  Started started;
  EXPECT_EQ(diverging(stage.run, started), 200);
  const auto run = world().until<AgentRun>(
      started.run, [](const AgentRun& now) { return is_true(now.status.conditions, "Diverged"); });
  EXPECT_EQ(written(run, "status.divergence.attempt"), 1);
  EXPECT_EQ(written(run, "status.divergence.execution"), 2);
  EXPECT_EQ(written(run, "status.divergence.turn"), 2);
  EXPECT_EQ(written(run, "status.divergence.recorded"), 1);
  EXPECT_EQ(written(run, "status.divergence.pointer"), "/messages/0/content");
}

// ---- what the gateway writes ----

TEST(GatewayOfARun, WritesAnswerUsageAndOutcomeIntoTheStatus) {
  const Stage stage;
  Started started = world().start(stage.run);
  world().hello(started);
  const auto answer = world().turn(started, first_turn("read it"));
  ASSERT_EQ(answer.message.toolCalls.size(), 1u);
  world().ask(started, "/v1/tools/decide",
              protocol::to_text(
                  protocol::ToolCall{"1.0", "read_file", answer.message.toolCalls[0].arguments}));
  world().ask(started, "/v1/outcome",
              protocol::to_text(protocol::Outcome{protocol::RunStatus::success, "42", ""}));
  const auto run = world().until<AgentRun>(
      started.run, [](const AgentRun& now) { return now.status.phase == RunPhase::succeeded; });
  EXPECT_EQ(written(run, "status.result"), "42");
  EXPECT_EQ(written(run, "status.tokenUsage.inputTokens"), 30);
  EXPECT_EQ(written(run, "status.tokenUsage.outputTokens"), 12);
  EXPECT_EQ(written(run, "status.tokenUsage.totalTokens"), 42);
  EXPECT_EQ(written(run, "status.tokenUsage.toolCalls"), 1);
  EXPECT_GE(written(run, "status.tokenUsage.durationMs").to_number<std::int64_t>(), 0);
  EXPECT_EQ(written(run, "status.policyHash").as_string().size(), 64u);
  EXPECT_EQ(written(run, "status.outcome.status"), "success");
  EXPECT_EQ(written(run, "status.outcome.attempt"), 1);
  EXPECT_EQ(written(run, "status.outcome.execution"), 1);
  EXPECT_TRUE(written(run, "status.outcome.committedAt").as_string().ends_with("Z"));
}

TEST(GatewayOfARun, WritesWhyTheAgentFailed) {
  const Stage stage;
  Started started = world().start(stage.run);
  world().hello(started);
  world().ask(started, "/v1/outcome",
              protocol::to_text(protocol::Outcome{protocol::RunStatus::error, "", "too hard"}));
  const auto run = world().until<AgentRun>(
      started.run, [](const AgentRun& now) { return now.status.phase == RunPhase::failed; });
  EXPECT_EQ(written(run, "status.outcome.status"), "error");
  EXPECT_EQ(written(run, "status.outcome.error"), "too hard");
}

}  // namespace
}  // namespace fields
