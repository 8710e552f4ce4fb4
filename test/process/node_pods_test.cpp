// Pods through the node's engine, its shim and crun, on this machine. Needs root.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/encoding.h"
#include "base/text.h"
#include "io/file.h"
#include "io/sync.h"
#include "node/logs.h"
#include "node/pod.h"
#include "node/pod_worker.h"
#include "node_machine.h"

namespace {

namespace fs = std::filesystem;
using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using process::machine;
using process::tools_image;
using testing::HasSubstr;
using testing::Not;

// Takes note of what a worker tells the API server, and hands out what the test has put in.
class Notebook final : public node::Cluster {
 public:
  std::map<std::string, Json> config_maps, secrets;
  Json pod;
  std::vector<std::string> phases, events;
  int tokens = 0;
  bool removed = false;
  std::function<void()> on_status = [] {};

  io::Task<std::optional<Json>> find_config_map(std::string, std::string name) override {
    co_return look(config_maps, name);
  }
  io::Task<std::optional<Json>> find_secret(std::string, std::string name) override {
    co_return look(secrets, name);
  }
  io::Task<node::Token> request_token(Json, node::TokenNeed need) override {
    ++tokens;
    const auto now = std::chrono::time_point_cast<base::Duration>(base::Time::clock::now());
    co_return node::Token{base::Secret<std::string>(cat("token for ", need.audience)),
                          now + std::chrono::seconds(need.seconds)};
  }
  io::Task<Json> patch_status(Json, Json patch) override {
    base::merge_patch(pod, patch);
    const std::string phase = base::text_at(pod, {"status", "phase"});
    if (phases.empty() || phases.back() != phase) phases.push_back(phase);
    on_status();
    co_return pod;
  }
  io::Task<> remove_pod(Json) override {
    removed = true;
    on_status();
    co_return;
  }
  io::Task<> report(Json, node::EventType, std::string reason, std::string message) override {
    events.push_back(reason + ": " + message);
    on_status();
    co_return;
  }

 private:
  static std::optional<Json> look(const std::map<std::string, Json>& in, const std::string& name) {
    auto at = in.find(name);
    if (at == in.end()) return std::nullopt;
    return at->second;
  }
};

// What a node's process holds.
struct Node {
  io::Loop loop;
  io::SystemClock clock{loop};
  base::StreamLog log{clock, "node", 2, base::StreamLog::Form::text, base::Level::warn};
  io::BlockingPool blocking;
  node::ShimRuntime runtime{loop, clock, log, machine->directory + "/shim.sock"};
  node::Images images{machine->directory + "/images", {tools_image()}};
  Notebook notebook;
  node::Settings settings;
  std::unique_ptr<node::PodWorker> worker;

  Node() {
    settings.pods_directory = machine->directory + "/pods";
    settings.gateway_directory = machine->directory + "/gateway";
    settings.cgroup = machine->cgroup;
    settings.facts = {"test-node", "127.0.0.1", "127.0.0.1", 2000, std::int64_t{4} << 30};
    settings.machine = {2000, std::int64_t{4} << 30, 0, 64};
    fs::create_directories(settings.gateway_directory);
  }
  node::World world() { return {loop, clock, log, blocking, runtime, notebook, images, settings}; }

