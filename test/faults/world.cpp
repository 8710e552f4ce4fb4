#include "faults/world.h"

#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "controller/write.h"
#include "objects/agent_run.h"
#include "objects/job.h"
#include "objects/kinds.h"

namespace faults {

using base::Json;
using base::text_at;

namespace {

constexpr base::Duration patience{20 * 60'000};

// Of the kinds that own or are owned, those of which anything is deleted in a story.
std::vector<const schema::KindInfo*> collected() {
  return {&objects::AgentRun::info, &objects::Job::info, &objects::Pod::info};
}

}  // namespace

void World::StoryLog::write(base::Level, std::string_view message, const Fields& fields) {
  static const bool is_wanted = std::getenv("FAULTS_LOG");
  if (!is_wanted) return;
  std::string line(message);
  for (const auto& [key, value] : fields) line += base::cat(" ", key, "=", value);
  std::fprintf(stderr, "%s\n", line.c_str());
}

World::World(apiserver::History known, Setting setting, std::vector<Fault> faults)
    : setting_(setting),
      random_(setting.seed),
      server_(loop_, clock_, random_, log_, std::move(known)),
      ledger_(server_.store(), server_.catalog()),
      rules_(ledger_, setting.controllers),
      hand_(server_.client("hand")),
      others_(server_.client("loops")),
      jobs_(loop_, clock_, random_, log_, metrics_, *others_),
      binder_(loop_, clock_, random_, log_, metrics_, *others_),
      collector_(loop_, clock_, random_, log_, metrics_, *others_, collected()),
      tasks_(loop_) {
  ledger_.on_change([this](const apiserver::Change& change) { keep_pods(change); });
  tasks_.spawn("jobs", jobs_.run());
  tasks_.spawn("binder", binder_.run());
  tasks_.spawn("collector", collector_.run());
  reconcilers::Config config;
  config.runs.retention = setting.retention;
  const auto brain = [&](std::vector<Fault> some) {
    brains_.push_back(std::make_unique<Brain>(loop_, clock_, random_, log_, server_, ledger_,
                                              config, std::move(some)));
  };
  brain(std::move(faults));
  if (setting.controllers == Controllers::several) brain({});
}

World::~World() {
  brains_.clear();
  tasks_.stop();
  loop_.run(tasks_.join());
}

void World::arm() {
  for (const auto& brain : brains_) brain->plan().arm(ledger_.version());
}

void World::part() { parted_at_ = plan().counts(); }

void World::arm_with_jitter(std::uint64_t seed) {
  arm();
  const base::Duration most{seed % 2 == 0 ? 4'000 : 40};
  for (const auto& brain : brains_) brain->plan().jitter(most, seed++);
}

bool World::is_ready() const {
  for (const auto& brain : brains_)
    if (!brain->is_ready()) return false;
  return true;
}

bool World::is_storm() const {
  for (const auto& brain : brains_)
    if (brain->plan().is_storm()) return true;
  return false;
}

void World::create(Json object) {
  const auto* kind =
      objects::find_kind_of(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
  kube::Ref ref = kube::ref_of(*kind, object);
  run(hand_->create(std::move(ref), std::move(object), {}));
}

void World::remove(const kube::Ref& ref, kube::RemoveOptions options) {
  run(controller::remove_if_there(*hand_, ref, std::move(options)));
}

void World::settle() {
  bool again = true;
  while (again) {
    loop_.run_ready();
    again = false;
    for (const auto& brain : brains_) again |= brain->revive();
  }
}

void World::until(const std::string& what, const std::function<bool()>& holds) {
  const base::Instant end = clock_.steady() + patience;
  for (;;) {
    settle();
    if (holds()) return;
    if (clock_.steady() >= end || !clock_.advance_to_next())
      throw base::Error(base::Code::timeout, "it never came: " + what);
  }
}

void World::pass(base::Duration time) {
  bool over = false;
  clock_.call_after(time, [&over] { over = true; });
  until("that time passes", [&] { return over; });
}

// What a kubelet does with a pod of its node that is to go.
void World::keep_pods(const apiserver::Change& change) {
  if (change.after->key.storage != "pods" || change.type != apiserver::ChangeType::modified ||
      change.after->text.find("deletionTimestamp") == std::string::npos)
    return;
  const Json pod = change.after->tree(), before = change.before->tree();
  const bool begins = text_at(before, {"metadata", "deletionTimestamp"}).empty() &&
                      base::find_int(pod, {"metadata", "deletionGracePeriodSeconds"}).value_or(0);
  if (!begins) return;
  kube::Ref ref = pod_ref(change.after->key.ns, change.after->key.name);
  tasks_.spawn("kubelet", finish_pod(std::move(ref), change.after->uid));
}

io::Task<> World::finish_pod(kube::Ref pod, std::string uid) {
  co_await io::sleep(clock_, setting_.dying);
  const Json now = ledger_.find(pod);
  if (text_at(now, {"metadata", "uid"}) != uid) co_return;
  const std::string phase = text_at(now, {"status", "phase"});
  if (phase != "Succeeded" && phase != "Failed") {
    Json status = pod_killed(now);
    co_await report_pod(*hand_, pod.ns, pod.name, std::move(status));
  }
  kube::RemoveOptions options{.uid = std::move(uid), .grace_period_seconds = 0};
  co_await controller::remove_if_there(*hand_, std::move(pod), std::move(options));
}

}  // namespace faults
