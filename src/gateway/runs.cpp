#include "gateway/runs.h"

#include <algorithm>

#include "base/text.h"
#include "kube/watch.h"
#include "objects/kinds.h"

namespace gateway {

namespace {

constexpr base::Duration patience{10'000};
constexpr char index_pod[] = "pod";

template <class T>
void trim(T& object) {
  object.metadata.managedFields.clear();
}

}  // namespace

Runs::Runs(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log, kube::Api& api)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      api_(api),
      runs_(log, trim<objects::AgentRun>),
      packs_(log, trim<objects::SkillPack>) {
  runs_.add_index(index_pod, [](const controller::Key&, const objects::AgentRun& run) {
    return run.status.podUID.empty() ? std::vector<std::string>{}
                                     : std::vector<std::string>{run.status.podUID};
  });
  const auto wake = [this](const controller::Key&, const auto*, const auto*) {
    auto woken = std::exchange(changed_, std::make_shared<io::Event>());
    woken->set();
  };
  runs_.on_change(wake);
  packs_.on_change(wake);
}

io::Task<> Runs::watch() {
  kube::Watcher runs(clock_, random_, log_, api_,
                     {.collection = {&objects::kind_of<objects::AgentRun>(), "", "", ""}}, runs_);
  kube::Watcher packs(clock_, random_, log_, api_,
                      {.collection = {&objects::kind_of<objects::SkillPack>(), "", "", ""}},
                      packs_);
  io::TaskGroup group(loop_);
  group.spawn("watching runs", runs.run());
  group.spawn("watching skill packs", packs.run());
  co_await group.join();
}

io::Task<> Runs::wait_until(std::function<bool()> is_true) {
  const auto until = clock_.steady() + patience;
  while (!is_true()) {
    const auto left = until - clock_.steady();
    if (left <= base::Duration(0)) co_return;
    auto change = changed_;
    auto wait = change->wait();
    try {
      co_await io::within(clock_, left, "waiting for what the API server knows", std::move(wait));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::timeout) throw;
    }
  }
}

io::Task<RunPtr> Runs::of_pod(PodIdentity pod) {
  RunPtr found;
  std::function<bool()> is_there = [&] {
    for (const auto& [key, run] : runs_.list_by(index_pod, pod.uid))
      if (run && key.ns == pod.ns) found = run;
    return found != nullptr;
  };
  co_await wait_until(std::move(is_there));
  co_return found;
}

io::Task<> Runs::wait_for_packs(RunPtr run) {
  std::function<bool()> are_there = [&] {
    return std::ranges::all_of(run->spec.skills, [&](const objects::SkillRef& skill) {
      return skill.skillPackRef.empty() || packs_.find({run->metadata.ns, skill.skillPackRef});
    });
  };
  co_await wait_until(std::move(are_there));
}

std::vector<objects::SkillPack> Runs::packs_of(const objects::AgentRun& run) const {
  std::vector<objects::SkillPack> out;
  for (const auto& skill : run.spec.skills) {
    if (skill.skillPackRef.empty()) continue;
    auto pack = packs_.find({run.metadata.ns, skill.skillPackRef});
    if (!pack)
      throw base::Error(base::Code::not_found, base::cat("SkillPack ", skill.skillPackRef,
                                                         " does not exist in ", run.metadata.ns));
    out.push_back(*pack);
  }
  return out;
}

}  // namespace gateway
