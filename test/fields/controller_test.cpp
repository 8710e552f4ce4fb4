// What fields do that the controller reads from the server, and what it writes there.
#include "fields/world.h"
#include "objects/config_map.h"

namespace fields {
namespace {

using base::JsonObject;
using namespace objects;

std::string a_key() { return world().make_secret({{"API_KEY", "k"}}); }

// ---- a run and its packs ----

TEST(ControllerOfARun, PutsASidecarWithTheRunsParametersBesideTheAgent) {
  const std::string key = a_key();
  Agent agent = an_agent();
  agent.spec.authRefs[0].secret = key;
  agent = world().make(agent);
  const std::string one = world().make(a_pack()).metadata.name,
                    two = world().make(a_pack()).metadata.name;
  AgentRun run = a_run();
  run.spec.agentRef = agent.metadata.name;
  run.spec.model.authSecretRef = key;
  run.spec.skills = {{.skillPackRef = one}};
  // Which packs run beside the agent, with their parameter `size`.
  auto look = [](const AgentRun& wanted) {
    const Started started = world().start(wanted);
    const Job job = world().get<Job>(started.run.status.jobName);
    TextMap sizes;
    for (const Container& one : job.spec.podTemplate.spec.initContainers)
      if (one.name != "ipc-bridge") sizes[one.name] = variable(one, "SKILL_MAX_SIZE");
    return sizes;
  };
  EXPECT_EQ(effect(run, "spec.skills[].params", JsonObject{{"max-size", "3"}}, look),
            (TextMap{{"skill-" + one, "3"}}));
  EXPECT_EQ(effect(run, "spec.skills[].skillPackRef", two.c_str(), look),
            (TextMap{{"skill-" + two, "(unset)"}}));
}

// ---- Agent ----

TEST(ControllerOfAnAgent, CountsItsRuns) {
  Agent agent = an_agent();
  agent.spec.authRefs[0].secret = a_key();
  agent = world().make(agent);
  AgentRun run = a_run();
  run.spec.agentRef = agent.metadata.name;
  run.spec.model.authSecretRef = agent.spec.authRefs[0].secret;
  run.spec.skills.clear();
  world().make(run);
  const auto now = world().until<Agent>(
      agent, [](const Agent& seen) { return seen.status.totalAgentRuns == 1; });
  EXPECT_EQ(written(now, "status.activeAgentPods"), 1);
  EXPECT_EQ(written(now, "status.totalAgentRuns"), 1);
  EXPECT_EQ(written(now, "status.phase"), "Running");
}

TEST(ControllerOfAnAgent, SaysWhyItsRunsCouldNotStart) {
  Agent agent = an_agent();
  agent.spec.authRefs[0].secret = "nowhere";
  const auto now = world().until<Agent>(world().make(agent), [](const Agent& seen) {
    return seen.status.phase == AgentPhase::error;
  });
  EXPECT_EQ(written(now, "status.phase"), "Error");
  EXPECT_EQ(written(now, "status.observedGeneration"), 1);
  EXPECT_EQ(written(now, "status.conditions[].type"), "Ready");
  EXPECT_EQ(written(now, "status.conditions[].status"), "False");
  EXPECT_EQ(written(now, "status.conditions[].reason"), "SecretMissing");
  EXPECT_EQ(written(now, "status.conditions[].observedGeneration"), 1);
  EXPECT_TRUE(written(now, "status.conditions[].lastTransitionTime").as_string().ends_with("Z"));
  EXPECT_TRUE(written(now, "status.conditions[].message")
                  .as_string()
                  .starts_with("spec.authRefs[0].secret: there is no Secret \"nowhere\""));
}

// ---- SkillPack ----

TEST(ControllerOfASkillPack, CountsItsSkillsAndNamesTheirConfigMap) {
  const SkillPack pack = world().make(a_pack());
  const auto now = world().until<SkillPack>(
      pack, [](const SkillPack& seen) { return seen.status.phase == SkillPackPhase::ready; });
  EXPECT_EQ(written(now, "status.phase"), "Ready");
  EXPECT_EQ(written(now, "status.skillCount"), 1);
  EXPECT_EQ(written(now, "status.configMapName").as_string(), pack.metadata.name);
  EXPECT_EQ(world().get<ConfigMap>(now.status.configMapName).data.at("counting.md"), "Use wc.");
}

TEST(ControllerOfASkillPack, SaysWhatIsWrongWithIt) {
  SkillPack pack = a_pack();
  pack.spec.sidecar->tools[0].name = "read_file";
  const auto now = world().until<SkillPack>(world().make(pack), [](const SkillPack& seen) {
    return seen.status.phase == SkillPackPhase::error;
  });
  EXPECT_EQ(written(now, "status.observedGeneration"), 1);
  EXPECT_EQ(written(now, "status.conditions[].type"), "Ready");
  EXPECT_EQ(written(now, "status.conditions[].status"), "False");
  EXPECT_EQ(written(now, "status.conditions[].reason"), "Refused");
  EXPECT_EQ(written(now, "status.conditions[].observedGeneration"), 1);
  EXPECT_TRUE(written(now, "status.conditions[].lastTransitionTime").as_string().ends_with("Z"));
  EXPECT_EQ(written(now, "status.conditions[].message"),
            "spec.sidecar.tools[0].name: \"read_file\" is a built-in tool; choose another name");
}

// ---- what people see of an object ----

template <class Kind>
std::vector<base::Json> shown(Kind object) {
  auto cells = world().cells(world().make(std::move(object)));
  cells.pop_back();  // the age
  return cells;
}
testing::AssertionResult has(const std::vector<base::Json>& cells, const base::Json& cell) {
  if (std::ranges::find(cells, cell) != cells.end()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << base::to_text(base::JsonArray(cells.begin(), cells.end()));
}

TEST(Tables, ShowPeopleWhatIsForPeople) {
  auto agent = [](const Agent& object) { return shown(object); };
  EXPECT_TRUE(has(effect(an_agent(), "spec.displayName", "Ada", agent), "Ada"));
  auto pack = [](const SkillPack& object) { return shown(object); };
  EXPECT_TRUE(has(effect(a_pack(), "spec.category", "text", pack), "text"));
  EXPECT_TRUE(has(effect(a_pack(), "spec.version", "1.2", pack), "1.2"));
  EXPECT_TRUE(has(effect(a_pack(), "spec.source", "a book", pack), "a book"));
}

}  // namespace
}  // namespace fields
