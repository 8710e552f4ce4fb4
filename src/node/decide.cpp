#include "node/decide.h"

#include <csignal>

#include "node/pod.h"

namespace node {

using base::Json;
using State = ContainerRecord::State;

namespace {

constexpr base::Duration least_sidecar_grace{2'000};

bool is_alive(const ContainerRecord& record) {
  return record.state == State::running || record.state == State::starting;
}

struct Decider {
  const Json& pod;
  const PodRecord& record;
  base::Time now;
  std::vector<Container> all;
  Step step;

  const ContainerRecord& of(const Container& container) {
    return record_of(record, container.name);
  }

  void look_again(base::Time at) {
    if (!step.look_again || at < *step.look_again) step.look_again = at;
  }

  // Starts it unless its back-off says to wait.
  void start(const Container& container) {
    const auto& known = of(container);
    if (known.state == State::ended && known.delay_ms > 0) {
      const base::Time due = known.ended->finished + base::Duration(known.delay_ms);
      if (now < due) {
        step.backing_off.push_back(container.name);
        return look_again(due);
      }
    }
    step.start.push_back(container.name);
  }

  bool starts_again(const Container& container) {
    const auto& known = of(container);
    if (known.state != State::ended) return false;
    if (container.role == Role::init && known.ended->exit_code == 0) return false;
    return restarts(pod, container.role == Role::sidecar, known.ended->exit_code);
  }

  std::optional<Ending> why_end() {
    if (record.ending) return record.ending;
    if (is_deleted(pod)) return Ending{Ending::Why::deleted, "", "", now};
    if (auto seconds = base::find_int(pod, {"spec", "activeDeadlineSeconds"});
        seconds && record.started) {
      const base::Time due = *record.started + std::chrono::seconds(*seconds);
      if (now >= due)
        return Ending{Ending::Why::failed, "DeadlineExceeded",
                      "Pod was active on the node longer than the specified deadline", now};
      look_again(due);
    }
    bool done = true;
    for (const auto& container : all) {
      const auto& known = of(container);
      const bool ended_for_good = known.state == State::ended && !starts_again(container);
      if (container.role == Role::init && ended_for_good && known.ended->exit_code != 0)
        return Ending{Ending::Why::completed, "", "", now};
      if (container.role == Role::main) done &= ended_for_good;
    }
    if (done) return Ending{Ending::Why::completed, "", "", now};
    return std::nullopt;
  }

  // SIGTERM, and SIGKILL `grace` later.
  void stop(const Container& container, base::Duration grace) {
    const auto& known = of(container);
    if (known.state == State::starting) return;  // a moment later it runs and can be stopped
    if (!known.told_to_stop && grace.count() > 0) {
      step.stop.push_back({container.name, SIGTERM});
      look_again(now + grace);
      return;
    }
    const base::Time due = known.told_to_stop ? *known.told_to_stop + grace : now;
    if (now >= due)
      step.stop.push_back({container.name, SIGKILL});
    else
      look_again(due);
  }

  void end(const Ending& ending) {
    // What is too much grows on while it is asked to stop.
    const std::int64_t seconds = ending.reason == "Evicted" ? 0 : grace_seconds(pod);
    const base::Duration grace = std::chrono::seconds(seconds);
    bool alive = false;
    for (const auto& container : all) {
      if (container.role == Role::sidecar || !is_alive(of(container))) continue;
      alive = true;
      stop(container, grace);
    }
    for (auto at = all.rbegin(); !alive && at != all.rend(); ++at) {
      if (at->role != Role::sidecar || !is_alive(of(*at))) continue;
      alive = true;
      const base::Duration left = ending.since + grace - now;
      const auto& told = of(*at).told_to_stop;
      const base::Duration own = told ? ending.since + grace - *told : left;
      stop(*at, grace.count() == 0 ? grace : std::max(own, least_sidecar_grace));
    }
    step.over = !alive;
  }

  // True when all init containers are done and the others may run.
  bool initialize() {
    for (const auto& container : all) {
      if (container.role == Role::main) break;
      const auto& known = of(container);
      if (container.role == Role::sidecar) {
        if (known.state == State::running) continue;
        if (known.state != State::starting) start(container);
        return false;
      }
      if (known.state == State::ended && known.ended->exit_code == 0) continue;
      if (!is_alive(known)) start(container);
      return false;
    }
    return true;
  }

  bool initialized_before() {
    for (const auto& container : all)
      if (container.role == Role::main && of(container).attempts > 0) return true;
    return false;
  }

  void go_on() {
    if (!initialized_before() && !initialize()) return;
    for (const auto& container : all) {
      if (container.role == Role::init) continue;
      const auto& known = of(container);
      if (known.state == State::waiting || starts_again(container)) start(container);
    }
  }
};

}  // namespace

const ContainerRecord& record_of(const PodRecord& record, const std::string& container) {
  static const ContainerRecord none;
  auto at = record.containers.find(container);
  return at == record.containers.end() ? none : at->second;
}

bool restarts(const Json& pod, bool sidecar, int exit_code) {
  if (sidecar) return true;
  const std::string policy = restart_policy(pod);
  if (policy == "Always") return true;
  return policy == "OnFailure" && exit_code != 0;
}

Step decide(const Json& pod, const PodRecord& record, base::Time now) {
  Decider decider{pod, record, now, containers(pod), {}};
  const auto ending = decider.why_end();
  if (!ending) {
    decider.go_on();
    return decider.step;
  }
  if (!record.ending) decider.step.ending = ending;
  decider.end(*ending);
  return decider.step;
}

}  // namespace node
