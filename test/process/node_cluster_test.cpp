// The node as the kubelet of a stock control plane. Needs root, and NODE_CLUSTER_STATE: the state
// folder of a running test/cluster/up.

#include <gmock/gmock.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "io/crypto.h"
#include "io/file.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"
#include "node/kube_cluster.h"
#include "node/node.h"
#include "node/pod.h"
#include "node_machine.h"

namespace {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using testing::HasSubstr;

// A control plane, its administrator, and our node among its nodes.
struct Cluster {
  std::string state = ::getenv("NODE_CLUSTER_STATE");
  std::string name = cat("node-", ::getpid());
  io::Loop loop;
  io::SystemClock clock{loop};
  io::SystemRandom random;
  base::StreamLog log{clock, "node", 2, base::StreamLog::Form::text, base::Level::info};
  kube::Client admin{loop, clock, endpoint(state + "/admin.kubeconfig")};
  std::unique_ptr<kube::Client> own;
  std::unique_ptr<node::Node> node;

  Cluster() {
    const std::string user =
        cat("test/cluster/user --state ", state, " system:node:", name, " system:nodes >/dev/null");
    EXPECT_EQ(::system(user.c_str()), 0) << "run it in the top folder of the checkout";
    own = std::make_unique<kube::Client>(
        loop, clock, endpoint(cat(state, "/users/system-node-", name, ".kubeconfig")));
    node::NodeConfig config;
    config.name = name;
    config.directory = process::machine->directory + "/node";
    io::make_directories(config.directory, 0700);
    config.shim_socket = process::machine->socket;
    config.gateway_directory = process::machine->directory;
    config.cgroup = process::machine->cgroup;
    config.images = {process::tools_image()};
    config.logs.client_ca_pem = io::read_file(state + "/pki/ca.crt");
    node = std::make_unique<node::Node>(loop, clock, random, log, *own, config);
  }

  static kube::Endpoint endpoint(const std::string& kubeconfig) {
    return kube::make_endpoint(kube::load_kubeconfig({kubeconfig}));
  }

