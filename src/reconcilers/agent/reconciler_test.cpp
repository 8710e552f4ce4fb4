#include "reconcilers/agent/reconciler.h"

#include "objects/secret.h"
#include "reconcilers/fixture_test.h"

namespace reconcilers {
namespace {

using namespace objects;
using namespace std::chrono_literals;

struct AgentReconcilerTest : ReconcilersTest {
  void create_agent() {
    create<Agent>(R"({"metadata":{"name":"first"},"spec":{
        "agents":{"default":{"model":"sim-1"}},"authRefs":[{"provider":"openai","secret":"key"}]}})");
  }
  void create_secret(bool annotated) {
    create<Secret>(annotated ? R"({"metadata":{"name":"key","annotations":{
        "sympozium.ai/use":"provider","sympozium.ai/hosts":"api.example.com"}}})"
                             : R"({"metadata":{"name":"key"}})");
  }
  void create_run(const std::string& name) {
    create<AgentRun>(base::cat(R"({"metadata":{"name":")", name, R"("},"spec":{"agentRef":"first",
        "agentId":"first","sessionKey":"s","task":"t",
        "model":{"provider":"openai","model":"m","authSecretRef":"key"}}})"));
  }
};

TEST_F(AgentReconcilerTest, IsReadyWithItsSecret) {
  create_secret(true);
  create_agent();
  EXPECT_EQ(ready<Agent>("first"), "True Ready");
  EXPECT_EQ(get<Agent>("first").status.phase, AgentPhase::running);
  EXPECT_EQ(get<Agent>("first").status.observedGeneration, 1);
}

TEST_F(AgentReconcilerTest, NoticesASecretThatComesLater) {
  create_agent();
  EXPECT_TRUE(ready<Agent>("first").starts_with("False SecretMissing: spec.authRefs[0].secret"))
      << ready<Agent>("first");
  EXPECT_EQ(get<Agent>("first").status.phase, AgentPhase::error);
  create_secret(false);
  pass(AgentReconciler::secret_recheck);
  EXPECT_TRUE(
      ready<Agent>("first").starts_with("False SecretNotAnnotated: spec.authRefs[0].secret"))
      << ready<Agent>("first");
  patch<Secret>("key", R"({"metadata":{"annotations":{
      "sympozium.ai/use":"provider","sympozium.ai/hosts":"api.example.com"}}})");
  pass(AgentReconciler::secret_recheck);
  EXPECT_EQ(ready<Agent>("first"), "True Ready");
}

TEST_F(AgentReconcilerTest, SaysWhatIsWrongWithTheAgent) {
  create_secret(true);
  create_agent();
  patch<Agent>("first", R"({"spec":{"agents":{"default":{"runTimeout":"0s"}}}})");
  EXPECT_TRUE(ready<Agent>("first").starts_with("False Refused: spec.agents.default.runTimeout"))
      << ready<Agent>("first");
  EXPECT_EQ(get<Agent>("first").status.observedGeneration, 2);
}

TEST_F(AgentReconcilerTest, CountsItsRunsAndThoseThatGoOn) {
  create_secret(true);
  create_agent();
  create_run("one");
  create_run("two");
  pass(2s);
  EXPECT_EQ(get<Agent>("first").status.totalAgentRuns, 2);
  EXPECT_EQ(get<Agent>("first").status.activeAgentPods, 2);
  loop.run(client->patch({&AgentRun::info, "default", "one", "status"},
                         base::parse_json(R"({"status":{
      "outcome":{"status":"success","attempt":1,"execution":1,"committedAt":"2026-01-02T03:04:05Z"}}})"),
                         {}));
  pass(2s);
  EXPECT_EQ(get<Agent>("first").status.activeAgentPods, 1);
  remove<AgentRun>("two");
  pass(2s);
  EXPECT_EQ(get<Agent>("first").status.totalAgentRuns, 1);
  EXPECT_EQ(get<Agent>("first").status.activeAgentPods, 0);
}

// Another controller may write what it has not seen the like of yet.
TEST_F(AgentReconcilerTest, PutsCountsRightThatSomebodyElseHasWritten) {
  create_secret(true);
  create_agent();
  loop.run(client->patch({&Agent::info, "default", "first", "status"},
                         base::parse_json(R"({"status":{"totalAgentRuns":7}})"), {}));
  pass(2s);
  EXPECT_EQ(get<Agent>("first").status.totalAgentRuns, 0);
}

}  // namespace
}  // namespace reconcilers
