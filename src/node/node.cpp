#include "node/node.h"

#include <map>
#include <set>

#include "base/text.h"
#include "io/blocking.h"
#include "io/file.h"
#include "io/sync.h"
#include "kube/watch.h"
#include "node/kube_cluster.h"
#include "node/node_objects.h"
#include "node/pod.h"
#include "node/pod_worker.h"

namespace node {

using base::Json;
using base::JsonObject;

namespace {

constexpr base::Duration status_interval{300'000}, retry{1'000};

int own_oom_score() {
  const std::string text = io::find_file("/proc/self/oom_score_adj").value_or("0");
  return static_cast<int>(base::parse_int(base::trim(text)).value_or(0));
}

}  // namespace

struct Node::Impl final : kube::WatchSink {
  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  kube::Api& api;
  NodeConfig config;
  io::BlockingPool blocking;
  MachineInfo machine;
  Settings settings;
  ShimRuntime runtime;
  KubeCluster cluster;
  Images images;
  LogServer server;
  io::TaskGroup workers;
  std::map<std::string, std::shared_ptr<PodWorker>> pods;  // by uid
  std::set<std::string> seen;                              // in the list being read
  bool cleared = false;                                    // orphans of earlier times
  io::Event registered;

  Impl(io::Loop& l, base::Clock& c, base::Random& r, base::Log& g, kube::Api& a, NodeConfig given)
      : loop(l),
        clock(c),
        random(r),
        log(g),
        api(a),
        config(std::move(given)),
        machine(look_at_machine(config.directory, config.runtime_version)),
        settings(make_settings()),
        runtime(l, c, g, config.shim_socket),
        cluster(a, c, r, g, config.name),
        images(config.directory + "/images", config.images),
        server(l, c, g, blocking, log_config(),
               [this](const std::string& ns, const std::string& pod, const std::string& container,
                      bool previous) { return find_log(ns, pod, container, previous); }),
        workers(l) {}

  Settings make_settings() const {
    Settings out;
    out.pods_directory = config.directory + "/pods";
    out.gateway_directory = config.gateway_directory;
    out.cgroup = config.cgroup;
    out.facts = {config.name, config.logs.address, "127.0.0.1", machine.cpus * 1000,
                 machine.memory_bytes};
    out.machine = {machine.cpus * 1000, machine.memory_bytes, own_oom_score(),
                   config.pids_per_container};
    return out;
  }

  LogServerConfig log_config() const {
    LogServerConfig out = config.logs;
    out.node_name = config.name;
    return out;
  }

  World world() { return {loop, clock, log, blocking, runtime, cluster, images, settings}; }

  // ---- pods ----

  void list_begins() override { seen.clear(); }

  void put(const Json& pod) override {
    const std::string id = uid(pod);
    seen.insert(id);
    if (auto at = pods.find(id); at != pods.end()) return at->second->update(pod);
    auto worker = std::make_shared<PodWorker>(world(), pod);
    pods.emplace(id, worker);
    workers.spawn("pod " + title(pod), work(std::move(worker), id));
  }

  void gone(const Json& pod) override {
    if (auto at = pods.find(uid(pod)); at != pods.end()) at->second->gone();
  }

  void listed() override {
    for (auto& [id, worker] : pods)
      if (!seen.contains(id)) worker->gone();
    if (std::exchange(cleared, true)) return;
    workers.spawn("clearing orphans", clear_orphans(world(), seen));
  }

  // A worker that fails is begun again from its record; the others go on.
  io::Task<> work(std::shared_ptr<PodWorker> worker, std::string id) {
    for (;;) {
      std::string problem;
      try {
        co_await worker->run();
      } catch (const std::exception&) {
        const auto error = std::current_exception();
        if (io::is_cancelled(error)) throw;
        problem = io::describe(error);
      }
      if (problem.empty()) break;
      log.error("a pod's worker failed", {{"pod", title(worker->pod())}, {"error", problem}});
      co_await io::sleep(clock, retry);
      Json pod = worker->pod();
      worker = std::make_shared<PodWorker>(world(), std::move(pod));
      pods[id] = worker;
    }
    pods.erase(id);
  }

  void container_changed(const std::string& id) {
    for (auto& [pod, worker] : pods)
      if (id.empty() || id.starts_with(pod + ".")) worker->wake();
  }