  void run(io::Task<> story) {
    auto whole = [](Cluster& self, io::Task<> inner) -> io::Task<> {
      io::TaskGroup group(self.loop);
      group.spawn("node", self.node->run());
      co_await io::within(self.clock, base::Duration(60'000), "the story", std::move(inner));
      group.stop();
      co_await group.join();
    };
    loop.run(whole(*this, std::move(story)));
  }

  io::Task<Json> get(std::string group, std::string plural, std::string ns, std::string what) {
    kube::Ref ref{&node::kind(group, plural), std::move(ns), std::move(what), ""};
    kube::GetOptions options;
    Json found = co_await admin.get(std::move(ref), options);
    co_return found;
  }
  io::Task<> create(std::string group, std::string plural, Json object) {
    kube::Ref ref{&node::kind(group, plural), node::space(object), "", ""};
    kube::CreateOptions options;
    co_await admin.create(std::move(ref), std::move(object), options);
  }
  io::Task<> remove(std::string group, std::string plural, std::string what) {
    kube::Ref ref{&node::kind(group, plural), "default", std::move(what), ""};
    kube::RemoveOptions options;
    options.propagation = kube::Propagation::background;
    co_await admin.remove(std::move(ref), std::move(options));
  }
  io::Task<> remove_node() {
    kube::Ref ref{&node::kind("", "nodes"), "", name, ""};
    kube::RemoveOptions options;
    co_await admin.remove(std::move(ref), std::move(options));
  }
  io::Task<std::vector<Json>> pods_of(std::string job) {
    kube::Ref ref{&node::kind("", "pods"), "default", "", ""};
    kube::ListOptions options;
    options.label_selector = "batch.kubernetes.io/job-name=" + job;
    kube::Page page = co_await admin.list(std::move(ref), std::move(options));
    co_return std::vector<Json>(page.items.begin(), page.items.end());
  }
  io::Task<std::string> log_of(std::string pod, std::string container, bool follow) {
    kube::Ref ref{&node::kind("", "pods"), "default", std::move(pod), ""};
    kube::LogOptions options;
    options.container = std::move(container);
    options.follow = follow;
    std::unique_ptr<kube::LogStream> stream =
        co_await admin.log(std::move(ref), std::move(options));
    std::string out;
    for (;;) {
      std::optional<std::string> piece = co_await stream->next();
      if (!piece) break;
      out += *piece;
    }
    co_return out;
  }
};

bool has_condition(const Json& object, std::string_view type) {
  for (const auto& each : node::items(object, {"status", "conditions"}))
    if (base::text_at(each, {"type"}) == type) return base::text_at(each, {"status"}) == "True";
  return false;
}

Json container(std::string name, std::string script) {
  return JsonObject{{"name", name},
                    {"image", "sympozium/tools"},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"command", JsonArray{"/bin/sh", "-c", script}}};
}

Json job(const std::string& name, const std::string& node_name) {
  Json bridge =
      container("ipc-bridge",
                "trap 'echo told; exit 0' TERM; cat /token/token | head -c 20; echo; echo up; "
                "while true; do sleep 0.05; done");
  bridge.as_object()["restartPolicy"] = "Always";
  bridge.as_object()["volumeMounts"] = JsonArray{{{"name", "token"}, {"mountPath", "/token"}}};
  Json agent = container("agent", "for i in 1 2 3; do echo step $i; sleep 0.1; done");
  return JsonObject{
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata", {{"name", name}, {"namespace", "default"}}},
      {"spec",
       {{"template",
         {{"spec",
           {{"restartPolicy", "OnFailure"},
            {"automountServiceAccountToken", false},
            {"nodeSelector", {{"kubernetes.io/hostname", node_name}}},
            {"initContainers", JsonArray{bridge}},
            {"containers", JsonArray{agent}},
            {"volumes",
             JsonArray{{{"name", "token"},
                        {"projected",
                         {{"sources", JsonArray{{{"serviceAccountToken",
                                                  {{"path", "token"},
                                                   {"audience", "sympozium-gateway"},
                                                   {"expirationSeconds", 600}}}}}}}}}}}}}}}}}};
}

class NodeCluster : public testing::Test {
 protected:
  void SetUp() override {
    if (!process::machine) GTEST_SKIP() << "needs root";
    if (!::getenv("NODE_CLUSTER_STATE")) GTEST_SKIP() << "needs NODE_CLUSTER_STATE";
    io::init_crypto();
    cluster = std::make_unique<Cluster>();
  }
  std::unique_ptr<Cluster> cluster;
};

TEST_F(NodeCluster, CompletesAJobWithASidecarAndServesItsLogs) {
  auto story = [](Cluster& self) -> io::Task<> {
    const base::Duration moment(20);
    const std::string name = self.name + "-job";
    Json wanted = job(name, self.name);
    co_await self.create("batch", "jobs", std::move(wanted));
    std::vector<Json> pods;
    while (pods.empty()) {
      co_await io::sleep(self.clock, moment);
      pods = co_await self.pods_of(name);
    }
    const std::string pod = node::name(pods[0]);
    for (;;) {
      Json now = co_await self.get("", "pods", "default", pod);
      if (base::text_at(now, {"status", "phase"}) == "Running") break;
      co_await io::sleep(self.clock, moment);
    }
    std::string log = co_await self.log_of(pod, "agent", true);
    EXPECT_EQ(log, "step 1\nstep 2\nstep 3\n");
    for (;;) {
      Json now = co_await self.get("batch", "jobs", "default", name);
      if (has_condition(now, "Complete")) break;
      co_await io::sleep(self.clock, moment);
    }
    Json done = co_await self.get("", "pods", "default", pod);
    EXPECT_EQ(base::text_at(done, {"status", "phase"}), "Succeeded");
    std::string bridge = co_await self.log_of(pod, "ipc-bridge", false);
    EXPECT_THAT(bridge, HasSubstr("up\ntold\n"));
    EXPECT_THAT(bridge, HasSubstr("eyJ")) << "a token that the API server issued";
    co_await self.remove("batch", "jobs", name);
    while (!pods.empty()) {
      co_await io::sleep(self.clock, moment);
      pods = co_await self.pods_of(name);
    }
    co_await self.remove_node();
  };
  cluster->run(story(*cluster));
}

}  // namespace
