// Jobs, placement and garbage collection, by whoever does them: our loops beside our server, the
// stock controllers beside a stock one.
#include "base/text.h"
#include "contract/contract.h"
#include "io/tls.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"
#include "loops/binder.h"
#include "loops/gc_loop.h"
#include "loops/job_loop.h"
#include "objects/kinds.h"

namespace contract {
namespace {

class Silent final : public base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

enum class WithJobs : bool { no, yes };

// Our three loops as clients of the server; without the job loop the stock one takes its place.
struct OwnLoops {
  OwnLoops(io::Loop& loop, const std::string& kubeconfig, WithJobs with_jobs)
      : clock(loop),
        api(loop, clock, kube::make_endpoint(kube::load_kubeconfig({kubeconfig}))),
        jobs(loop, clock, random, log, metrics, api),
        binder(loop, clock, random, log, metrics, api),
        collector(loop, clock, random, log, metrics, api, kinds()),
        tasks(loop) {
    if (with_jobs == WithJobs::yes) tasks.spawn("jobs", jobs.run());
    tasks.spawn("binder", binder.run());
    tasks.spawn("gc", collector.run());
  }
  static std::vector<const schema::KindInfo*> kinds() {
    std::vector<const schema::KindInfo*> out;
    for (auto [group, plural] : {std::pair{"", "namespaces"},
                                 {"", "pods"},
                                 {"", "secrets"},
                                 {"", "configmaps"},
                                 {"", "serviceaccounts"},
                                 {"batch", "jobs"},
                                 {"rbac.authorization.k8s.io", "roles"},
                                 {"rbac.authorization.k8s.io", "rolebindings"},
                                 {"sympozium.ai", "agentruns"}})
      out.push_back(objects::find_kind(group, plural));
    return out;
  }

  io::SystemClock clock;
  io::SystemRandom random;
  Silent log;
  controller::Metrics metrics;
  kube::Client api;
  loops::JobLoop jobs;
  loops::Binder binder;
  loops::GcLoop collector;
  io::TaskGroup tasks;
};

struct Loops : Contract {
  explicit Loops(WithJobs with_jobs = WithJobs::yes) {
    if (provider().is_own())
      own = std::make_unique<OwnLoops>(loop(), provider().kubeconfig("admin", {"system:masters"}),
                                       with_jobs);
    create("/api/v1/nodes",
           base::parse_json(base::cat(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")",
                                      node(), R"("}})")));
    merge("/api/v1/nodes/" + node() + "/status",
          R"({"status":{"allocatable":{"cpu":"8","memory":"8Gi","pods":"100"},
              "capacity":{"cpu":"8","memory":"8Gi","pods":"100"},
              "conditions":[{"type":"Ready","status":"True","reason":"KubeletReady"}]}})");
  }
  ~Loops() override {
    be_admin();
    ask("DELETE", "/api/v1/nodes/" + node());
    if (!own) return;
    own->tasks.stop();
    loop().run(own->tasks.join());
  }
  std::string node() const { return "node-" + ns(); }

  static Json job(const std::string& name) {
    auto object = make_job(name);
    object.as_object()["spec"].as_object()["template"].as_object()["spec"].as_object().erase(
        "schedulerName");
    return object;
  }
  // The one pod of a Job, once there is one that satisfies `wanted`.
  Json pod_of(const std::string& name, const std::function<bool(const Json&)>& wanted) {
    Json found;
    EXPECT_TRUE(eventually([&] {
      auto list =
          ask("GET", path("pods") + "?labelSelector=batch.kubernetes.io/job-name%3D" + name);
      for (const auto& pod : list.body.at("items").as_array())
        if (wanted(pod)) found = pod;
      return !found.is_null();
    }));
    return found;
  }
  bool job_is(const std::string& name, const std::string& type) {
    return eventually([&] {
      auto job = ask("GET", path("jobs") + "/" + name);
      auto list = base::find(job.body, {"status", "conditions"});
      if (!list || !list->is_array()) return false;
      for (const auto& condition : list->as_array())
        if (text_at(condition, {"type"}) == type && text_at(condition, {"status"}) == "True")
          return true;
      return false;
    });
  }
  static bool is_bound(const Json& pod) { return !text_at(pod, {"spec", "nodeName"}).empty(); }

