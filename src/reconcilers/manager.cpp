#include "reconcilers/manager.h"

#include <tuple>

#include "protocol/names.h"
#include "reconcilers/agent/reconciler.h"
#include "reconcilers/skillpack/reconciler.h"

namespace reconcilers {

namespace {

using controller::Key;
using namespace objects;

// What controllers write themselves is looked at again, and an Agent's counts are brought up to
// date, at most so often.
constexpr base::Duration echo_delay{1'000};
const std::string ours = "app.kubernetes.io/managed-by=sympozium";

// The rest is what controllers write of what they see. That is looked at, too, but not at once: two
// controllers that see the same things at different times would answer each other without end.
bool is_news(const AgentRun* before, const AgentRun* now) {
  if (!before || !now) return true;
  const auto facts = [](const AgentRun& run) {
    const ObjectMeta& meta = run.metadata;
    return std::tie(meta.uid, meta.generation, meta.finalizers, meta.deletionTimestamp,
                    run.status.phase, run.status.jobName, run.status.outcome);
  };
  return facts(*before) != facts(*now);
}

bool is_news(const Agent* before, const Agent* now) {
  return !before || !now || before->metadata.uid != now->metadata.uid ||
         before->metadata.generation != now->metadata.generation;
}

}  // namespace

struct Manager::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Random& r, base::Log& g, kube::Api& a, Config cfg)
      : loop(l),
        clock(c),
        random(r),
        log(g),
        api(a),
        config(std::move(cfg)),
        caches(g),
        events(c, r, g, a, "sympozium-controller"),
        run_reconciler(c, a, caches, events, config.runs),
        agent_reconciler(c, a, caches),
        pack_reconciler(c, a, caches),
        runs(l, c, r, g, metrics, "agentrun",
             [this](Key key) { return run_reconciler.reconcile(std::move(key)); },
             {.workers = config.workers}),
        agents(l, c, r, g, metrics, "agent",
               [this](Key key) { return agent_reconciler.reconcile(std::move(key)); },
               {.workers = 2}),
        packs(l, c, r, g, metrics, "skillpack",
              [this](Key key) { return pack_reconciler.reconcile(std::move(key)); },
              {.workers = 2}) {
    if (config.lease) leadership.emplace(c, g, a, *config.lease);
    watch_everything();
    map_changes_to_keys();
    describe_metrics();
  }

  void watch_everything() {
    watch(caches.agents);
    watch(caches.runs);
    watch(caches.packs);
    watch(caches.jobs, std::string(protocol::label_run_uid));
    watch(caches.pods, std::string(protocol::label_run_uid));
    watch(caches.accounts, ours);
    watch(caches.roles, ours);
    watch(caches.bindings, ours);
    watch(caches.config_maps, ours);
  }

  template <class T>
  void watch(controller::Cache<T>& cache, std::string labels = {}) {
    kube::WatchSettings settings{.collection = {&T::info, config.ns, {}, {}},
                                 .label_selector = std::move(labels)};
    watchers.push_back(
        std::make_unique<kube::Watcher>(clock, random, log, api, std::move(settings), cache));
    synced.push_back([&cache] { return cache.is_synced(); });
    waits.push_back([&cache] { return cache.synced(); });
    metrics.watch("sympozium_objects", {{"kind", std::string(T::info.kind)}},
                  [&cache] { return static_cast<double>(cache.size()); });
  }

  void map_changes_to_keys() {
    caches.runs.on_change([this](const Key& key, const AgentRun* before, const AgentRun* now) {
      runs.add_after(key, is_news(before, now) ? base::Duration(0) : echo_delay);
      const AgentRun* either = now ? now : before;
      if (!before || !now || before->status.phase != now->status.phase)
        agents.add_after({key.ns, either->spec.agentRef}, echo_delay);
    });
    caches.jobs.on_change(
        [this](const Key&, const Job* before, const Job* now) { add_owner(before, now); });
    caches.pods.on_change(
        [this](const Key&, const Pod* before, const Pod* now) { add_owner(before, now); });
    caches.agents.on_change([this](const Key& key, const Agent* before, const Agent* now) {
      agents.add_after(key, is_news(before, now) ? base::Duration(0) : echo_delay);
    });
    caches.packs.on_change(
        [this](const Key& key, const SkillPack*, const SkillPack*) { packs.add(key); });
    caches.config_maps.on_change(
        [this](const Key& key, const ConfigMap*, const ConfigMap*) { packs.add(key); });
  }

