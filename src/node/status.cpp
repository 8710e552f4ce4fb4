#include "node/status.h"

#include <set>

#include "base/text.h"
#include "node/decide.h"
#include "node/pod.h"
#include "node/resources.h"

namespace node {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using State = ContainerRecord::State;

namespace {

Json terminated(const Ended& ended) {
  JsonObject out{{"exitCode", ended.exit_code},
                 {"reason", ended.reason},
                 {"startedAt", base::format_time(ended.started)},
                 {"finishedAt", base::format_time(ended.finished)}};
  if (ended.signal) out["signal"] = ended.signal;
  if (!ended.message.empty()) out["message"] = ended.message;
  if (!ended.id.empty()) out["containerID"] = "crun://" + ended.id;
  return JsonObject{{"terminated", out}};
}

struct Writer {
  const Json& pod;
  const PodRecord& record;
  const Facts& facts;
  base::Time now;
  const std::map<std::string, std::string>& image_ids;
  std::vector<Container> all = containers(pod);

  const ContainerRecord& of(const Container& container) const {
    return record_of(record, container.name);
  }

  bool init_done(const Container& container) const {
    const auto& known = of(container);
    if (container.role == Role::sidecar)
      return known.attempts > 0 && known.state != State::starting;
    return known.state == State::ended && known.ended->exit_code == 0;
  }

  bool initialized() const {
    for (const auto& container : all) {
      if (container.role == Role::main && of(container).attempts > 0) return true;
      if (container.role != Role::main && !init_done(container)) return false;
    }
    return true;
  }

  bool ready(const Container& container) const {
    const auto& known = of(container);
    if (container.role == Role::init) return init_done(container);
    return known.state == State::running;
  }

  Json waiting(const Container& container) const {
    const auto& known = of(container);
    std::string reason = known.waiting_reason;
    if (reason.empty()) {
      bool before = false;  // an init container that has to be done first
      for (const auto& other : all) {
        if (other.name == container.name || other.role == Role::main) break;
        before |= !init_done(other);
      }
      reason = before && record.ready_to_start ? "PodInitializing" : "ContainerCreating";
      if (before && !record.ending) reason = "PodInitializing";
    }
    JsonObject out{{"reason", reason}};
    if (!known.waiting_message.empty()) out["message"] = known.waiting_message;
    return JsonObject{{"waiting", out}};
  }

  Json container_status(const Container& container) const {
    const auto& known = of(container);
    auto image_id = image_ids.find(container.name);
    const bool crash_loop = known.state == State::ended && !known.waiting_reason.empty();
    JsonObject out{{"name", container.name},
                   {"image", base::text_at(*container.spec, {"image"})},
                   {"imageID", image_id == image_ids.end() ? "" : image_id->second},
                   {"restartCount", std::max<std::int64_t>(0, known.attempts - 1)},
                   {"ready", ready(container)},
                   {"started", known.state == State::running}};
    if (!known.id.empty()) out["containerID"] = "crun://" + known.id;
    switch (known.state) {
      case State::waiting:
      case State::starting: out["state"] = waiting(container); break;
      case State::running:
        out["state"] = {{"running", {{"startedAt", base::format_time(known.started)}}}};
        break;
      case State::ended:
        out["state"] = crash_loop ? waiting(container) : terminated(*known.ended);
        break;
    }
    const auto& last = crash_loop ? known.ended : known.last;
    out["lastState"] = last ? terminated(*last) : Json(JsonObject{});
    return out;
  }

  JsonArray statuses(bool init) const {
    JsonArray out;
    for (const auto& container : all)
      if ((container.role != Role::main) == init) out.push_back(container_status(container));
    return out;
  }

  std::string phase() const {
    int failed = 0, succeeded = 0, begun = 0, mains = 0;
    for (const auto& container : all) {
      if (container.role != Role::main) continue;
      const auto& known = of(container);
      ++mains;
      begun += known.attempts > 0 && (known.state != State::starting || known.last);
      if (known.state != State::ended) continue;
      ++(known.ended->exit_code == 0 ? succeeded : failed);
    }
    if (record.over) {
      const bool by_us = record.ending && record.ending->why == Ending::Why::failed;
      return !by_us && succeeded == mains ? "Succeeded" : "Failed";
    }
    return begun == mains && initialized() ? "Running" : "Pending";
  }