  LogSource find_log(const std::string& ns, const std::string& pod, const std::string& container,
                     bool previous) {
    for (const auto& [id, worker] : pods) {
      if (space(worker->pod()) != ns || name(worker->pod()) != pod) continue;
      for (const auto& each : containers(worker->pod()))
        if (each.name == container)
          return {worker->log_files(container, previous), [worker, container, previous] {
                    return !previous && worker->is_running(container);
                  }};
    }
    throw base::Error(base::Code::not_found,
                      base::cat("container ", container, " of pod ", ns, "/", pod, " is not here"));
  }

  // ---- the node itself ----

  io::Task<Json> register_node() {
    kube::Ref ref{&kind("", "nodes"), "", config.name, ""};
    std::optional<Json> found = co_await kube::find(api, ref);
    if (found) co_return std::move(*found);
    kube::Ref collection{&kind("", "nodes"), "", "", ""};
    Json wanted = desired_node(config.name);
    kube::CreateOptions options;
    Json made = co_await api.create(std::move(collection), std::move(wanted), options);
    co_return made;
  }

  io::Task<> write_status(Json node) {
    std::vector<std::string> names;
    for (const auto& image : config.images) names.push_back(image.name + ":latest");
    Json status =
        desired_node_status(node, machine, config.logs.address, server.port(), clock.now(), names);
    kube::Ref ref{&kind("", "nodes"), "", config.name, "status"};
    Json patch = JsonObject{{"status", std::move(status)}};
    kube::PatchOptions options;
    co_await api.patch(std::move(ref), std::move(patch), options);
  }

  io::Task<> renew_lease(Json node) {
    const base::MicroTime now = clock.now();
    kube::Ref ref{&kind("coordination.k8s.io", "leases"), "kube-node-lease", config.name, ""};
    Json renewal = lease_renewal(now);
    kube::PatchOptions options;
    bool absent = false;
    try {
      co_await api.patch(ref, std::move(renewal), options);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::not_found) throw;
      absent = true;
    }
    if (!absent) co_return;
    ref.name.clear();
    Json lease = desired_lease(node, now);
    kube::CreateOptions create;
    co_await api.create(std::move(ref), std::move(lease), create);
  }

  // Repeats `act` every `interval`; a failure is told and tried again soon.
  io::Task<> keep(std::string doing, base::Duration interval, std::function<io::Task<>()> act) {
    for (;;) {
      base::Duration wait = interval;
      try {
        io::Task<> action = act();
        co_await std::move(action);
      } catch (const base::Error& error) {
        if (error.code() == base::Code::cancelled) throw;
        log.warn(doing + " failed", {{"error", error.what()}});
        wait = retry;
      }
      co_await io::sleep(clock, wait);
    }
  }

  io::Task<> report_node() {
    Json node = co_await register_node();
    co_await write_status(std::move(node));
    registered.set();
  }

  io::Task<> report_lease() {
    co_await registered.wait();
    Json node = co_await register_node();
    co_await renew_lease(std::move(node));
  }

  io::Task<> watch_pods() {
    kube::WatchSettings wanted;
    wanted.collection = {&kind("", "pods"), "", "", ""};
    wanted.field_selector = "spec.nodeName=" + config.name;
    kube::Watcher watcher(clock, random, log, api, std::move(wanted), *this);
    co_await watcher.run();
  }
};

Node::Node(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log, kube::Api& api,
           NodeConfig config)
    : impl_(std::make_unique<Impl>(loop, clock, random, log, api, std::move(config))) {}
Node::~Node() = default;

io::Task<> Node::run() {
  auto* impl = impl_.get();
  io::TaskGroup group(impl->loop);
  auto changed = [impl](const std::string& id) { impl->container_changed(id); };
  group.spawn("following the shim", impl->runtime.follow(changed));
  co_await impl->runtime.ready();  // before that, what runs would be taken for lost
  group.spawn("serving logs", impl->server.serve());
  group.spawn("reporting the node", impl->keep("reporting the node", status_interval,
                                               [impl] { return impl->report_node(); }));
  group.spawn("renewing the lease", impl->keep("renewing the lease", lease_interval,
                                               [impl] { return impl->report_lease(); }));
  group.spawn("watching pods", impl->watch_pods());
  std::exception_ptr error;
  try {
    co_await group.join();
  } catch (...) {
    error = std::current_exception();
  }
  impl->workers.stop();
  if (error) std::rethrow_exception(error);
}

}  // namespace node
