#include "loops/job_loop.h"

#include "controller/write.h"
#include "objects/kinds.h"

namespace loops {

using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

// Indexes of the caches, and what stands in the queue for the pods of a namespace without their
// Job.
const std::string by_uid = "uid", by_job = "job", left_alone = "?";

std::string uid_of(const Json& object) { return text_at(object, {"metadata", "uid"}); }

kube::Ref pod_ref(std::string ns, std::string name) {
  return {objects::find_kind("", "pods"), std::move(ns), std::move(name), ""};
}

kube::Ref job_ref(const controller::Key& key, std::string subresource) {
  return {objects::find_kind("batch", "jobs"), key.ns, key.name, std::move(subresource)};
}

kube::WatchSettings watch_all(std::string_view group, std::string_view plural) {
  kube::WatchSettings settings;
  settings.collection.kind = objects::find_kind(group, plural);
  return settings;
}

Json status_of(const Json& job) {
  auto at = base::find(job, {"status"});
  return at ? *at : Json(JsonObject{});
}

}  // namespace

JobLoop::JobLoop(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                 controller::Metrics& metrics, kube::Api& api)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      api_(api),
      jobs_(log, controller::Cache<Json>::Read([](const Json& job) { return job; })),
      pods_(log, read_pod),
      work_(loop, clock, random, log, metrics, "job", [this](Key key) { return reconcile(key); }) {
  using Uids = std::vector<std::string>;
  jobs_.add_index(by_uid, [](const Key&, const Json& job) { return Uids{uid_of(job)}; });
  pods_.add_index(by_job, [](const Key&, const PodFacts& pod) { return Uids{pod.job_uid}; });
  jobs_.on_change([this](const Key& key, const Json* before, const Json* now) {
    job_changed(key, before, now);
  });
  pods_.on_change([this](const Key& key, const PodFacts* before, const PodFacts* now) {
    pod_changed(key, before, now);
  });
}

void JobLoop::job_changed(const Key& key, const Json* before, const Json* now) {
  if (now) work_.add(key);
  if (!before || (now && uid_of(*before) == uid_of(*now))) return;
  last_failure_.erase(uid_of(*before));
  work_.add({key.ns, left_alone});
}

void JobLoop::pod_changed(const Key& key, const PodFacts* before, const PodFacts* now) {
  const bool failed_before = before && before->phase == "Failed";
  if (now && now->phase == "Failed" && !failed_before) last_failure_[now->job_uid] = clock_.now();
  for (const PodFacts* pod : {before, now})
    if (pod)
      for (const auto& [job, tree] : jobs_.list_by(by_uid, pod->job_uid)) work_.add(job);
  if (now && is_left_alone(*now) && jobs_.is_synced()) work_.add({key.ns, left_alone});
}

// Its Job is not there, as far as we know.
bool JobLoop::is_left_alone(const PodFacts& pod) const {
  return pod.tracked && jobs_.list_by(by_uid, pod.job_uid).empty();
}

std::vector<PodFacts> JobLoop::pods_of(const std::string& job_uid) const {
  std::vector<PodFacts> pods;
  for (const auto& [key, pod] : pods_.list_by(by_job, job_uid)) pods.push_back(*pod);
  return pods;
}

io::Task<> JobLoop::remove_finalizer(std::string ns, std::string name) {
  auto ref = pod_ref(ns, name);
  auto pod = co_await kube::find(api_, ref);
  if (!pod) co_return;
  auto patch = controller::plan_remove_finalizer(*pod, job_finalizer);
  if (!patch) co_return;
  auto body = std::move(*patch);
  auto changed = co_await api_.patch(ref, std::move(body), {});
  pods_.assume(changed);
}

// The pods of a Job that has gone keep their finalizer for nobody. That it has gone is for the
// server to say: our watch of Jobs may be behind that of pods.
io::Task<> JobLoop::let_go(std::string ns) {
  std::vector<PodFacts> left;
  for (const auto& [key, pod] : pods_.list())
    if (key.ns == ns && is_left_alone(*pod)) left.push_back(*pod);
  for (const auto& pod : left) {
    std::optional<Json> job;
    const Key key{ns, pod.job_name};
    if (!pod.job_name.empty()) job = co_await kube::find(api_, job_ref(key, ""));
    if (!job || uid_of(*job) != pod.job_uid) co_await remove_finalizer(ns, pod.name);
  }
}

io::Task<controller::Result> JobLoop::reconcile(Key key) {
  if (key.name == left_alone) {
    co_await let_go(key.ns);
    co_return controller::Result{};
  }
  auto job = jobs_.find(key);
  if (!job) co_return controller::Result{};
  auto uid = uid_of(*job);
  auto pods = pods_of(uid);
  auto failure = last_failure_.find(uid);
  std::optional<base::Time> last;
  if (failure != last_failure_.end()) last = failure->second;
  auto plan = plan_job(*job, pods, clock_.now(), last);

  // Pods first: they are what somebody waits for.
  for (const auto& name : plan.create) {
    auto pod = make_job_pod(*job, name);
    auto ref = pod_ref(key.ns, "");
    try {
      auto made = co_await api_.create(ref, std::move(pod), {});
      pods_.assume(made);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::exists) throw;  // there already: our watch is behind
    }
  }
  for (const auto& name : plan.release) co_await remove_finalizer(key.ns, name);
  for (const auto& name : plan.remove) {
    auto ref = pod_ref(key.ns, name);
    co_await controller::remove_if_there(api_, ref, {});
  }
  auto patch = controller::plan_status_patch(status_of(*job), plan.status,
                                             text_at(*job, {"metadata", "resourceVersion"}));
  if (patch) {
    auto ref = job_ref(key, "status");
    auto body = std::move(*patch);
    auto changed = co_await api_.patch(ref, std::move(body), {});
    jobs_.assume(changed);
  }
  for (const auto& name : plan.untrack) co_await remove_finalizer(key.ns, name);
  co_return controller::Result{plan.again_after};
}

io::Task<> JobLoop::run() {
  io::TaskGroup group(loop_);
  kube::Watcher job_watch(clock_, random_, log_, api_, watch_all("batch", "jobs"), jobs_);
  kube::Watcher pod_watch(clock_, random_, log_, api_, watch_all("", "pods"), pods_);
  group.spawn("jobs", job_watch.run());
  group.spawn("pods", pod_watch.run());
  std::exception_ptr error;
  try {
    co_await jobs_.synced();
    co_await pods_.synced();
    for (const auto& [key, pod] : pods_.list())
      if (is_left_alone(*pod)) work_.add({key.ns, left_alone});
    co_await work_.run();
  } catch (...) {
    error = std::current_exception();
  }
  group.stop();
  co_await group.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace loops
