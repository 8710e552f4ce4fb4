// What a run waits for on its way to a node, counted: durable commits in series. Server,
// controllers, job loop and binder are the home's own, in this process on virtual time, in which
// nothing takes time but a commit: the time that passes is the number of commits.
#include <gtest/gtest.h>

#include "apiserver/server.h"
#include "controller/controller.h"
#include "io/crypto.h"
#include "io/sync.h"
#include "kube/client.h"
#include "loops/binder.h"
#include "loops/job_loop.h"
#include "objects/kinds.h"
#include "reconcilers/agentrun/builder.h"
#include "reconcilers/manager.h"
#include "reconcilers/writer.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace bench {
namespace {

using base::Json;
using objects::Agent;
using objects::AgentRun;

// When a disk that is free begins a commit. `together`: with all the writes that are ready to be
// made, so that what is counted is the longest chain of writes each of which waits for the one
// before. `at_once`: with the first of them; the others are in each other's way.
enum class Begins : bool { together, at_once };

// A disk whose every commit takes a millisecond. Writes that come meanwhile share the next one, as
// those of sqlite::Writer do.
class Disk final : public apiserver::ObjectLog {
 public:
  explicit Disk(base::Clock& clock) : clock_(clock) {}
  Begins begins = Begins::together;

  apiserver::History load() override { return {.objects = {}, .changes = {}, .version = 1}; }
  io::Task<> append(apiserver::Record) override {
    const auto mine = next_;
    ++waiting_;
    if (!std::exchange(busy_, true)) begin();
    co_await mine->wait();
  }

 private:
  void begin() {
    if (begins == Begins::at_once) return commit();
    clock_.call_after(base::Duration(0), [this] { commit(); });
  }
  void commit() {
    waiting_ = 0;
    auto done = std::exchange(next_, std::make_shared<io::Event>());
    clock_.call_after(base::Duration(1), [this, done] {
      done->set();
      busy_ = waiting_ > 0;
      if (busy_) begin();
    });
  }
  base::Clock& clock_;
  bool busy_ = false;
  int waiting_ = 0;  // for the next commit
  std::shared_ptr<io::Event> next_ = std::make_shared<io::Event>();
};

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// Connections in memory, of somebody with every right.
class Line final : public io::Dialer {
 public:
  Line(io::HttpServer& server, io::TaskGroup& tasks) : server_(server), tasks_(tasks) {}
  io::Task<std::unique_ptr<io::Conn>> dial() override {
    auto [here, there] = io::memory_pipe();
    auto known = std::make_unique<Administrator>(std::move(there));
    tasks_.spawn("connection", server_.serve_conn(std::move(known)));
    co_return std::move(here);
  }

 private:
  struct Administrator final : io::Conn {
    explicit Administrator(std::unique_ptr<io::Conn> conn) : inner(std::move(conn)) {}
    io::Task<std::size_t> read_some(std::span<char> room) override {
      return inner->read_some(room);
    }
    io::Task<> write(std::string_view bytes) override { return inner->write(bytes); }
    io::Task<> shutdown_write() override { return inner->shutdown_write(); }
    void close() override { inner->close(); }
    const io::Peer& peer() const override { return who; }
    std::unique_ptr<io::Conn> inner;
    io::Peer who{.address = "pipe", .common_name = "admin", .organizations = {"system:masters"}};
  };
  io::HttpServer& server_;
  io::TaskGroup& tasks_;
};

struct Commits : testing::Test {
  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  SilentLog log;
  controller::Metrics metrics;
  Disk disk{clock};
  apiserver::ApiServer server{loop, clock, random, log, disk, tokens(), {}, {}, {}};
  io::HttpServer http{loop, clock, log, io::ServerLimits{}, server.handler()};
  io::TaskGroup connections{loop};
  kube::Client api{loop, clock, endpoint()};
  loops::JobLoop jobs{loop, clock, random, log, metrics, api};
  loops::Binder binder{loop, clock, random, log, metrics, api};
  reconcilers::Manager manager{loop, clock, random, log, api, {}};
  io::TaskGroup tasks{loop};

  static apiserver::TokenSettings tokens() {
    apiserver::TokenSettings out;
    out.key_pem = io::make_p256_key();
    return out;
  }
  kube::Endpoint endpoint() {
    kube::Endpoint out;
    out.host = "kubernetes";
    out.dialer = [this] { return std::make_unique<Line>(http, connections); };
    return out;
  }