  // Runs the pod until `reached` holds of what the API server knows, then `then`; with `clear`,
  // until nothing of it is left.
  void run(Json pod, std::function<bool(const Json&)> reached, bool clear = true) {
    notebook.pod = pod;
    auto story = [](Node& self, Json what, std::function<bool(const Json&)> until,
                    bool clear_up) -> io::Task<> {
      io::TaskGroup group(self.loop);
      self.worker = std::make_unique<node::PodWorker>(self.world(), what);
      auto changed = [&self](const std::string&) { self.worker->wake(); };
      group.spawn("following the shim", self.runtime.follow(changed));
      co_await self.runtime.ready();
      io::Event done;
      self.notebook.on_status = [&] {
        if (until(self.notebook.pod)) done.set();
      };
      group.spawn("worker", self.worker->run());
      io::Task<> waiting = done.wait();
      co_await io::within(self.clock, base::Duration(60'000), "the story", std::move(waiting));
      self.notebook.on_status = [] {};
      self.log_text.clear();
      for (const auto& container : node::containers(what))
        self.log_text[container.name] =
            node::read_log(self.worker->log_files(container.name, false), {});
      if (clear_up) {
        self.worker->gone();
        while (!self.runtime.list().empty() || fs::exists(self.directory_of(what)))
          co_await io::sleep(self.clock, base::Duration(5));
      }
      group.stop();
      co_await group.join();
    };
    io::Task<> whole = story(*this, std::move(pod), std::move(reached), clear);
    loop.run(std::move(whole));
  }
  std::string directory_of(const Json& pod) const {
    return settings.pods_directory + "/" + node::uid(pod);
  }
  std::map<std::string, std::string> log_text;
};

int pods_made = 0;

Json container(std::string name, std::string script) {
  return JsonObject{{"name", name},
                    {"image", "registry.example/team/sympozium/tools:v1"},
                    {"command", JsonArray{"/bin/sh", "-c", script}},
                    {"securityContext",
                     {{"readOnlyRootFilesystem", true},
                      {"allowPrivilegeEscalation", false},
                      {"runAsUser", 1000},
                      {"runAsGroup", 1000},
                      {"capabilities", {{"drop", JsonArray{"ALL"}}}}}}};
}

Json make_pod(JsonArray containers, JsonObject spec = {}) {
  spec["containers"] = std::move(containers);
  if (!spec.contains("restartPolicy")) spec["restartPolicy"] = "Never";
  return JsonObject{
      {"metadata",
       {{"name", cat("pod-", ++pods_made)},
        {"namespace", "demo"},
        {"uid", cat("00000000-0000-4000-8000-", 100000000000 + ::getpid() * 1000 + pods_made)}}},
      {"spec", spec},
      {"status", {{"phase", "Pending"}}}};
}

bool is_over(const Json& pod) {
  const std::string phase = base::text_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

const Json& status_of(const Json& pod, std::string_view container,
                      std::string_view list = "containerStatuses") {
  return *node::named(node::items(pod, {"status", list}), container);
}

std::int64_t exit_code(const Json& pod, std::string_view container) {
  return base::find_int(status_of(pod, container), {"state", "terminated", "exitCode"})
      .value_or(-1);
}

class NodePods : public testing::Test {
 protected:
  void SetUp() override {
    if (!machine) GTEST_SKIP() << "needs root";
    node = std::make_unique<Node>();
  }
  std::unique_ptr<Node> node;
};

TEST_F(NodePods, RunsAContainerToItsEndAndKeepsItsLog) {
  node->run(make_pod({container("main", "echo hello; echo oops >&2; exit 3")}), is_over);
  EXPECT_EQ(exit_code(node->notebook.pod, "main"), 3);
  EXPECT_EQ(node->notebook.phases.back(), "Failed");
  EXPECT_THAT(node->log_text["main"], HasSubstr("hello\n"));
  EXPECT_THAT(node->log_text["main"], HasSubstr("oops\n"));
}

TEST_F(NodePods, GivesAnAgentNothingOfTheHost) {
  node->run(make_pod({container(
                "main",
                "id; ip addr | grep -c ' UP\\|,UP'; ip link | grep -c '^[0-9]'; "
                "touch /etc/x || echo root is read-only; "
                "mknod /tmp/d b 254 0 || echo no device; "
                "head -c 4 /dev/urandom >/dev/null && echo urandom; "
                "mount -t tmpfs x /tmp || echo no mount; "
                "echo 1 >/proc/sys/kernel/panic || echo no sysctl; "
                "ps | wc -l; hostname; ls /sys | wc -l; ls / | wc -l; "
                "cat /proc/self/status | grep -e CapEff -e CapBnd -e NoNewPrivs -e Seccomp:")}),
            is_over);
  const std::string& log = node->log_text["main"];
  EXPECT_THAT(log, HasSubstr("uid=1000 gid=1000"));
  EXPECT_THAT(log, HasSubstr("root is read-only"));
  EXPECT_THAT(log, HasSubstr("no device"));
  EXPECT_THAT(log, HasSubstr("urandom"));
  EXPECT_THAT(log, HasSubstr("no mount"));
  EXPECT_THAT(log, HasSubstr("no sysctl"));
  EXPECT_THAT(log, HasSubstr(node::name(node->notebook.pod)));
  EXPECT_THAT(log, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("CapBnd:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(log, HasSubstr("Seccomp:\t2"));
  EXPECT_THAT(log, HasSubstr("\n1\n1\n")) << "one link, lo, and it is up:\n" << log;
}

TEST_F(NodePods, SharesNetworkAndHostNameButNotProcesses) {
  node->run(make_pod({container("a",
                                "readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink "
                                "/proc/self/ns/ipc"),
                      container("b",
                                "readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink "
                                "/proc/self/ns/ipc; echo pid $PPID")}),
            is_over);
  EXPECT_EQ(node->log_text["a"] + "pid 0\n", node->log_text["b"]);
}

TEST_F(NodePods, NamesAnOutOfMemoryKill) {
  Json hungry = container("main", "head -c 100m /dev/zero | tail -c 90m | wc -c; exit 9");
  hungry.as_object()["command"] =
      JsonArray{"/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"};
  hungry.as_object()["resources"] = {{"limits", {{"memory", "16Mi"}}}};
  node->run(make_pod({hungry}), is_over);
  EXPECT_EQ(base::text_at(status_of(node->notebook.pod, "main"), {"state", "terminated", "reason"}),
            "OOMKilled");
  EXPECT_EQ(exit_code(node->notebook.pod, "main"), 137);
}

TEST_F(NodePods, BoundsTheNumberOfProcesses) {
  node->run(make_pod({container(
                "main", "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo all")}),
            is_over);
  EXPECT_THAT(node->log_text["main"], HasSubstr("fork"));
  EXPECT_THAT(node->log_text["main"], Not(HasSubstr("all")));
}

TEST_F(NodePods, StartsSidecarsFirstAndStopsThemLast) {
  Json sidecar = container("bridge",
                           "trap 'echo told >> /shared/order; exit 0' TERM; echo bridge > "
                           "/shared/order; while true; do sleep 0.05; done");
  sidecar.as_object()["restartPolicy"] = "Always";
  Json agent = container(
      "agent", "while [ ! -s /shared/order ]; do sleep 0.02; done; echo agent >> /shared/order");
  Json look = container("setup", "echo -n > /shared/order");
  const JsonArray mounts{{{"name", "shared"}, {"mountPath", "/shared"}}};
  for (Json* each : {&sidecar, &agent, &look}) each->as_object()["volumeMounts"] = mounts;
  Json pod =
      make_pod({agent}, {{"initContainers", JsonArray{look, sidecar}},
                         {"volumes", JsonArray{{{"name", "shared"}, {"emptyDir", JsonObject{}}}}},
                         {"terminationGracePeriodSeconds", 5}});
  std::string order;
  node->run(pod, [&](const Json& now) {
    if (!is_over(now)) return false;
    order = io::find_file(node->directory_of(pod) + "/volumes/disk/shared/order").value_or("");
    return true;
  });
  EXPECT_EQ(order, "bridge\nagent\ntold\n");
  EXPECT_THAT(node->notebook.phases, testing::ElementsAre("Pending", "Running", "Succeeded"));
  const Json& bridge = status_of(node->notebook.pod, "bridge", "initContainerStatuses");
  EXPECT_EQ(base::find_int(bridge, {"state", "terminated", "exitCode"}), 0);
  EXPECT_EQ(base::find_int(bridge, {"restartCount"}), 0);
}

TEST_F(NodePods, KillsWhatIgnoresItsGracePeriodAndRemovesADeletedPod) {
  Json pod = make_pod({container("main", "trap '' TERM; echo up; while true; do sleep 0.05; done")},
                      {{"terminationGracePeriodSeconds", 1}});
  bool deleted = false;
  node->run(pod, [&](const Json& now) {
    if (!deleted && base::text_at(now, {"status", "phase"}) == "Running") {
      deleted = true;
      Json marked = now;
      marked.as_object()["metadata"].as_object()["deletionTimestamp"] = "2026-01-01T00:00:00Z";
      marked.as_object()["metadata"].as_object()["deletionGracePeriodSeconds"] = 1;
      node->notebook.pod = marked;
      node->worker->update(marked);
    }
    return node->notebook.removed;
  });
  EXPECT_EQ(exit_code(node->notebook.pod, "main"), 137);
  EXPECT_EQ(node->notebook.phases.back(), "Failed");
}

TEST_F(NodePods, RestartsOnFailureInPlace) {
  Json main =
      container("main", "if [ -e /shared/second ]; then exit 0; fi; touch /shared/second; exit 7");
  main.as_object()["volumeMounts"] = JsonArray{{{"name", "shared"}, {"mountPath", "/shared"}}};
  node->run(make_pod({main}, {{"restartPolicy", "OnFailure"},
                              {"volumes", JsonArray{{{"name", "shared"},
                                                     {"emptyDir", {{"medium", "Memory"}}}}}}}),
            is_over);
  const Json& status = status_of(node->notebook.pod, "main");
  EXPECT_EQ(node->notebook.phases.back(), "Succeeded");
  EXPECT_EQ(base::find_int(status, {"restartCount"}), 1);
  EXPECT_EQ(base::find_int(status, {"lastState", "terminated", "exitCode"}), 7);
}

TEST_F(NodePods, ProjectsTokensAndSecretsForTheirContainerOnly) {
  node->notebook.secrets["key"] = JsonObject{{"data", {{"password", base::base64("s3cret")}}}};
  node->notebook.config_maps["skills"] = JsonObject{{"data", {{"a.md", "# a"}, {"b.md", "# b"}}}};
  Json bridge = container("bridge",
                          "cat /token/token; echo; stat -L -c '%a %u %g' /token/token; cat "
                          "/skills/a.md; echo; echo $PASSWORD; "
                          "ls /skills; touch /skills/c.md 2>&1; cat /secret/sub/p; "
                          "echo; stat -f -c %T /secret; cat /pod/labels");
  bridge.as_object()["volumeMounts"] =
      JsonArray{{{"name", "token"}, {"mountPath", "/token"}},
                {{"name", "skills"}, {"mountPath", "/skills"}},
                {{"name", "secret"}, {"mountPath", "/secret"}},
                {{"name", "pod"}, {"mountPath", "/pod"}},
                {{"name", "gateway"}, {"mountPath", "/run/sympozium/gateway"}}};
  bridge.as_object()["env"] =
      JsonArray{{{"name", "PASSWORD"},
                 {"valueFrom", {{"secretKeyRef", {{"name", "key"}, {"key", "password"}}}}}}};
  Json agent = container("agent", "cat /token/token || echo none");
  agent.as_object()["securityContext"].as_object()["runAsUser"] = 1001;
  Json pod = make_pod(
      {bridge, agent},
      {{"securityContext", {{"fsGroup", 2000}}},
       {"volumes",
        JsonArray{{{"name", "token"},
                   {"projected",
                    {{"sources", JsonArray{{{"serviceAccountToken",
                                             {{"path", "token"},
                                              {"audience", "sympozium-gateway"},
                                              {"expirationSeconds", 600}}}}}}}}},
                  {{"name", "skills"}, {"configMap", {{"name", "skills"}}}},
                  {{"name", "secret"},
                   {"secret",
                    {{"secretName", "key"},
                     {"defaultMode", 0400},
                     {"items", JsonArray{{{"key", "password"}, {"path", "sub/p"}}}}}}},
                  {{"name", "pod"},
                   {"downwardAPI",
                    {{"items", JsonArray{{{"path", "labels"},
                                          {"fieldRef", {{"fieldPath", "metadata.labels"}}}}}}}}},
                  {{"name", "gateway"}, {"csi", {{"driver", "gateway.sympozium.ai"}}}}}}});
  pod.as_object()["metadata"].as_object()["labels"] = {{"app", "x"}};
  node->run(pod, is_over);
  const std::string& log = node->log_text["bridge"];
  EXPECT_THAT(log, HasSubstr("token for sympozium-gateway\n640 0 2000\n# a\ns3cret\n"));
  EXPECT_THAT(log, HasSubstr("a.md\nb.md\ntouch: /skills/c.md: Read-only file system\n"));
  EXPECT_THAT(log, HasSubstr("s3cret\ntmpfs\napp=\"x\""));
  EXPECT_THAT(node->log_text["agent"], HasSubstr("none"));
}

TEST_F(NodePods, WaitsForAMissingSecretAndSaysSo) {
  Json main = container("main", "cat /secret/k");
  main.as_object()["volumeMounts"] = JsonArray{{{"name", "s"}, {"mountPath", "/secret"}}};
  Json pod = make_pod(
      {main}, {{"volumes", JsonArray{{{"name", "s"}, {"secret", {{"secretName", "late"}}}}}}});
  node->run(pod, [&](const Json& now) {
    if (!node->notebook.events.empty())
      node->notebook.secrets["late"] = JsonObject{{"data", {{"k", base::base64("v")}}}};
    return is_over(now);
  });
  EXPECT_THAT(node->notebook.events, testing::ElementsAre(HasSubstr("secret \"late\" not found")));
  EXPECT_EQ(node->log_text["main"], "v");
}

TEST_F(NodePods, EvictsAPodThatFillsItsVolume) {
  Json main = container("main", "dd if=/dev/zero of=/data/x bs=1M count=8; sleep 60");
  main.as_object()["volumeMounts"] = JsonArray{{{"name", "d"}, {"mountPath", "/data"}}};
  node->run(make_pod({main}, {{"terminationGracePeriodSeconds", 0},
                              {"volumes",
                               JsonArray{{{"name", "d"}, {"emptyDir", {{"sizeLimit", "4Mi"}}}}}}}),
            is_over);
  EXPECT_EQ(base::text_at(node->notebook.pod, {"status", "reason"}), "Evicted");
}

TEST_F(NodePods, BoundsAMemoryVolume) {
  Json main = container("main", "dd if=/dev/zero of=/data/x bs=1M count=8 || echo full");
  main.as_object()["volumeMounts"] = JsonArray{{{"name", "d"}, {"mountPath", "/data"}}};
  node->run(
      make_pod({main}, {{"volumes",
                         JsonArray{{{"name", "d"},
                                    {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "4Mi"}}}}}}}),
      is_over);
  EXPECT_THAT(node->log_text["main"], HasSubstr("full"));
}

TEST_F(NodePods, RefusesWhatItDoesNotOffer) {
  node->run(make_pod({container("main", "true")}, {{"hostNetwork", true}}), is_over);
  EXPECT_EQ(node->notebook.phases.back(), "Failed");
  EXPECT_THAT(base::text_at(node->notebook.pod, {"status", "message"}),
              HasSubstr("spec.hostNetwork"));
}

TEST_F(NodePods, SaysWhenAProgramCannotBeExecuted) {
  Json main = container("main", "");
  main.as_object()["command"] = JsonArray{"/bin/absent"};
  node->run(make_pod({main}), is_over);
  EXPECT_EQ(exit_code(node->notebook.pod, "main"), 128);
  EXPECT_THAT(
      base::text_at(status_of(node->notebook.pod, "main"), {"state", "terminated", "message"}),
      HasSubstr("/bin/absent"));
}

TEST_F(NodePods, TellsTheLastWords) {
  Json file = container("file", "echo -n last words > /dev/termination-log; exit 1");
  Json logs = container("logs", "echo one; echo two; exit 1");
  logs.as_object()["terminationMessagePolicy"] = "FallbackToLogsOnError";
  node->run(make_pod({file, logs}), is_over);
  EXPECT_EQ(
      base::text_at(status_of(node->notebook.pod, "file"), {"state", "terminated", "message"}),
      "last words");
  EXPECT_EQ(
      base::text_at(status_of(node->notebook.pod, "logs"), {"state", "terminated", "message"}),
      "one\ntwo\n");
}

TEST_F(NodePods, WritableRootsArePrivate) {
  Json main = container("main", "echo x > /etc/x && cat /etc/x");
  main.as_object()["securityContext"] = {{"runAsUser", 0}};
  node->run(make_pod({main}), is_over);
  EXPECT_EQ(node->log_text["main"], "x\n");
  EXPECT_FALSE(fs::exists(node->images.find("sympozium/tools")->root + "/etc/x"));
}

// kill -9 of the node while a container runs: the next node goes on with it, restarts nothing.
TEST_F(NodePods, ANewNodeTakesOverWhatRuns) {
  Json pod = make_pod({container("main", "echo begun; sleep 1; echo done")},
                      {{"restartPolicy", "OnFailure"}});
  const pid_t first = ::fork();
  if (first == 0) {
    Node before;
    before.run(pod, [](const Json& now) {
      if (base::text_at(now, {"status", "phase"}) == "Running") ::kill(::getpid(), SIGKILL);
      return false;
    });
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(first, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  node->run(pod, is_over);
  EXPECT_EQ(node->notebook.phases.back(), "Succeeded");
  EXPECT_EQ(base::find_int(status_of(node->notebook.pod, "main"), {"restartCount"}), 0);
  EXPECT_EQ(node->log_text["main"], "begun\ndone\n");
}

TEST_F(NodePods, LeavesNothingBehind) {
  node->run(make_pod({container("main", "true")}), is_over);
  for (const auto& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
    const fs::path ours = hierarchy.path().string() + machine->cgroup;
    if (!fs::exists(ours)) continue;
    for (const auto& entry : fs::directory_iterator(ours))
      EXPECT_FALSE(entry.is_directory()) << entry.path();
  }
  EXPECT_THAT(io::read_file("/proc/self/mounts"), Not(HasSubstr(machine->directory + "/pods")));
  EXPECT_TRUE(fs::is_empty(machine->directory + "/pods"));
}

}  // namespace
