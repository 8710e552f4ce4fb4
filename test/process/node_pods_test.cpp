// Pods through the node's engine, its shim and crun, on this machine. Needs root.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
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
#include "node/shim/shim.h"

namespace {

namespace fs = std::filesystem;
using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
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
    co_return;
  }

 private:
  static std::optional<Json> look(const std::map<std::string, Json>& in, const std::string& name) {
    auto at = in.find(name);
    if (at == in.end()) return std::nullopt;
    return at->second;
  }
};

// A shim in a process of its own, and this process inside its mount namespace.
class Machine {
 public:
  Machine() {
    char name[] = "/tmp/sympozium-node-XXXXXX";
    directory = ::mkdtemp(name);
    node::shim::Config config;
    config.directory = directory + "/shim";
    config.socket = directory + "/shim.sock";
    config.cgroup = cat("/sympozium/test-", ::getpid());
    cgroup = config.cgroup;
    fs::create_directories(config.directory);
    shim = ::fork();
    if (shim == 0) ::_exit(node::shim::run(config));
    for (int i = 0; i < 500 && !fs::exists(config.socket); ++i) ::poll(nullptr, 0, 10);
    enter();
  }
  ~Machine() {
    ::kill(shim, SIGTERM);
    int status = 0;
    ::waitpid(shim, &status, 0);
    EXPECT_EQ(status, 0) << "the shim's exit";
    fs::remove_all(directory);
  }

  std::string directory, cgroup;
  pid_t shim = 0;

 private:
  void enter() const {
    io::Fd mounts(::open(cat("/proc/", shim, "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
    if (::setns(mounts.get(), CLONE_NEWNS) < 0) ::perror("setns"), ::abort();
  }
};

Machine* machine = nullptr;

class Environment final : public testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() == 0) machine = new Machine;
  }
  void TearDown() override { delete machine; }
};
const auto* environment = testing::AddGlobalTestEnvironment(new Environment);

node::ImageSource tools_image() {
  node::ImageSource out;
  out.name = "sympozium/tools";
  out.files.push_back({"bin/busybox", io::read_file("/bin/busybox"), 0755, ""});
  for (std::string tool :
       {"sh",    "cat",  "id",   "ls",  "sleep",    "echo", "ip", "mount", "stat",     "dd",
        "touch", "head", "tail", "env", "hostname", "kill", "ps", "mknod", "readlink", "date"})
    out.files.push_back({"bin/" + tool, "", 0, "busybox"});
  for (auto place : {"proc/", "dev/", "etc/", "workspace/"})
    out.files.push_back({place, "", 0755, ""});
  out.files.push_back({"tmp/", "", 01777, ""});
  for (auto file : {"etc/hosts", "etc/hostname", "etc/resolv.conf"})
    out.files.push_back({file, "", 0644, ""});
  return out;
}

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

}  // namespace
