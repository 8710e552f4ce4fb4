// Pods, Jobs, Nodes, Namespaces: what the server itself does to them.
#include "base/text.h"
#include "contract/contract.h"

namespace contract {
namespace {

struct Workloads : Contract {
  Answer bind(const std::string& pod, const std::string& node) {
    return ask(
        "POST", path("pods") + "/" + pod + "/binding",
        base::cat(R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":")", pod,
                  R"("},"target":{"apiVersion":"v1","kind":"Node","name":")", node, R"("}})"));
  }
};

TEST_F(Workloads, PodsAreBornPendingWithTheirDefaults) {
  auto made = create(path("pods"), make_pod("p"));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"status", "phase"}), "Pending");
  EXPECT_EQ(text_at(made.body, {"status", "qosClass"}), "BestEffort");
  EXPECT_EQ(text_at(made.body, {"spec", "restartPolicy"}), "Always");
  EXPECT_EQ(text_at(made.body, {"spec", "dnsPolicy"}), "ClusterFirst");
  EXPECT_EQ(text_at(made.body, {"spec", "serviceAccountName"}), "default");
  EXPECT_EQ(base::find_int(made.body, {"spec", "terminationGracePeriodSeconds"}), 30);
  const auto& container = made.body.at("spec").at("containers").at(0);
  EXPECT_EQ(text_at(container, {"imagePullPolicy"}), "IfNotPresent");
  EXPECT_EQ(text_at(container, {"terminationMessagePolicy"}), "File");
  EXPECT_EQ(made.body.at("spec").at("tolerations").as_array().size(), 2u);
}

TEST_F(Workloads, PodsGetTheirAccountsTokenUnlessTheySayNo) {
  auto pod = make_pod("p");
  pod.as_object()["spec"].as_object().erase("automountServiceAccountToken");
  auto made = create(path("pods"), pod);
  const auto& mount = made.body.at("spec").at("containers").at(0).at("volumeMounts").at(0);
  EXPECT_EQ(text_at(mount, {"mountPath"}), "/var/run/secrets/kubernetes.io/serviceaccount");
  auto orphan = make_pod("q");
  base::ensure(orphan, {"spec", "serviceAccountName"}) = "nobody";
  auto refused = create(path("pods"), orphan);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            base::cat("pods \"q\" is forbidden: error looking up service account ", ns(),
                      "/nobody: serviceaccount \"nobody\" not found"));
}

TEST_F(Workloads, PodsThatCannotWorkAreRefused) {
  auto empty = make_pod("p");
  base::ensure(empty, {"spec", "containers"}) = JsonArray{};
  auto refused = create(path("pods"), empty);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.message(), "Pod \"p\" is invalid: spec.containers: Required value");
  auto unmounted = make_pod("q");
  unmounted.as_object()["spec"]
      .as_object()["containers"]
      .as_array()[0]
      .as_object()["volumeMounts"] = base::parse_json(R"([{"name":"v","mountPath":"/v"}])");
  auto second = create(path("pods"), unmounted);
  EXPECT_EQ(second.message(),
            "Pod \"q\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"v\"");
}

TEST_F(Workloads, PodsAreBoundOnce) {
  create(path("pods"), make_pod("p"));
  auto bound = bind("p", "some-node");
  EXPECT_EQ(bound.status, 201) << bound.text;
  EXPECT_EQ(text_at(bound.body, {"status"}), "Success");
  auto pod = ask("GET", path("pods") + "/p");
  EXPECT_EQ(text_at(pod.body, {"spec", "nodeName"}), "some-node");
  EXPECT_EQ(text_at(pod.body.at("status").at("conditions").at(0), {"type"}), "PodScheduled");
  EXPECT_EQ(bind("p", "other-node").status, 409);
  EXPECT_EQ(bind("nope", "some-node").status, 404);
}

TEST_F(Workloads, PodsAreSelectedByNodeAndPhase) {
  for (std::string name : {"p", "q"}) create(path("pods"), make_pod(name));
  bind("p", "some-node");
  auto on_node = ask("GET", path("pods") + "?fieldSelector=spec.nodeName%3Dsome-node");
  EXPECT_EQ(on_node.body.at("items").as_array().size(), 1u);
  auto free =
      ask("GET", path("pods") + "?fieldSelector=spec.nodeName%3D,status.phase!%3DSucceeded");
  ASSERT_EQ(free.body.at("items").as_array().size(), 1u);
  EXPECT_EQ(text_at(free.body.at("items").at(0), {"metadata", "name"}), "q");
}

TEST_F(Workloads, BoundPodsWaitForTheirNode) {
  create(path("pods"), make_pod("p"));
  bind("p", "some-node");
  auto marked = ask("DELETE", path("pods") + "/p", R"({"gracePeriodSeconds":7})");
  EXPECT_EQ(marked.status, 200);
  EXPECT_EQ(base::find_int(marked.body, {"metadata", "deletionGracePeriodSeconds"}), 7);
  EXPECT_EQ(text_at(ask("GET", path("pods") + "/p").body, {"metadata", "deletionTimestamp"}).size(),
            20u);
  auto uid = text_at(marked.body, {"metadata", "uid"});
  auto confirmed = ask("DELETE", path("pods") + "/p",
                       R"({"gracePeriodSeconds":0,"preconditions":{"uid":")" + uid + R"("}})");
  EXPECT_EQ(confirmed.status, 200) << confirmed.text;
  EXPECT_EQ(ask("GET", path("pods") + "/p").status, 404);
}