  std::unique_ptr<OwnLoops> own;
};

TEST_F(Loops, CarryAJobToItsCompletion) {
  create(path("jobs"), job("j"));
  auto pod = pod_of("j", is_bound);
  ASSERT_FALSE(pod.is_null());
  auto name = text_at(pod, {"metadata", "name"});
  EXPECT_TRUE(name.starts_with("j-"));
  EXPECT_EQ(text_at(pod.at("metadata").at("ownerReferences").at(0), {"kind"}), "Job");
  merge(path("pods") + "/" + name + "/status", R"({"status":{"phase":"Succeeded"}})");
  EXPECT_TRUE(job_is("j", "Complete"));
  auto done = ask("GET", path("jobs") + "/j");
  EXPECT_EQ(base::find_int(done.body, {"status", "succeeded"}), 1);
  EXPECT_FALSE(text_at(done.body, {"status", "completionTime"}).empty());
  auto after = ask("GET", path("pods") + "/" + name);
  EXPECT_FALSE(base::find(after.body, {"metadata", "finalizers"}));
}

TEST_F(Loops, FailAJobWhosePodRestartsTooOften) {
  auto object = job("j");
  base::ensure(object, {"spec", "backoffLimit"}) = 2;
  base::ensure(object, {"spec", "template", "spec", "restartPolicy"}) = "OnFailure";
  create(path("jobs"), object);
  auto pod = pod_of("j", is_bound);
  ASSERT_FALSE(pod.is_null());
  auto name = text_at(pod, {"metadata", "name"});
  merge(
      path("pods") + "/" + name + "/status",
      R"({"status":{"phase":"Running","containerStatuses":[{"name":"main","image":"busybox:1","imageID":"",
            "ready":true,"restartCount":2,"state":{"running":{"startedAt":"2026-01-02T03:04:05Z"}}}]}})");
  EXPECT_TRUE(job_is("j", "FailureTarget"));
  EXPECT_TRUE(eventually([&] {
    return !text_at(ask("GET", path("pods") + "/" + name).body, {"metadata", "deletionTimestamp"})
                .empty();
  }));
  merge(path("pods") + "/" + name + "/status", R"({"status":{"phase":"Failed"}})");
  ask("DELETE", path("pods") + "/" + name, R"({"gracePeriodSeconds":0})");
  EXPECT_TRUE(job_is("j", "Failed"));
  EXPECT_EQ(ask("GET", path("pods") + "/" + name).status, 404);
}

TEST_F(Loops, CollectWhatADeletedJobOwned) {
  create(path("jobs"), job("j"));
  auto pod = pod_of("j", is_bound);
  ASSERT_FALSE(pod.is_null());
  auto name = text_at(pod, {"metadata", "name"});
  merge(path("pods") + "/" + name + "/status", R"({"status":{"phase":"Succeeded"}})");
  EXPECT_TRUE(job_is("j", "Complete"));
  ask("DELETE", path("jobs") + "/j", R"({"propagationPolicy":"Background"})");
  EXPECT_TRUE(eventually([&] { return ask("GET", path("pods") + "/" + name).status == 404; }));
}

// The stock job controller on our server.
struct StockJobController : Loops {
  StockJobController() : Loops(WithJobs::no) {}
  void SetUp() override {
    if (!provider().is_own()) GTEST_SKIP() << "it works there anyhow";
    auto program = find_stock_program("kube-controller-manager");
    if (program.empty()) GTEST_SKIP() << "no kube-controller-manager: run test/cluster/build";
    auto kubeconfig = provider().kubeconfig("admin", {"system:masters"});
    io::ProcessSpec spec;
    spec.argv = {program,
                 "--kubeconfig=" + kubeconfig,
                 "--controllers=job-controller",
                 "--kube-api-content-type=application/json",
                 "--leader-elect=false",
                 "--secure-port=0",
                 "--use-service-account-credentials=false"};
    spec.env = {"PATH=/usr/bin:/bin"};
    process = std::make_unique<io::Process>(loop(), spec);
  }
  void TearDown() override {
    if (!process) return;
    process->kill(9);
    loop().run(process->wait());
  }
  std::unique_ptr<io::Process> process;
};

