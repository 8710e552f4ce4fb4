// What the shell does at its borders; how it lives with faults is told in test/faults.
#include "reconcilers/agentrun/reconciler.h"

#include "objects/event.h"
#include "objects/secret.h"
#include "protocol/names.h"
#include "reconcilers/fixture_test.h"

namespace reconcilers {
namespace {

using namespace objects;
using namespace std::chrono_literals;

struct RunReconcilerTest : ReconcilersTest {
  RunReconcilerTest() {
    create<Secret>(R"({"metadata":{"name":"key","annotations":{
        "sympozium.ai/use":"provider","sympozium.ai/hosts":"api.example.com"}}})");
    create<SkillPack>(
        R"({"metadata":{"name":"tools"},"spec":{"skills":[{"name":"counting","content":"Count."}]}})");
    create<Agent>(R"({"metadata":{"name":"first"},"spec":{
        "agents":{"default":{"model":"sim-1","baseURL":"https://api.example.com/v1"}},
        "authRefs":[{"provider":"openai","secret":"key"}],"skills":[{"skillPackRef":"tools"}],
        "memory":{"systemPrompt":"Be brief."}}})");
  }
  static base::Json a_run() {
    return base::parse_json(R"({"metadata":{"name":"one"},"spec":{"agentRef":"first",
        "agentId":"first","sessionKey":"s","task":"Count.",
        "model":{"provider":"openai","model":"sim-1","authSecretRef":"key"}}})");
  }
  void create_run(const base::Json& run = a_run()) { create<AgentRun>(base::to_text(run)); }
  AgentRun run() { return get<AgentRun>("one"); }
  // What a job controller and a kubelet make.
  void create_pod() {
    base::Json pod = base::parse_json(
        R"({"metadata":{"name":"one-x"},"spec":{"containers":[{"name":"agent","image":"i"}]}})");
    base::ensure(pod, {"metadata", "labels", protocol::label_run_uid}) = run().metadata.uid;
    create<Pod>(base::to_text(pod));
  }
  std::vector<std::string> events() {
    std::vector<std::string> told;
    const kube::Page page =
        loop.run(client->list({&objects::Event::info, "default", {}, {}}, kube::ListOptions{}));
    for (const base::Json& event : page.items)
      told.push_back(base::cat(base::text_at(event, {"type"}), " ",
                               base::text_at(event, {"reason"}), ": ",
                               base::text_at(event, {"message"})));
    return told;
  }
};

// The API server once froze a spec from the beginning, so that such a run never started.
TEST_F(RunReconcilerTest, FillsTheGapsOfARunThatAPersonWroteAndFreezesItThen) {
  create_run();
  EXPECT_EQ(run().spec.model.baseURL, "https://api.example.com/v1");
  EXPECT_EQ(run().spec.systemPrompt, "Be brief.");
  EXPECT_EQ(run().spec.skills, (std::vector<SkillRef>{{.skillPackRef = "tools"}}));
  EXPECT_EQ(run().metadata.finalizers, Texts{std::string(protocol::finalizer_run)});
  EXPECT_EQ(run().metadata.labels.at("sympozium.ai/instance"), "first");
  EXPECT_EQ(run().status.phase, RunPhase::pending);
  EXPECT_TRUE(find<Job>("one"));
  EXPECT_THROW(patch<AgentRun>("one", R"({"spec":{"task":"Something else."}})"), base::Error);
}

TEST_F(RunReconcilerTest, MakesWhatStandsAroundARun) {
  create_run();
  EXPECT_TRUE(find<ServiceAccount>("sympozium-run"));
  EXPECT_TRUE(find<Role>("sympozium-gateway-key"));
  EXPECT_TRUE(find<RoleBinding>("sympozium-gateway-key"));
  EXPECT_EQ(events(), std::vector<std::string>{"Normal JobCreated: created Job one"});
}

TEST_F(RunReconcilerTest, RefusesWithEveryIssueOfTheRunItsAgentAndItsPacks) {
  patch<Agent>("first", R"({"spec":{"agents":{"default":{"runTimeout":"0s"}}}})");
  base::Json wrong = a_run();
  base::ensure(wrong, {"spec", "timeout"}) = "0s";
  base::ensure(wrong, {"spec", "model", "authSecretRef"}) = "absent";
  base::ensure(wrong, {"spec", "skills"}) =
      base::JsonArray{base::JsonObject{{"skillPackRef", "nothing"}}};
  create_run(wrong);
  EXPECT_EQ(run().status.phase, RunPhase::failed);
  const std::string error = run().status.error;
  for (const char* issue :
       {"refused: ", "spec.timeout", "spec.agentRef: Agent first: spec.agents.default.runTimeout",
        "spec.skills[0].skillPackRef: there is no SkillPack \"nothing\" in namespace default",
        "spec.model.authSecretRef: there is no Secret \"absent\""})
    EXPECT_NE(error.find(issue), std::string::npos) << issue << " is not in " << error;
  EXPECT_FALSE(find<Job>("one"));
  EXPECT_FALSE(find<Role>("sympozium-gateway-absent"));
}

