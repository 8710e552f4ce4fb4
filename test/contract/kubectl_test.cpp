// Stock kubectl against the server.
#include "base/text.h"
#include "contract/contract.h"

namespace contract {
namespace {

struct Kubectl : Contract {
  void SetUp() override {
    if (find_kubectl().empty()) GTEST_SKIP() << "no kubectl: run test/cluster/build";
  }
};

const std::string secret = R"(apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {k: v}
)";

TEST_F(Kubectl, AppliesAndChangesBuiltInKinds) {
  auto made = kubectl({"apply", "-f", "-"}, secret);
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out, "secret/s created\nconfigmap/c created\n");
  auto same = kubectl({"apply", "-f", "-"}, secret);
  EXPECT_EQ(same.out, "secret/s configured\nconfigmap/c unchanged\n") << same.err;
  auto changed = secret;
  changed.replace(changed.rfind("k: v"), 4, "k: w");
  EXPECT_NE(kubectl({"apply", "-f", "-"}, changed).out.find("configmap/c configured"),
            std::string::npos);
  EXPECT_EQ(kubectl({"get", "cm", "c", "-o", "jsonpath={.data.k}"}).out, "w");
  EXPECT_EQ(kubectl({"diff", "-f", "-"}, changed).code, 0);
}

TEST_F(Kubectl, AppliesADocumentThatIsAList) {
  const std::string list = R"(apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: v}}
- {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: dg==}}
)";
  auto made = kubectl({"apply", "-f", "-"}, list);
  EXPECT_EQ(made.out, "configmap/c created\nsecret/s created\n") << made.err;
  EXPECT_EQ(kubectl({"apply", "-f", "-"}, list).out, "configmap/c unchanged\nsecret/s unchanged\n");
}

TEST_F(Kubectl, ShowsTables) {
  kubectl({"apply", "-f", "-"}, base::to_text(make_pod("p")));
  auto pods = kubectl({"get", "pods"});
  EXPECT_EQ(pods.code, 0) << pods.err;
  EXPECT_TRUE(pods.out.starts_with(
      "NAME   READY   STATUS    RESTARTS   AGE\np      0/1     Pending   0          "))
      << pods.out;
  auto wide = kubectl({"get", "pods", "-o", "wide"});
  EXPECT_NE(wide.out.find("NOMINATED NODE"), std::string::npos);
  EXPECT_EQ(kubectl({"get", "pods", "-o", "name"}).out, "pod/p\n");
  EXPECT_EQ(kubectl({"get", "pods", "nope"}).err,
            "Error from server (NotFound): pods \"nope\" not found\n");
  EXPECT_EQ(kubectl({"get", "pods", "-l", "a=b"}).err,
            "No resources found in " + ns() + " namespace.\n");
}

TEST_F(Kubectl, ChecksFieldsOnTheServer) {
  auto wrong = kubectl({"apply", "-f", "-"}, R"(apiVersion: v1
kind: ConfigMap
metadata: {name: A_b}
)");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("The ConfigMap \"A_b\" is invalid: metadata.name: Invalid value"),
            std::string::npos)
      << wrong.err;
}

TEST_F(Kubectl, LabelsPatchesAndDeletes) {
  kubectl({"apply", "-f", "-"}, secret);
  EXPECT_EQ(kubectl({"label", "cm", "c", "a=b"}).out, "configmap/c labeled\n");
  EXPECT_EQ(kubectl({"annotate", "cm", "c", "a=b"}).out, "configmap/c annotated\n");
  EXPECT_EQ(kubectl({"patch", "cm", "c", "-p", R"({"data":{"x":"y"}})"}).out,
            "configmap/c patched\n");
  EXPECT_EQ(
      kubectl({"patch", "cm", "c", "--type=json", "-p", R"([{"op":"remove","path":"/data/x"}])"})
          .out,
      "configmap/c patched\n");
  EXPECT_EQ(kubectl({"get", "cm", "c", "-o", "json"}).code, 0);
  auto gone = kubectl({"delete", "cm", "c"});
  EXPECT_EQ(gone.code, 0) << gone.err;
  EXPECT_TRUE(gone.out.starts_with("configmap \"c\" deleted"));
}

