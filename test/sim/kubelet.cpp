#include "sim/kubelet.h"

#include <algorithm>

#include "base/text.h"
#include "controller/write.h"
#include "faults/story.h"
#include "protocol/names.h"

namespace sim {

using base::Json;
using base::text_at;

namespace {

const std::string ns = "demo";
constexpr base::Duration first_restart{1'000}, longest_restart{10'000};
constexpr int killed = 137;

bool is_over(const Json& pod) {
  const std::string phase = text_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

Agent agent_of(const std::string& run_name) {
  const std::string kind = run_name.substr(0, run_name.find('-'));
  return kind == "chat"        ? Agent::chat
         : kind == "messages"  ? Agent::messages
         : kind == "responses" ? Agent::responses
                               : Agent::runner;
}

Kubelet::Kubelet(House& house, std::function<base::Duration()> delay)
    : house_(house), delay_(std::move(delay)), tasks_(house.loop) {
  house.ledger.on_change([this](const apiserver::Change& change) { look(change); });
}

Kubelet::~Kubelet() {
  kept_.clear();
  tasks_.stop();
  house_.loop.run(tasks_.join());
}

std::vector<std::string> Kubelet::running() const {
  std::vector<const Kept*> some;
  for (const auto& [uid, kept] : kept_)
    if (kept.pod) some.push_back(&kept);
  std::ranges::sort(some, {}, &Kept::order);
  std::vector<std::string> uids;
  for (const Kept* kept : some) uids.push_back(kept->uid);
  return uids;
}

void Kubelet::later(std::function<void()> chore) {
  house_.clock.call_after(delay_(), [this, chore = std::move(chore)] { house_.chores.add(chore); });
}

void Kubelet::look(const apiserver::Change& change) {
  if (change.after->key.storage != "pods" || change.type == apiserver::ChangeType::deleted) return;
  const Json pod = change.after->tree();
  const std::string uid = change.after->uid;
  if (text_at(pod, {"spec", "nodeName"}).empty()) return;
  const bool ends = !text_at(pod, {"metadata", "deletionTimestamp"}).empty();
  if (!kept_.contains(uid)) {
    if (is_over(pod)) return;
    kept_[uid] = {.name = change.after->key.name, .uid = uid, .order = ++order_};
    later([this, uid] { start(uid); });
  }
  if (ends) later([this, uid] { end(uid); });
}

void Kubelet::start(const std::string& uid) {
  const auto found = kept_.find(uid);
  if (found == kept_.end()) return;
  Kept& kept = found->second;
  const Json pod = house_.ledger.find(faults::pod_ref(ns, kept.name));
  if (text_at(pod, {"metadata", "uid"}) != uid || is_over(pod) ||
      !text_at(pod, {"metadata", "deletionTimestamp"}).empty())
    return;
  PodFacts facts{
      .run = text_at(pod, {"metadata", "labels", protocol::label_run_uid}),
      .token = house_.make_token(ns, text_at(pod, {"spec", "serviceAccountName"}), kept.name, uid)};
  facts.agent = agent_of(text_at(pod, {"metadata", "labels", protocol::label_run}));
  kept.pod = std::make_unique<Pod>(
      house_.loop, house_.clock, house_.random, house_.log, house_.gateway_port, house_.tools,
      std::move(facts),
      [this, uid](int code) { house_.chores.add([this, uid, code] { agent_exited(uid, code); }); });
  kept.pod->start_bridge();
  kept.pod->start_agent();
  report(kept, faults::pod_running());
}

void Kubelet::agent_exited(const std::string& uid, int code) {
  const auto found = kept_.find(uid);
  if (found == kept_.end() || !found->second.pod) return;
  Kept& kept = found->second;
  kept.pod->kill_agent();
  if (code == 0) {
    kept.pod.reset();
    report(kept, faults::pod_succeeded());
    return;
  }
  report(kept, faults::pod_agent_restarted(++kept.restarts, code, "Error"));
  const auto pause =
      std::min(first_restart * (1 << std::min(kept.restarts - 1, 8)), longest_restart);
  house_.clock.call_after(pause, [this, uid] {
    house_.chores.add([this, uid] {
      const auto still = kept_.find(uid);
      if (still == kept_.end() || !still->second.pod) return;
      still->second.pod->kill_agent();
      still->second.pod->start_agent();
    });
  });
}

void Kubelet::kill_agent(const std::string& uid) { agent_exited(uid, killed); }

void Kubelet::kill_bridge(const std::string& uid) {
  kept_.at(uid).pod->kill_bridge();
  later([this, uid] {
    const auto found = kept_.find(uid);
    if (found != kept_.end() && found->second.pod) found->second.pod->start_bridge();
  });
}

void Kubelet::lose_pod(const std::string& uid) {
  Kept& kept = kept_.at(uid);
  kept.pod.reset();
  report(kept, faults::pod_killed(house_.ledger.find(faults::pod_ref(ns, kept.name))));
}

// What a kubelet does with a pod that is to go.
void Kubelet::end(const std::string& uid) {
  const auto found = kept_.find(uid);
  if (found == kept_.end()) return;
  const Kept kept = std::move(found->second);
  kept_.erase(found);
  const Json pod = house_.ledger.find(faults::pod_ref(ns, kept.name));
  if (text_at(pod, {"metadata", "uid"}) != uid) return;
  if (!is_over(pod)) report(kept, faults::pod_killed(pod));
  tasks_.spawn("removing a pod", remove(kept.name, uid));
}

void Kubelet::report(const Kept& kept, Json status) {
  tasks_.spawn("reporting", report_one(kept.name, std::move(status)));
}

io::Task<> Kubelet::report_one(std::string name, Json status) {
  try {
    co_await faults::report_pod(house_.hand(), ns, std::move(name), std::move(status));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
  }
}

io::Task<> Kubelet::remove(std::string name, std::string uid) {
  kube::RemoveOptions options{.uid = std::move(uid), .grace_period_seconds = 0};
  co_await controller::remove_if_there(house_.hand(), faults::pod_ref(ns, name),
                                       std::move(options));
}

}  // namespace sim