TEST_F(RunReconcilerTest, RefusesARunWithoutItsAgentAndSaysWhatToDo) {
  base::Json lonely = a_run();
  base::ensure(lonely, {"spec", "agentRef"}) = "nobody";
  create_run(lonely);
  EXPECT_EQ(run().status.error,
            "refused: spec.agentRef: there is no Agent \"nobody\" in namespace default; create it, "
            "then create the run again");
}

TEST_F(RunReconcilerTest, FailsWhenAJobOfItsNameIsSomebodyElses) {
  create<Job>(R"({"metadata":{"name":"one"},"spec":{"template":{"spec":{
      "restartPolicy":"Never","containers":[{"name":"main","image":"i"}]}}}})");
  create_run();
  EXPECT_EQ(ready<AgentRun>("one"),
            "False NameTaken: a Job named one exists and is not this run's; delete it or choose "
            "another name for the run");
  pass(1h);
  EXPECT_TRUE(find<Job>("one"));
}

TEST_F(RunReconcilerTest, FailsWithTheServersWordsWhenItRefusesTheJob) {
  api.before = [](std::string call) -> io::Task<> {
    if (call == "create Job default/one")
      throw base::Error(base::Code::invalid, call + ": the quota is used up");
    co_return;
  };
  create_run();
  EXPECT_EQ(ready<AgentRun>("one"),
            "False JobFailed: the API server refuses the Job: create Job default/one: the quota is "
            "used up");
}

TEST_F(RunReconcilerTest, FailsWhenItsJobIsDeletedAndMakesNoOther) {
  create_run();
  create_pod();
  EXPECT_EQ(run().status.attempt, 1);
  remove<Job>("one");
  EXPECT_EQ(ready<AgentRun>("one"), "False JobLost: Job one was deleted before the run ended");
  EXPECT_FALSE(find<Job>("one"));
}

TEST_F(RunReconcilerTest, MakesAJobAgainThatVanishedBeforeAnythingCameOfIt) {
  create_run();
  remove<Job>("one");
  EXPECT_TRUE(find<Job>("one"));
  EXPECT_EQ(run().status.phase, RunPhase::pending);
}

// It once took the run that another controller had gone on with for one that had lost its Job: it
// had looked for the Job before that one was made, and at the run after.
TEST_F(RunReconcilerTest, TakesAJobThatAnotherControllerMakesMeanwhile) {
  create_run();
  base::Json job = base::parse_json(R"({"metadata":{"name":"one","ownerReferences":[{
      "apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","name":"one","controller":true}]},
      "apiVersion":"batch/v1","kind":"Job","spec":{"template":{"spec":{
      "restartPolicy":"Never","containers":[{"name":"agent","image":"i"}]}}}})");
  base::Json& owner = job.at("metadata").at("ownerReferences").at(0);
  owner.as_object()["uid"] = run().metadata.uid;
  int looks = 0;
  api.before = [&](std::string call) -> io::Task<> {
    if (!call.starts_with("get ") || ++looks != 2) co_return;
    co_await client->create(ref<Job>(""), job, {});
    kube::Ref status = ref<AgentRun>("one");
    status.subresource = "status";
    const base::Json begun = base::parse_json(R"({"status":{"podName":"p","podUID":"u"}})");
    co_await client->patch(status, begun, {});
  };
  remove<Job>("one");
  EXPECT_GE(looks, 2);
  EXPECT_EQ(run().status.phase, RunPhase::pending);
}

TEST_F(RunReconcilerTest, RemovesTheJobAfterItsRetention) {
  create_run();
  loop.run(client->patch(
      {&Job::info, "default", "one", "status"},
      base::parse_json(R"({"status":{"conditions":[{"type":"Complete","status":"True"}]}})"), {}));
  loop.run(client->patch({&AgentRun::info, "default", "one", "status"},
                         base::parse_json(R"({"status":{
      "outcome":{"status":"success","attempt":1,"execution":1,"committedAt":"2026-01-02T03:04:05Z"}}})"),
                         {}));
  settle();
  EXPECT_EQ(run().status.phase, RunPhase::succeeded);
  pass(9min);
  EXPECT_TRUE(find<Job>("one"));
  pass(2min);
  EXPECT_FALSE(find<Job>("one"));
  EXPECT_EQ(run().status.phase, RunPhase::succeeded);
}

TEST_F(RunReconcilerTest, LetsARunGoOnceItsJobIsGone) {
  create_run();
  remove<AgentRun>("one");
  EXPECT_FALSE(find<AgentRun>("one"));
  EXPECT_FALSE(find<Job>("one"));
}

}  // namespace
}  // namespace reconcilers