  // The run of a Job or Pod, by the run's uid in its label.
  template <class T>
  void add_owner(const T* before, const T* now) {
    const T* either = now ? now : before;
    if (!either) return;
    const auto label = either->metadata.labels.find(std::string(protocol::label_run_uid));
    if (label == either->metadata.labels.end()) return;
    for (const auto& [key, run] : caches.runs.list_by(std::string(index_run), label->second))
      runs.add(key);
  }

  void describe_metrics() {
    metrics.describe("sympozium_reconcile_total", "Reconciliations by controller and result.");
    metrics.describe("sympozium_reconcile_seconds", "Time per reconciliation.");
    metrics.describe("sympozium_queue_depth", "Keys that wait to be looked at.");
    metrics.describe("sympozium_objects", "Objects known from watches, by kind.");
  }

  io::Task<> work() {
    io::TaskGroup group(loop);
    group.spawn("events", events.run());
    io::TaskGroup controllers(loop);
    controllers.spawn("agentrun", runs.run());
    controllers.spawn("agent", agents.run());
    controllers.spawn("skillpack", packs.run());
    co_await controllers.join();
    group.stop();
    co_await group.join();
  }

  io::Task<> lead() {
    for (const auto& wait : waits) co_await wait();
    if (leadership) co_await leadership->acquire();
    is_working = true;
    co_await work();
    if (leadership) co_await leadership->release();
    stopped.set();
  }

  io::Task<> keep_lease() {
    if (!leadership) co_return;
    while (!leadership->is_leader()) co_await io::sleep(clock, config.lease->retry);
    co_await leadership->hold();
    throw base::Error(base::Code::unavailable, "leadership lost");
  }

  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  kube::Api& api;
  Config config;
  controller::Metrics metrics;
  Caches caches;
  controller::Events events;
  RunReconciler run_reconciler;
  AgentReconciler agent_reconciler;
  SkillPackReconciler pack_reconciler;
  controller::Controller runs, agents, packs;
  std::optional<controller::Leadership> leadership;
  std::vector<std::unique_ptr<kube::Watcher>> watchers;
  std::vector<std::function<bool()>> synced;
  std::vector<std::function<io::Task<>()>> waits;
  bool is_working = false;
  io::Event stopped;
};

Manager::Manager(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                 kube::Api& api, Config config)
    : impl_(std::make_unique<Impl>(loop, clock, random, log, api, std::move(config))) {}
Manager::~Manager() = default;

io::Task<> Manager::run() {
  io::TaskGroup group(impl_->loop);
  for (const auto& watcher : impl_->watchers) group.spawn("watch", watcher->run());
  group.spawn("lead", impl_->lead());
  group.spawn("lease", impl_->keep_lease());
  auto finish = [](io::TaskGroup& all, io::Event& stopped) -> io::Task<> {
    co_await stopped.wait();
    all.stop();
  };
  group.spawn("stop", finish(group, impl_->stopped));
  co_await group.join();
}

void Manager::stop() {
  impl_->runs.stop();
  impl_->agents.stop();
  impl_->packs.stop();
  if (!impl_->is_working) impl_->stopped.set();  // a standby has nothing in hand
}

bool Manager::is_ready() const {
  for (const auto& is_synced : impl_->synced)
    if (!is_synced()) return false;
  return true;
}

controller::Metrics& Manager::metrics() { return impl_->metrics; }
const Caches& Manager::caches() const { return impl_->caches; }

}  // namespace reconcilers
