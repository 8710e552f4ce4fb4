// The reconcilers on a stock control plane (kube-apiserver and its Job controller); only the
// kubelet's and the gateway's words are the test's. CONTRACT_KUBECONFIG names the state folder of
// test/cluster/up; without it these cases are skipped.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "controller/write.h"
#include "faults/story.h"
#include "io/file.h"
#include "kube/client.h"
#include "kube/yaml.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"
#include "objects/namespace.h"
#include "objects/node.h"
#include "objects/rbac.h"
#include "reconcilers/manager.h"

namespace faults {
namespace {

class QuietLog final : public base::Log {
 public:
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level < base::Level::warn) return;
    std::string line(message);
    for (const auto& [key, value] : fields) line += " " + key + "=" + value;
    std::fprintf(stderr, "%s\n", line.c_str());
  }
};

constexpr schema::KindInfo crd_kind{.group = "apiextensions.k8s.io",
                                    .version = "v1",
                                    .kind = "CustomResourceDefinition",
                                    .plural = "customresourcedefinitions",
                                    .singular = "customresourcedefinition",
                                    .scope = schema::Scope::cluster};

class StockRun : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("CONTRACT_KUBECONFIG");
    if (!named) GTEST_SKIP() << "CONTRACT_KUBECONFIG is not set";
    std::string file = named;
    if (std::filesystem::is_directory(file)) file += "/admin.kubeconfig";
    api = std::make_unique<kube::Client>(loop, clock,
                                         kube::make_endpoint(kube::load_kubeconfig({file})));
    cast.ns = "run-" + base::random_suffix(random, 6);
    loop.run(prepare());
    reconcilers::Config config;
    config.ns = cast.ns;
    config.runs.retention = base::Duration(3'000);
    manager =
        std::make_unique<reconcilers::Manager>(loop, clock, random, log, *api, std::move(config));
    group.spawn("manager", manager->run());
  }
  void TearDown() override {
    if (!api) return;
    manager->stop();
    loop.run(group.join());
    kube::Ref ref{&objects::Namespace::info, {}, cast.ns, {}};
    loop.run(controller::remove_if_there(*api, ref, {}));
    loop.run(controller::remove_if_there(*api, node(), {}));
  }
  // A place for pods; nobody runs them.
  kube::Ref node(std::string subresource = {}) const {
    return {&objects::Node::info, {}, cast.ns, std::move(subresource)};
  }

  io::Task<> prepare() {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(SYMPOZIUM_SOURCE_DIR) +
                                                                 "/generated/crds")) {
      const std::string path = entry.path().string();
      for (auto& document : kube::parse_yaml(io::read_file(path), path)) {
        const kube::Ref ref{&crd_kind, {}, base::text_at(document.value, {"metadata", "name"}), {}};
        co_await controller::create_or_get(*api, ref, document.value);
      }
    }
    const kube::Ref ref{&objects::Namespace::info, {}, cast.ns, {}};
    base::Json ns{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", cast.ns}}}};
    co_await api->create(ref, ns, {});
    co_await cast.create(*api);
    const kube::Ref place = node(), its_status = node("status");
    base::Json made{{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", cast.ns}}}};
    co_await api->create(place, made, {});
    base::Json ready = node_ready();
    co_await api->patch(its_status, ready, {});
  }

  base::Json get(const kube::Ref& ref) {
    auto found = loop.run(kube::find(*api, ref));
    return found ? *found : base::Json();
  }
  base::Json run(const std::string& name) { return get(run_ref(cast.ns, name)); }
  void create_run(base::Json object) {
    loop.run(api->create(run_ref(cast.ns, ""), std::move(object), {}));
  }
  // Waits until the object at `ref` satisfies `holds`; the last state.
  base::Json eventually(const kube::Ref& ref, const std::function<bool(const base::Json&)>& holds) {
    base::Json last;
    for (int i = 0; i < 1'000; ++i) {
      last = get(ref);
      if (holds(last)) return last;
      loop.run(io::sleep(clock, base::Duration(20)));
    }
    ADD_FAILURE() << "it never came; last: " << base::to_text(last);
    return last;
  }
  base::Json until_phase(const std::string& name, const std::string& phase) {
    return eventually(run_ref(cast.ns, name), [&](const base::Json& o) {
      return base::text_at(o, {"status", "phase"}) == phase;
    });
  }
  std::string until_pod(const std::string& name) {
    const base::Json seen = eventually(run_ref(cast.ns, name), [](const base::Json& o) {
      return !base::text_at(o, {"status", "podUID"}).empty();
    });
    const std::string pod = base::text_at(seen, {"status", "podName"});
    eventually(pod_ref(cast.ns, pod),
               [](const base::Json& o) { return !base::text_at(o, {"spec", "nodeName"}).empty(); });
    return pod;
  }
  void report(const std::string& pod, base::Json status) {
    loop.run(report_pod(*api, cast.ns, pod, std::move(status)));
  }

  io::Loop loop;
  io::SystemClock clock{loop};
  io::SystemRandom random;
  QuietLog log;
  Cast cast;
  std::unique_ptr<kube::Client> api;
  std::unique_ptr<reconcilers::Manager> manager;
  io::TaskGroup group{loop};
};

TEST_F(StockRun, GoesFromPendingOverRunningToSucceededAndItsJobIsRemovedLater) {
  create_run(cast.run("one"));
  const std::string pod = until_pod("one");
  report(pod, pod_running());
  until_phase("one", "Running");
  loop.run(report_outcome(*api, cast.ns, "one", outcome_success("42")));
  const base::Json done = until_phase("one", "Succeeded");
  EXPECT_EQ(base::text_at(done, {"status", "result"}), "42");
  EXPECT_EQ(base::text_at(done, {"status", "jobName"}), "one");
  EXPECT_EQ(base::find_int(done, {"status", "attempt"}), 1);
  EXPECT_NE(base::find(done, {"status", "completedAt"}), nullptr);
  report(pod, pod_succeeded());
  eventually(run_ref(cast.ns, "one"),
             [](const base::Json& o) { return base::find_int(o, {"status", "exitCode"}) == 0; });
  eventually(job_ref(cast.ns, "one"), [](const base::Json& o) { return o.is_null(); });
}

TEST_F(StockRun, LetsTheGatewayReadTheOneSecretAndNothingElse) {
  create_run(cast.run("access"));
  until_pod("access");
  const base::Json role = get({&objects::Role::info, cast.ns, "sympozium-gateway-key", {}});
  EXPECT_EQ(
      base::to_text(*base::find(role, {"rules"})),
      R"([{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["key"]}])");
  EXPECT_FALSE(get({&objects::RoleBinding::info, cast.ns, "sympozium-gateway-key", {}}).is_null());
}

TEST_F(StockRun, IsRefusedWithEveryIssueAndNothingIsMade) {
  base::Json refused = cast.run("refused");
  refused.at("spec").get_object()["timeout"] = "0s";
  refused.at("spec").at("model").get_object()["authSecretRef"] = "absent";
  create_run(std::move(refused));
  const base::Json run = until_phase("refused", "Failed");
  const std::string error = base::text_at(run, {"status", "error"});
  EXPECT_NE(error.find("spec.timeout"), std::string::npos) << error;
  EXPECT_NE(error.find("spec.model.authSecretRef: there is no Secret \"absent\""),
            std::string::npos)
      << error;
  EXPECT_TRUE(get(job_ref(cast.ns, "refused")).is_null());
}

TEST_F(StockRun, EndsWithItsTimeoutAndItsJobGoes) {
  base::Json slow = cast.run("slow");
  slow.at("spec").get_object()["timeout"] = "1s";
  create_run(std::move(slow));
  const std::string pod = until_pod("slow");
  report(pod, pod_running());
  const base::Json run = until_phase("slow", "Failed");
  // The second may be over before the controller has heard that the agent runs; it then says so.
  const std::string error = base::text_at(run, {"status", "error"});
  EXPECT_TRUE(error.starts_with("timeout after 1s")) << error;
  eventually(job_ref(cast.ns, "slow"), [](const base::Json& o) { return o.is_null(); });
}

TEST_F(StockRun, LeavesNothingBehindWhenItIsDeletedWhileItRuns) {
  create_run(cast.run("gone"));
  const std::string pod = until_pod("gone");
  loop.run(controller::remove_if_there(*api, run_ref(cast.ns, "gone"), {}));
  eventually(run_ref(cast.ns, "gone"), [](const base::Json& o) { return o.is_null(); });
  eventually(job_ref(cast.ns, "gone"), [](const base::Json& o) { return o.is_null(); });
  eventually(pod_ref(cast.ns, pod), [](const base::Json& o) {
    return o.is_null() || base::find(o, {"metadata", "deletionTimestamp"});
  });
}

TEST_F(StockRun, CountsAReplacedPodAsTheNextAttempt) {
  create_run(cast.run("oom"));
  const std::string pod = until_pod("oom");
  report(pod, pod_agent_failed(137, "OOMKilled"));
  const base::Json seen = eventually(run_ref(cast.ns, "oom"), [](const base::Json& o) {
    return base::find_int(o, {"status", "attempt"}).value_or(0) >= 2;
  });
  EXPECT_EQ(base::text_at(seen, {"status", "phase"}), "Running");  // nothing goes back to Pending
  EXPECT_NE(base::text_at(seen, {"status", "podName"}), pod);
  EXPECT_EQ(base::find(seen, {"status", "exitCode"}), nullptr);
}

}  // namespace
}  // namespace faults