TEST_F(Kubectl, MakesSmallThingsByProtobuf) {
  EXPECT_EQ(kubectl({"create", "secret", "generic", "g", "--from-literal=a=b"}).out,
            "secret/g created\n");
  EXPECT_EQ(kubectl({"get", "secret", "g", "-o", "jsonpath={.data.a}"}).out, "Yg==");
  EXPECT_EQ(kubectl({"create", "configmap", "m", "--from-literal=a=b"}).out,
            "configmap/m created\n");
  EXPECT_EQ(kubectl({"create", "serviceaccount", "x"}).out, "serviceaccount/x created\n");
  auto token = kubectl({"create", "token", "x"});
  EXPECT_EQ(token.code, 0) << token.err;
  EXPECT_EQ(kubectl({"auth", "can-i", "get", "pods"}).out, "yes\n");
  auto who = kubectl({"auth", "whoami"});
  EXPECT_NE(who.out.find("system:masters"), std::string::npos) << who.err;
}

TEST_F(Kubectl, KnowsWhatIsServed) {
  auto resources = kubectl({"api-resources"});
  EXPECT_EQ(resources.code, 0) << resources.err;
  for (std::string kind : {"ConfigMap", "Pod", "Job", "Lease", "RoleBinding", "Event"})
    EXPECT_NE(resources.out.find(" " + kind + "\n"), std::string::npos) << kind;
  EXPECT_EQ(kubectl({"version"}).code, 0);
  EXPECT_EQ(kubectl({"get", "--raw", "/readyz"}).out, "ok");
  auto explained = kubectl({"explain", "pods"});
  EXPECT_EQ(explained.code, 0) << explained.err;
  auto field = kubectl({"explain", "pods.spec.containers.image"});
  EXPECT_EQ(field.code, 0) << field.err;
  EXPECT_NE(field.out.find("FIELD: image <string>"), std::string::npos) << field.out;
}

TEST_F(Kubectl, WorksOnOurKinds) {
  if (ask("GET", "/apis/sympozium.ai/v1alpha1").status != 200)
    GTEST_SKIP() << "sympozium.ai is not served: apply generated/crds";
  const std::string run = R"(apiVersion: sympozium.ai/v1alpha1
kind: AgentRun
metadata: {name: r}
spec:
  agentRef: a
  agentId: primary
  sessionKey: s
  task: t
  model: {provider: openai, model: m, authSecretRef: key}
)";
  EXPECT_EQ(kubectl({"apply", "-f", "-"}, run).out, "agentrun.sympozium.ai/r created\n");
  EXPECT_EQ(kubectl({"apply", "-f", "-"}, run).out, "agentrun.sympozium.ai/r unchanged\n");
  merge(path("agentruns") + "/r/status", R"({"status":{"phase":"Running"}})");
  auto table = kubectl({"get", "agentruns"});
  EXPECT_TRUE(table.out.starts_with("NAME   AGENT   PHASE     POD   AGE\nr      a       Running"))
      << table.out;
  auto typo = kubectl({"apply", "-f", "-"}, run + "  tusk: x\n");
  EXPECT_EQ(typo.code, 1);
  EXPECT_NE(typo.err.find("unknown field \"spec.tusk\""), std::string::npos) << typo.err;
  auto explained = kubectl({"explain", "agentrun.spec.task"});
  EXPECT_EQ(explained.code, 0) << explained.err;
  EXPECT_EQ(kubectl({"delete", "agentrun", "r"}).code, 0);
}

TEST_F(Kubectl, WaitsAndDescribes) {
  kubectl({"apply", "-f", "-"}, base::to_text(make_job("j")));
  auto described = kubectl({"describe", "job", "j"});
  EXPECT_EQ(described.code, 0) << described.err;
  EXPECT_NE(described.out.find("Parallelism:"), std::string::npos);
  create(path("configmaps"), make_config_map("c", {{"k", "v"}}));
  auto waited = kubectl({"wait", "--for=jsonpath={.data.k}=v", "cm/c", "--timeout=10s"});
  EXPECT_EQ(waited.code, 0) << waited.err;
  EXPECT_EQ(kubectl({"get", "all"}).code, 0);
  EXPECT_EQ(kubectl({"delete", "job", "j", "--timeout=20s"}).code, 0);
}

}  // namespace
}  // namespace contract
