#include "objects/agent_run.h"

#include <gtest/gtest.h>

#include "objects/agent.h"
#include "objects/skill_pack.h"
#include "schema/validate.h"

namespace objects {
namespace {

using base::parse_json;
using schema::Unknown;

constexpr const char* first_run = R"({
  "apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun",
  "metadata":{"name":"first-run","namespace":"demo","labels":{"a":"b"}},
  "spec":{"agentRef":"first","agentId":"default","sessionKey":"first",
    "model":{"provider":"openai","model":"sim-1","baseURL":"http://127.0.0.1:9411/v1","authSecretRef":"key"},
    "skills":[{"skillPackRef":"tools","params":{"repo":"x"}}],
    "task":"Write a haiku.","timeout":"5m","toolPolicy":{"deny":["fetch_url"]}}})";

std::string issues_of(const Struct& table, std::string_view text) {
  return base::format(schema::validate(table, parse_json(text), Unknown::refuse));
}

TEST(AgentRun, IsReadAndWritten) {
  auto run = schema::read<AgentRun>(parse_json(first_run));
  EXPECT_EQ(run.metadata.ns, "demo");
  EXPECT_EQ(run.spec.model.baseURL, "http://127.0.0.1:9411/v1");
  EXPECT_EQ(run.spec.skills[0].params.at("repo"), "x");
  EXPECT_EQ(run.spec.cleanup, Cleanup::remove);
  EXPECT_EQ(run.status.phase, RunPhase::unset);
  auto written = schema::encode(run);
  EXPECT_EQ(base::text_at(written, {"kind"}), "AgentRun");
  EXPECT_EQ(base::text_at(written, {"spec", "cleanup"}), "delete");
  EXPECT_FALSE(base::find(written, {"status"}));
  EXPECT_EQ(schema::read<AgentRun>(written), run);
  EXPECT_EQ(issues_of(AgentRun::table, first_run), "");
}

TEST(AgentRun, NamesEverythingThatIsWrongAtOnce) {
  EXPECT_EQ(
      issues_of(AgentRun::table, R"({"kind":"AgentRun","spec":{
      "agentRef":"Not A Name","sessionKey":"s","task":{"mode":"sidecar-driven","tool":"x"},
      "model":{"provider":"openai","model":"m","baseURL":"localhost:80","thinking":"high"},
      "skills":[{"skilPackRef":"tools"}],"sandbox":{"enabled":true},"mode":"server","timeout":"soon",
      "cleanup":"burn","toolPolicy":{"allow":["a","a"]}}})"),
      "spec.agentRef: \"Not A Name\" is not valid; write a name of lower-case letters, digits, '-' "
      "and '.', at most 253 characters; "
      "spec.task: must be of type string, not object; "
      "spec.model.baseURL: \"localhost:80\" is not valid; write a URL that begins with http:// or "
      "https:// and a host; "
      "spec.model.thinking: is not supported by this version; remove it; "
      "spec.model.authSecretRef: is required; "
      "spec.skills[0].skilPackRef: unknown field; "
      "spec.sandbox: is not supported by this version; remove it; "
      "spec.mode: is not supported by this version; remove it; "
      "spec.timeout: \"soon\" is not valid; write a duration such as 90s, 10m or 1h30m; "
      "spec.cleanup: unsupported value \"burn\"; use one of: delete, keep; "
      "spec.toolPolicy.allow[1]: is a duplicate of [0]: \"a\"; "
      "spec.agentId: is required");
}

TEST(AgentRun, AcceptsRefusedFieldsThatSayNothing) {
  auto run = parse_json(first_run);
  auto& spec = run.at("spec").as_object();
  spec["mode"] = "task";
  spec["useContext"] = false;
  spec["dryRun"] = false;
  spec["sandbox"] = parse_json(R"({"enabled":false})");
  spec["agentSandbox"] = parse_json(R"({"enabled":false,"resources":{}})");
  spec["volumes"] = base::JsonArray{};
  EXPECT_EQ(base::format(schema::validate(AgentRun::table, run)), "");
  spec["sandbox"] = parse_json(R"({"enabled":true})");
  EXPECT_EQ(base::format(schema::validate(AgentRun::table, run)),
            "spec.sandbox: is not supported by this version; remove it");
}

TEST(AgentRun, RefusesFromItsStructWhatItRefusesFromItsJson) {
  auto run = schema::read<AgentRun>(parse_json(first_run));
  EXPECT_EQ(base::format(schema::validate(run)), "");
  run.spec.parent = ParentRef{.runName = "other", .sessionKey = "s"};
  run.spec.useContext = true;
  EXPECT_EQ(base::format(schema::validate(run.spec, "spec")),
            "spec.useContext: is not supported by this version; remove it; "
            "spec.parent: is not supported by this version; remove it");
}

