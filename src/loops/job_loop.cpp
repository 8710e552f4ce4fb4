#include "loops/job_loop.h"

#include "controller/write.h"
#include "objects/kinds.h"

namespace loops {

using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

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
      jobs_([](const Json& job) { return job; },
            [this](const Key& key, const Json* before, const Json* now) {
              if (before && !now) {
                auto uid = text_at(*before, {"metadata", "uid"});
                last_failure_.erase(uid);
                job_of_uid_.erase(uid);
              }
              if (now) job_of_uid_[text_at(*now, {"metadata", "uid"})] = key;
              work_.add(key);
            }),
      pods_(read_pod, [this](const Key& key, const PodFacts* before,
                             const PodFacts* now) { pod_changed(key, before, now); }),
      work_(loop, clock, random, log, metrics, "job", [this](Key key) { return reconcile(key); }) {}

void JobLoop::pod_changed(const Key& key, const PodFacts* before, const PodFacts* now) {
  const auto& uid = (now ? now : before)->job_uid;
  if (uid.empty()) return;
  if (now) {
    pods_of_job_[uid].insert(key);
  } else if (auto at = pods_of_job_.find(uid); at != pods_of_job_.end()) {
    at->second.erase(key);
    if (at->second.empty()) pods_of_job_.erase(at);
  }
  bool failed_before = before && before->phase == "Failed";
  if (now && now->phase == "Failed" && !failed_before) last_failure_[uid] = clock_.now();
  if (auto job = job_of_uid_.find(uid); job != job_of_uid_.end()) {
    work_.add(job->second);
  } else if (now && now->tracked && jobs_.is_synced()) {
    work_.add({key.ns, "?" + uid});  // its Job has gone
  }
}

std::vector<PodFacts> JobLoop::pods_of(const std::string& job_uid) const {
  std::vector<PodFacts> pods;
  if (auto at = pods_of_job_.find(job_uid); at != pods_of_job_.end())
    for (const auto& key : at->second)
      if (auto facts = pods_.find(key)) pods.push_back(*facts);
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
  if (text_at(changed, {"metadata", "deletionTimestamp"}).empty()) pods_.put(changed);
}

io::Task<controller::Result> JobLoop::reconcile(Key key) {
  auto job = jobs_.find(key);
  if (!job) {
    // The pods of a Job that has gone keep their finalizer for nobody.
    std::vector<PodFacts> left;
    for (const auto& [pod_key, entry] : pods_.entries())
      if (entry.facts->tracked && pod_key.ns == key.ns &&
          !job_of_uid_.contains(entry.facts->job_uid))
        left.push_back(*entry.facts);
    for (const auto& pod : left) co_await remove_finalizer(pod.ns, pod.name);
    co_return controller::Result{};
  }
  auto uid = text_at(*job, {"metadata", "uid"});
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
      pods_.put(made);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::exists) throw;  // there already: our watch is behind
    }
  }
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
    jobs_.put(changed);
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
    for (const auto& [key, entry] : pods_.entries())
      if (entry.facts->tracked && !job_of_uid_.contains(entry.facts->job_uid))
        work_.add({key.ns, "?" + entry.facts->job_uid});
    co_await work_.run();
  } catch (...) {
    error = std::current_exception();
  }
  group.stop();
  co_await group.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace loops