TEST_F(Workloads, UnboundAndFinishedPodsGoAtOnce) {
  create(path("pods"), make_pod("p"));
  EXPECT_EQ(ask("DELETE", path("pods") + "/p").status, 200);
  EXPECT_EQ(ask("GET", path("pods") + "/p").status, 404);
  create(path("pods"), make_pod("q"));
  bind("q", "some-node");
  merge(path("pods") + "/q/status", R"({"status":{"phase":"Succeeded"}})");
  ask("DELETE", path("pods") + "/q");
  EXPECT_EQ(ask("GET", path("pods") + "/q").status, 404);
}

TEST_F(Workloads, PodsKeepWhatTheyRun) {
  create(path("pods"), make_pod("p"));
  auto other = merge(path("pods") + "/p", R"({"spec":{"hostname":"x"}})");
  EXPECT_EQ(other.status, 422);
  EXPECT_TRUE(other.message().starts_with(
      "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than"))
      << other.message();
}

TEST_F(Workloads, StatusAndSpecAreWrittenApart) {
  create(path("pods"), make_pod("p"));
  auto main = merge(path("pods") + "/p",
                    R"({"metadata":{"labels":{"a":"b"}},"status":{"phase":"Running"}})");
  EXPECT_EQ(text_at(main.body, {"status", "phase"}), "Pending");
  auto status = merge(path("pods") + "/p/status",
                      R"({"spec":{"nodeName":"x"},"status":{"phase":"Running"}})");
  EXPECT_EQ(text_at(status.body, {"status", "phase"}), "Running");
  EXPECT_EQ(text_at(status.body, {"spec", "nodeName"}), "");
}

TEST_F(Workloads, JobsGetASelectorOfTheirOwn) {
  auto made = create(path("jobs"), make_job("j"));
  ASSERT_EQ(made.status, 201) << made.text;
  auto uid = text_at(made.body, {"metadata", "uid"});
  EXPECT_EQ(
      text_at(made.body, {"spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"}),
      uid);
  auto labels = *base::find(made.body, {"spec", "template", "metadata", "labels"});
  for (auto key : {"batch.kubernetes.io/controller-uid", "controller-uid"})
    EXPECT_EQ(text_at(labels, {key}), uid);
  for (auto key : {"batch.kubernetes.io/job-name", "job-name"})
    EXPECT_EQ(text_at(labels, {key}), "j");
  EXPECT_EQ(base::find_int(made.body, {"spec", "backoffLimit"}), 6);
  EXPECT_EQ(base::find_int(made.body, {"spec", "completions"}), 1);
  EXPECT_EQ(text_at(made.body, {"spec", "completionMode"}), "NonIndexed");
  EXPECT_EQ(base::find_bool(made.body, {"spec", "suspend"}), false);
  EXPECT_EQ(text_at(made.body, {"spec", "podReplacementPolicy"}), "TerminatingOrFailed");
  EXPECT_EQ(base::find_int(made.body, {"metadata", "generation"}), 1);
}

TEST_F(Workloads, JobsKeepTheirTemplate) {
  auto job = make_job("j");
  base::ensure(job, {"spec", "suspend"}) = false;
  create(path("jobs"), job);
  auto frozen = merge(path("jobs") + "/j", R"({"spec":{"completions":2}})");
  EXPECT_EQ(frozen.status, 422);
  EXPECT_NE(frozen.message().find("spec.completions: Invalid value: "), std::string::npos)
      << frozen.message();
  EXPECT_NE(frozen.message().find("field is immutable"), std::string::npos);
  auto suspended = merge(path("jobs") + "/j", R"({"spec":{"suspend":true}})");
  EXPECT_EQ(suspended.status, 200);
  EXPECT_EQ(base::find_int(suspended.body, {"metadata", "generation"}), 2);
  auto always = make_job("k");
  base::ensure(always, {"spec", "template", "spec", "restartPolicy"}) = "Always";
  auto refused = create(path("jobs"), always);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.message(),
            "Job.batch \"k\" is invalid: spec.template.spec.restartPolicy: Required value: valid "
            "values: \"OnFailure\", \"Never\"");
}

TEST_F(Workloads, NamespacesKeepTheRootThatClientsBelieve) {
  auto root = path("configmaps") + "/kube-root-ca.crt";
  EXPECT_TRUE(eventually([&] { return ask("GET", root).status == 200; }));
  auto before = ask("GET", root).body;
  auto changed = merge(root, R"({"data":{"ca.crt":"mine","other":"x"}})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_TRUE(eventually([&] { return ask("GET", root).body.at("data") == before.at("data"); }));
  ask("DELETE", root);
  EXPECT_TRUE(eventually([&] { return ask("GET", root).status == 200; }));
}

TEST_F(Workloads, NamespacesAreLabelledAndDrained) {
  auto read = ask("GET", "/api/v1/namespaces/" + ns());
  EXPECT_EQ(text_at(read.body, {"metadata", "labels", "kubernetes.io/metadata.name"}), ns());
  EXPECT_EQ(text_at(read.body, {"status", "phase"}), "Active");
  auto root = ask("GET", path("configmaps") + "/kube-root-ca.crt");
  EXPECT_NE(text_at(root.body, {"data", "ca.crt"}).find("BEGIN CERTIFICATE"), std::string::npos);
  // Something that the namespace has to wait for.
  auto held = make_config_map("held");
  base::ensure(held, {"metadata", "finalizers"}) = JsonArray{"example.com/hold"};
  create(path("configmaps"), held);
  auto marked = ask("DELETE", "/api/v1/namespaces/" + ns());
  EXPECT_EQ(text_at(marked.body, {"status", "phase"}), "Terminating");
  auto late = create(path("configmaps"), make_config_map("late"));
  EXPECT_EQ(late.status, 403);
  EXPECT_NE(late.message().find("because it is being terminated"), std::string::npos)
      << late.message();
  merge(path("configmaps") + "/held", R"({"metadata":{"finalizers":null}})");
}

}  // namespace
}  // namespace contract