  Commits() {
    finish(server.bootstrap());
    tasks.spawn("jobs", jobs.run());
    tasks.spawn("binder", binder.run());
    tasks.spawn("reconcilers", manager.run());
    create(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}})");
    kube::Ref node{objects::find_kind("", "nodes"), "", "n1", "status"};
    Json ready =
        base::parse_json(R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
    finish(change(std::move(node), std::move(ready)));
    create(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"key","namespace":"default",
      "annotations":{"sympozium.ai/use":"provider","sympozium.ai/hosts":"127.0.0.1:9411"}}})");
    create(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"Agent",
      "metadata":{"name":"first","namespace":"default"},
      "spec":{"agents":{"default":{"model":"m","baseURL":"http://127.0.0.1:9411/v1"}},
              "authRefs":[{"provider":"openai","secret":"key"}]}})");
  }
  ~Commits() override {
    tasks.stop();
    loop.run(tasks.join());
    finish(server.stop());
    connections.stop();
    loop.run(connections.join());
  }

  // Moves time on until it holds.
  void until(const std::function<bool()>& holds) {
    for (loop.run_ready(); !holds(); loop.run_ready()) ASSERT_TRUE(clock.advance_to_next());
  }
  void finish(io::Task<> task) {
    bool done = false;
    auto note = [](io::Task<> work, bool& end) -> io::Task<> {
      co_await std::move(work);
      end = true;
    };
    io::TaskGroup group(loop);
    group.spawn("step", note(std::move(task), done));
    until([&] { return done; });
    loop.run(group.join());
  }
  io::Task<> change(kube::Ref ref, Json patch) {
    co_await api.patch(std::move(ref), std::move(patch), {});
  }
  io::Task<> make(Json object) {
    const auto* kind = objects::find_kind_of(base::text_at(object, {"apiVersion"}),
                                             base::text_at(object, {"kind"}));
    kube::Ref ref = kube::ref_of(*kind, object);
    co_await api.create(std::move(ref), std::move(object), {});
  }
  void create(std::string_view text) { finish(make(base::parse_json(text))); }

  bool is_bound(const std::string& run) {
    for (const auto& pod : server.store().list("pods", "default"))
      if (pod->key.name.starts_with(run + "-") &&
          !base::text_at(pod->tree(), {"spec", "nodeName"}).empty())
        return true;
    return false;
  }
  // From the arrival of its POST to the binding of its pod, as the node's watch sees it.
  std::int64_t commits_of(const AgentRun& run) {
    const auto began = clock.steady();
    tasks.spawn("POST", make(reconcilers::to_manifest(run)));
    until([&] { return is_bound(run.metadata.name); });
    return (clock.steady() - began).count();
  }
  // What the first run of a namespace makes for all of them is there.
  void settle() {
    commits_of(built("before"));
    const auto end = clock.steady() + base::Duration(60'000);
    until([&] { return clock.steady() >= end; });
  }
  AgentRun built(const std::string& name) {
    Agent agent;
    agent.metadata.ns = "default";
    agent.metadata.name = "first";
    agent.spec.agents.defaults.model = "m";
    agent.spec.agents.defaults.baseURL = "http://127.0.0.1:9411/v1";
    agent.spec.authRefs = {{"openai", "key"}};
    reconcilers::RunRequest request;
    request.task = "Count.";
    request.name = name;
    return reconcilers::build_run(agent, {"test", ""}, request);
  }
};

// The run with its finalizer, its status with the Job's name, the Job, the Pod, the binding.
TEST_F(Commits, FiveInSeriesFromTheRunToItsNode) {
  settle();
  EXPECT_LE(commits_of(built("run")), 5);
}

// As people write it: what it leaves open and the finalizer are written before anything else.
TEST_F(Commits, SixForARunThatIsNotComplete) {
  settle();
  AgentRun run = built("run");
  run.metadata.finalizers.clear();
  EXPECT_LE(commits_of(run), 6);
}

// The Job's count of its pods goes out with the binding: nobody on the way waits for it.
TEST_F(Commits, OneMoreWhereOtherWritesAreInTheWay) {
  settle();
  disk.begins = Begins::at_once;
  EXPECT_LE(commits_of(built("run")), 6);
}

}  // namespace
}  // namespace bench