TEST(AgentRun, KeepsItsSpecForGoodOnceTheControllerHasTakenItUp) {
  auto before = parse_json(first_run), after = before;
  after.at("spec").as_object()["systemPrompt"] = "You are brief.";
  EXPECT_EQ(base::format(schema::validate_update(AgentRun::table, before, after)), "");
  base::ensure(before, {"status", "phase"}) = "Pending";
  EXPECT_EQ(base::format(schema::validate_update(AgentRun::table, before, after)),
            "spec: cannot be changed; make a new object");
}

TEST(AgentRun, CarriesItsStatus) {
  AgentRunStatus status;
  status.phase = RunPhase::failed;
  status.attempt = 2;
  status.exitCode = 0;
  status.tokenUsage = TokenUsage{.inputTokens = 3};
  status.outcome =
      RunOutcome{.status = OutcomeStatus::error, .error = "no", .attempt = 2, .execution = 1};
  EXPECT_EQ(schema::encode(status), parse_json(R"({"phase":"Failed","attempt":2,"exitCode":0,
                "tokenUsage":{"inputTokens":3,"outputTokens":0,"totalTokens":0,"toolCalls":0,"durationMs":0},
                "outcome":{"status":"error","error":"no","attempt":2,"execution":1}})"));
  EXPECT_EQ(schema::read<AgentRunStatus>(schema::encode(status)), status);
  EXPECT_TRUE(is_terminal(RunPhase::skipped) && !is_terminal(RunPhase::suspended));
}

TEST(Agent, RefusesMemoryWhenSwitchedOn) {
  constexpr const char* off = R"({"spec":{"agents":{"default":{"model":"m"}},
      "memory":{"enabled":false,"systemPrompt":"Be brief."}}})";
  EXPECT_EQ(issues_of(Agent::table, off), "");
  EXPECT_EQ(schema::read<Agent>(parse_json(off)).spec.memory.systemPrompt, "Be brief.");
  EXPECT_EQ(issues_of(Agent::table, R"({"spec":{"agents":{"default":{"model":"m"}},
      "memory":{"enabled":true,"maxSizeKB":512},"channels":[{"type":"slack"}],"policyRef":"p"}})"),
            "spec.memory.enabled: is not supported by this version; remove it; "
            "spec.memory.maxSizeKB: is not supported by this version; remove it; "
            "spec.channels: is not supported by this version; remove it; "
            "spec.policyRef: is not supported by this version; remove it");
}

TEST(SkillPack, HasToolsWithEffectsAndResources) {
  constexpr const char* text = R"({"spec":{"skills":[{"name":"a","content":"b"}],
      "sidecar":{"image":"sympozium/tools","env":[{"name":"A","value":"b"}],"resources":{"cpu":"1.5"},
        "tools":[{"name":"count","description":"Counts.","exec":["wc"],"effect":"none","idempotent":true,
                  "parameters":{"type":"object"}}]}}})";
  EXPECT_EQ(issues_of(SkillPack::table, text), "");
  auto pack = schema::read<SkillPack>(parse_json(text));
  EXPECT_EQ(pack.spec.sidecar->resources.cpu.format(), "1500m");
  EXPECT_EQ(pack.spec.sidecar->resources.memory.format(), "128Mi");
  EXPECT_TRUE(pack.spec.sidecar->mountWorkspace);
  EXPECT_EQ(pack.spec.sidecar->tools[0].effect, Effect::none);
  EXPECT_EQ(schema::read<SkillPack>(schema::encode(pack)), pack);
}

TEST(SkillPack, RefusesSecretsInEnvironmentsAndBadToolNames) {
  EXPECT_EQ(
      issues_of(SkillPack::table, R"({"spec":{"skills":[],"sidecar":{"image":"i",
      "env":[{"name":"1A"},{"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}],
      "hostAccess":{"enabled":true},"secretRef":"s",
      "tools":[{"name":"Count-It","description":"d","exec":[]}]}}})"),
      "spec.sidecar.env[0].name: \"1A\" is not valid; write a letter or '_', then letters, digits "
      "and '_'; "
      "spec.sidecar.env[1].valueFrom: is not supported by this version; remove it; "
      "spec.sidecar.hostAccess: is not supported by this version; remove it; "
      "spec.sidecar.secretRef: is not supported by this version; remove it; "
      "spec.sidecar.tools[0].name: \"Count-It\" is not valid; write a lower-case letter, then "
      "lower-case letters, digits and '_'; "
      "spec.sidecar.tools[0].exec: must have at least 1 element");
}

}  // namespace
}  // namespace objects