TEST_F(StockJobController, CarriesAJobToItsCompletion) {
  create(path("jobs"), job("j"));
  Json pod;
  ASSERT_TRUE(eventually(
      [&] {
        auto list = ask("GET", path("pods") + "?labelSelector=batch.kubernetes.io/job-name%3Dj");
        for (const auto& one : list.body.at("items").as_array())
          if (is_bound(one)) pod = one;
        return !pod.is_null();
      },
      base::Duration(30'000)));
  auto name = text_at(pod, {"metadata", "name"});
  merge(path("pods") + "/" + name + "/status", R"({"status":{"phase":"Succeeded"}})");
  EXPECT_TRUE(job_is("j", "Complete"));
  auto after = ask("GET", path("pods") + "/" + name);
  EXPECT_FALSE(base::find(after.body, {"metadata", "finalizers"}));
}

TEST_F(Loops, DeleteDependentsFirstWhenAskedTo) {
  auto owner = create(path("configmaps"), make_config_map("owner"));
  auto child = make_config_map("child");
  base::ensure(child, {"metadata", "ownerReferences"}) =
      JsonArray{Json(JsonObject{{"apiVersion", "v1"},
                                {"kind", "ConfigMap"},
                                {"name", "owner"},
                                {"uid", text_at(owner.body, {"metadata", "uid"})},
                                {"blockOwnerDeletion", true}})};
  base::ensure(child, {"metadata", "finalizers"}) = JsonArray{"example.com/hold"};
  ASSERT_EQ(create(path("configmaps"), child).status, 201);
  ask("DELETE", path("configmaps") + "/owner", R"({"propagationPolicy":"Foreground"})");
  EXPECT_TRUE(eventually([&] {
    return !text_at(ask("GET", path("configmaps") + "/child").body,
                    {"metadata", "deletionTimestamp"})
                .empty();
  }));
  EXPECT_EQ(ask("GET", path("configmaps") + "/owner").status, 200);
  auto read = ask("GET", path("configmaps") + "/child");
  merge(path("configmaps") + "/child", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(eventually([&] { return ask("GET", path("configmaps") + "/child").status == 404; }));
  EXPECT_TRUE(eventually([&] { return ask("GET", path("configmaps") + "/owner").status == 404; }));
}

TEST_F(Loops, SpareADependentThatHasAnotherOwner) {
  JsonArray owners;
  for (std::string name : {"goes", "stays"}) {
    auto owner = create(path("configmaps"), make_config_map(name));
    owners.push_back(JsonObject{{"apiVersion", "v1"},
                                {"kind", "ConfigMap"},
                                {"name", name},
                                {"uid", text_at(owner.body, {"metadata", "uid"})},
                                {"blockOwnerDeletion", true}});
  }
  auto child = make_config_map("child");
  base::ensure(child, {"metadata", "ownerReferences"}) = owners;
  ASSERT_EQ(create(path("configmaps"), child).status, 201);
  ask("DELETE", path("configmaps") + "/goes", R"({"propagationPolicy":"Foreground"})");
  EXPECT_TRUE(eventually([&] { return ask("GET", path("configmaps") + "/goes").status == 404; }));
  auto left = ask("GET", path("configmaps") + "/child").body;
  EXPECT_EQ(text_at(left, {"metadata", "deletionTimestamp"}), "");
  ASSERT_EQ(left.at("metadata").at("ownerReferences").as_array().size(), 1u);
  EXPECT_EQ(text_at(left.at("metadata").at("ownerReferences").at(0), {"name"}), "stays");
}

// What the namespace says of its end: a condition's status, reason and message.
struct Namespaces : Loops {
  std::string condition(const std::string& type) {
    auto seen = ask("GET", "/api/v1/namespaces/" + ns()).body;
    if (auto list = base::find(seen, {"status", "conditions"}); list && list->is_array())
      for (const auto& one : list->as_array())
        if (text_at(one, {"type"}) == type)
          return base::cat(text_at(one, {"status"}), " ", text_at(one, {"reason"}), ": ",
                           text_at(one, {"message"}));
    return "";
  }
  bool gone() {
    return eventually([&] { return ask("GET", "/api/v1/namespaces/" + ns()).status == 404; },
                      base::Duration(60'000));
  }
};

TEST_F(Namespaces, AreEmptiedOfPodsFirst) {
  auto pod = make_pod("p");
  base::ensure(pod, {"metadata", "finalizers"}) = JsonArray{"example.com/hold"};
  ASSERT_EQ(create(path("pods"), pod).status, 201);
  create(path("configmaps"), make_config_map("a"));
  ask("DELETE", "/api/v1/namespaces/" + ns());
  EXPECT_TRUE(eventually([&] { return !condition("NamespaceDeletionContentFailure").empty(); }));
  auto seen = ask("GET", path("pods") + "/p");
  EXPECT_NE(text_at(seen.body, {"metadata", "deletionTimestamp"}), "");
  EXPECT_EQ(ask("GET", path("configmaps") + "/a").status, 200);
  merge(path("pods") + "/p", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(gone());
}

TEST_F(Namespaces, TellWhatTheyWaitFor) {
  auto map = make_config_map("a");
  base::ensure(map, {"metadata", "finalizers"}) = JsonArray{"example.com/hold"};
  ASSERT_EQ(create(path("configmaps"), map).status, 201);
  ask("DELETE", "/api/v1/namespaces/" + ns());
  EXPECT_TRUE(eventually([&] {
    return condition("NamespaceFinalizersRemaining") ==
           "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: "
           "example.com/hold in 1 resource instances";
  }));
  EXPECT_EQ(condition("NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource "
            "instances");
  EXPECT_EQ(condition("NamespaceDeletionDiscoveryFailure"),
            "False ResourcesDiscovered: All resources successfully discovered");
  merge(path("configmaps") + "/a", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(gone());
}

TEST_F(Namespaces, KeepTheFinalizersOfOthers) {
  auto whole = ask("GET", "/api/v1/namespaces/" + ns()).body;
  base::ensure(whole, {"spec", "finalizers"}) = JsonArray{"kubernetes", "example.com/hold"};
  auto target = "/api/v1/namespaces/" + ns() + "/finalize";
  EXPECT_EQ(ask("PUT", target, base::to_text(whole)).status, 200);
  ask("DELETE", "/api/v1/namespaces/" + ns());
  Json left;
  EXPECT_TRUE(eventually([&] {
    left = ask("GET", "/api/v1/namespaces/" + ns()).body;
    return left.at("spec").at("finalizers") == JsonArray{"example.com/hold"};
  })) << base::to_text(left);
  left.as_object()["spec"] = JsonObject{};
  EXPECT_EQ(ask("PUT", target, base::to_text(left)).status, 200);
  EXPECT_TRUE(gone());
}

TEST_F(Loops, EmptyADeletedNamespace) {
  create(path("configmaps"), make_config_map("a"));
  ask("DELETE", "/api/v1/namespaces/" + ns());
  EXPECT_TRUE(eventually([&] { return ask("GET", "/api/v1/namespaces/" + ns()).status == 404; },
                         base::Duration(30'000)));
}

TEST_F(Loops, SayWhyAPodWaits) {
  auto object = make_pod("p");
  object.as_object()["spec"].as_object().erase("schedulerName");
  base::ensure(object, {"spec", "nodeSelector", "example.com/none"}) = "such";
  create(path("pods"), object);
  EXPECT_TRUE(eventually([&] {
    auto pod = ask("GET", path("pods") + "/p");
    auto list = base::find(pod.body, {"status", "conditions"});
    return list && list->is_array() && !list->as_array().empty() &&
           text_at(list->as_array()[0], {"reason"}) == "Unschedulable";
  }));
}

}  // namespace
}  // namespace contract