  std::string unready(bool init) const {
    std::vector<std::string> names;
    for (const auto& container : all) {
      if (init ? container.role != Role::main && !init_done(container)
               : container.role != Role::init && !ready(container))
        names.push_back(container.name);
    }
    return names.empty() ? "" : "[" + base::join(names, " ") + "]";
  }

  Json condition(std::string_view type, bool value, std::string_view reason,
                 const std::string& message) const {
    const std::string status = value ? "True" : "False";
    JsonObject out{{"type", type}, {"status", status}, {"lastProbeTime", nullptr}};
    if (!reason.empty()) out["reason"] = reason;
    if (!message.empty()) out["message"] = message;
    out["lastTransitionTime"] = base::format_time(now);
    for (const auto& old : items(pod, {"status", "conditions"}))
      if (base::text_at(old, {"type"}) == type && base::text_at(old, {"status"}) == status)
        if (auto at = base::find_string(old, {"lastTransitionTime"}))
          out["lastTransitionTime"] = *at;
    return out;
  }

  JsonArray conditions(const std::string& now_in) const {
    const bool succeeded = now_in == "Succeeded", failed = now_in == "Failed";
    const std::string_view over = succeeded ? "PodCompleted" : failed ? "PodFailed" : "";
    auto readiness = [&](std::string_view type) {
      const std::string names = unready(false);
      if (!over.empty()) return condition(type, false, over, "");
      return condition(type, names.empty(), names.empty() ? "" : "ContainersNotReady",
                       names.empty() ? "" : "containers with unready status: " + names);
    };
    const std::string init = unready(true);
    const bool done = initialized() || succeeded;
    JsonArray out;
    out.push_back(
        condition("PodReadyToStartContainers", record.ready_to_start && !record.over, "", ""));
    out.push_back(condition("Initialized", done,
                            succeeded ? "PodCompleted"
                            : done    ? ""
                                      : "ContainersNotInitialized",
                            done ? "" : "containers with incomplete status: " + init));
    out.push_back(readiness("Ready"));
    out.push_back(readiness("ContainersReady"));
    out.push_back(condition("PodScheduled", true, "", ""));
    std::set<std::string> own;
    for (const auto& item : out) own.insert(base::text_at(item, {"type"}));
    for (const auto& other : items(pod, {"status", "conditions"}))
      if (!own.contains(base::text_at(other, {"type"}))) out.push_back(other);
    return out;
  }
};

}  // namespace

Json pod_status(const Json& pod, const PodRecord& record, const Facts& facts, base::Time now,
                const std::map<std::string, std::string>& image_ids) {
  const Writer writer{pod, record, facts, now, image_ids};
  const std::string phase = writer.phase();
  JsonObject out{{"phase", phase},
                 {"conditions", writer.conditions(phase)},
                 {"hostIP", facts.host_ip},
                 {"hostIPs", JsonArray{{{"ip", facts.host_ip}}}},
                 {"qosClass", qos_class(pod)},
                 {"containerStatuses", writer.statuses(false)}};
  if (record.started) out["startTime"] = base::format_time(*record.started);
  if (record.ready_to_start) {
    out["podIP"] = facts.pod_ip;
    out["podIPs"] = JsonArray{{{"ip", facts.pod_ip}}};
  }
  if (!items(pod, {"spec", "initContainers"}).empty())
    out["initContainerStatuses"] = writer.statuses(true);
  if (record.ending && !record.ending->reason.empty()) {
    out["reason"] = record.ending->reason;
    out["message"] = record.ending->message;
  }
  return out;
}

std::optional<Json> status_patch(const Json& pod, const Json& wanted) {
  const Json* current = base::find(pod, {"status"});
  JsonObject changes;
  for (const auto& [key, value] : wanted.get_object()) {
    const Json* old = current ? base::find(*current, {key}) : nullptr;
    if (!old || *old != value) changes[key] = value;
  }
  if (changes.empty()) return std::nullopt;
  return JsonObject{{"metadata", {{"uid", uid(pod)}}}, {"status", changes}};
}

}  // namespace node
