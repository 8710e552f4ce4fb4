#include "reconcilers/agentrun/status.h"

#include <algorithm>

#include "base/text.h"
#include "objects/conditions.h"
#include "protocol/names.h"
#include "reconcilers/agentrun/pod.h"

namespace reconcilers {

namespace {

using base::cat;
using namespace objects;

void set(AgentRunStatus& status, const AgentRun& run, base::Time now, std::string_view type,
         bool value, std::string_view why, std::string message) {
  set_condition(status.conditions,
                {.type = std::string(type),
                 .status = value ? ConditionStatus::is_true : ConditionStatus::is_false,
                 .observedGeneration = run.metadata.generation,
                 .lastTransitionTime = now,
                 .reason = std::string(why),
                 .message = std::move(message)});
}

// kstatus: in progress until the end; then ready, or stalled.
void set_progress(AgentRunStatus& status, const AgentRun& run, base::Time now, std::string_view why,
                  const std::string& message) {
  const bool succeeded = status.phase == RunPhase::succeeded;
  status.observedGeneration = run.metadata.generation;
  set(status, run, now, condition::ready, succeeded, why, message);
  if (!is_terminal(status.phase)) {
    set(status, run, now, condition::reconciling, true, why, message);
    return;
  }
  remove_condition(status.conditions, condition::reconciling);
  if (!succeeded) set(status, run, now, condition::stalled, true, why, message);
}

void set_agent_ended(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  set(status, run, now, condition::started, true, reason::ended, cat("in pod ", status.podName));
}

// An agent that was seen to run does so no more when its run is over, whichever was told first:
// the end of its pod or that of its Job.
void settle_started(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  const Condition* started = find_condition(status.conditions, condition::started);
  if (!started) return;
  const bool was_lost = status.phase == RunPhase::running && started->reason == reason::pod_lost;
  if (was_lost || started->status == ConditionStatus::is_true) set_agent_ended(status, run, now);
}

void set_succeeded(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  status.phase = RunPhase::succeeded;
  status.completedAt = now;
  set_progress(status, run, now, reason::succeeded, "the agent has answered");
}

const JobCondition* find_end(const Job& job) {
  for (const JobCondition& one : job.status.conditions)
    if ((one.type == "Complete" || one.type == "Failed" || one.type == "FailureTarget") &&
        one.status == "True")
      return &one;
  return nullptr;
}

std::vector<const ContainerStatus*> containers_of(const Pod& pod) {
  std::vector<const ContainerStatus*> all;  // the agent first: it is what people ask about
  for (const auto& one : pod.status.containerStatuses) all.push_back(&one);
  for (const auto& one : pod.status.initContainerStatuses) all.push_back(&one);
  return all;
}

const ContainerStatus* find_agent(const Pod& pod) {
  for (const auto& one : pod.status.containerStatuses)
    if (one.name == protocol::container_agent) return &one;
  return nullptr;
}

// Why the agent does not run yet (or no more), from most to least telling.
struct Standing {
  bool started = false;
  std::string_view why;
  std::string message;
};

std::string_view reason_of_waiting(std::string_view text) {
  if (text == "ErrImagePull" || text == "ImagePullBackOff" || text == "InvalidImageName" ||
      text == "ErrImageNeverPull" || text == "RegistryUnavailable" || text == "ImageInspectError")
    return reason::image_unavailable;
  if (text == "CreateContainerConfigError" || text == "CreateContainerError" ||
      text == "RunContainerError")
    return reason::container_refused;
  if (text == "CrashLoopBackOff") return reason::restarting;
  return {};
}

Standing standing_of(const Pod& pod) {
  for (const PodCondition& one : pod.status.conditions)
    if (one.type == "PodScheduled" && one.status == "False" && one.reason == "Unschedulable")
      return {false, reason::unschedulable, one.message};
  for (const ContainerStatus* one : containers_of(pod)) {
    if (!one->state.waiting) continue;
    const std::string_view why = reason_of_waiting(one->state.waiting->reason);
    if (!why.empty())
      return {false, why,
              cat("container ", one->name, ": ", one->state.waiting->reason, ": ",
                  one->state.waiting->message)};
  }
  const ContainerStatus* agent = find_agent(pod);
  if (agent && agent->state.running)
    return {true, reason::agent_running, cat("in pod ", pod.metadata.name)};
  if (agent && agent->state.terminated)
    return {true, reason::ended, cat("in pod ", pod.metadata.name)};
  return {false, reason::pod_starting, cat("pod ", pod.metadata.name, " is starting")};
}

void set_without_pod(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  const bool had_one = !status.podUID.empty();
  set(status, run, now, condition::started, false,
      had_one ? reason::pod_lost : reason::waiting_for_pod,
      had_one ? cat("pod ", status.podName, " is gone") : "the Job has no pod yet");
}

void observe_pod(AgentRunStatus& status, const AgentRun& run, const Sight& sight) {
  const Pod* pod = current_pod(status, sight.pods);
  if (!pod) {
    if (!find_end(*sight.job)) set_without_pod(status, run, sight.now);
    return;
  }
  const bool is_new = pod->metadata.uid != status.podUID;
  if (is_new) {
    status.podName = pod->metadata.name;
    status.podUID = pod->metadata.uid;
    status.attempt += 1;
    status.exitCode.reset();  // it was the pod's before
    if (!status.startedAt) status.startedAt = sight.now;
  }
  Standing standing = standing_of(*pod);
  if (standing.started) status.phase = RunPhase::running;
  // Of a pod whose agent has been seen to run, a state before that is old news.
  if (!is_new && status.phase == RunPhase::running && standing.why == reason::pod_starting) return;
  set(status, run, sight.now, condition::started, standing.started, standing.why,
      std::move(standing.message));
}

// How an agent ends that is being killed says nothing, and need not be seen at all.
void observe_exit_code(AgentRunStatus& status, const Sight& sight) {
  for (const Pod* pod : sight.pods) {
    if (pod->metadata.uid != status.podUID || pod->metadata.deletionTimestamp) continue;
    const ContainerStatus* agent = find_agent(*pod);
    if (agent && agent->state.terminated) status.exitCode = agent->state.terminated->exitCode;
  }
}

void observe_divergence(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  if (!status.divergence) return;
  const Divergence& at = *status.divergence;
  set(status, run, now, condition::diverged, true, reason::asked_otherwise,
      cat("run again as execution ", at.attempt, ".", at.execution, ", the agent asked in call ",
          at.turn, " something else than in its recorded call ", at.recorded,
          "; they first differ at ", at.pointer.empty() ? "the endpoint" : at.pointer));
}

void observe_outcome(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  if (!status.outcome) return;
  set_agent_ended(status, run, now);  // it has spoken, whatever its pod has shown so far
  remove_condition(status.conditions, condition::finished);  // "without an outcome"
  if (status.outcome->status == OutcomeStatus::success) return set_succeeded(status, run, now);
  set_failed(status, run, reason::agent_failed, status.outcome->error, now);
}

// What a Job's end means when no outcome is known. The pods say more than the Job, as long as they
// are there.
PodFailure explain_end(const JobCondition& end, const Sight& sight) {
  if (end.type == "Complete")
    return {reason::no_outcome, "the agent ended without an answer or an error"};
  for (const Pod* pod : sight.pods)
    if (const auto failure = explain_failure(*pod))
      return {failure->why,
              cat(failure->message, " (job failed: ", end.reason, ": ", end.message, ")")};
  return {reason::job_failed, cat("job failed: ", end.reason, ": ", end.message)};
}

base::Time end_of_grace(const Condition& finished) {
  return finished.lastTransitionTime +
         (finished.reason == reason::no_outcome ? committed_outcome_grace : outcome_grace);
}

// The outcome may be on its way, so the run ends only after a grace.
void observe_end(AgentRunStatus& status, const AgentRun& run, const Sight& sight) {
  const JobCondition* end = sight.job ? find_end(*sight.job) : nullptr;
  if (!end) return;
  PodFailure failure = explain_end(*end, sight);
  const Condition* known = find_condition(status.conditions, condition::finished);
  if (!known || failure.why != reason::job_failed)
    set(status, run, sight.now, condition::finished, true, failure.why, std::move(failure.message));
  known = find_condition(status.conditions, condition::finished);
  if (sight.now < end_of_grace(*known)) return;
  const Condition finished = *known;
  set_failed(status, run, finished.reason, finished.message, sight.now);
}

void observe_timeout(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  if (!status.startedAt || find_condition(status.conditions, condition::finished)) return;
  const base::Duration timeout = timeout_of(run);
  if (now < *status.startedAt + timeout) return;
  const Condition* started = find_condition(status.conditions, condition::started);
  std::string error = cat("timeout after ", base::format_duration(timeout));
  if (started && started->status == ConditionStatus::is_false)
    error += cat("; the agent was not running: ", started->reason, ": ", started->message);
  set_failed(status, run, reason::timed_out, std::move(error), now);
}

// How a container ended by itself: in a pod that is being deleted, before it was killed.
const std::optional<TerminatedState>& last_word_of(const ContainerStatus& one, const Pod& pod) {
  const bool was_killed = pod.metadata.deletionTimestamp && one.lastState.terminated;
  return one.state.terminated && !was_killed ? one.state.terminated : one.lastState.terminated;
}

std::string limit_of(const Pod& pod, std::string_view container) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.initContainers})
    for (const Container& one : *list)
      if (one.name == container)
        if (const auto memory = one.resources.limits.find("memory");
            memory != one.resources.limits.end())
          return cat(" (limit ", memory->second.format(), ")");
  return {};
}

}  // namespace

bool has_ended(const Job& job) { return find_end(job) != nullptr; }

base::Duration timeout_of(const AgentRun& run) {
  return base::parse_duration(run.spec.timeout).value_or(default_timeout);
}

void set_accepted(AgentRunStatus& status, const AgentRun& run, base::Time now) {
  status.phase = RunPhase::pending;
  status.jobName = job_name(run);
  set(status, run, now, condition::accepted, true, reason::accepted, "the run may start");
  set_without_pod(status, run, now);  // what the first look at the Job would write on its own
  set_progress(status, run, now, reason::progressing, "the run has begun");
}

void set_refused(AgentRunStatus& status, const AgentRun& run, const base::Issues& issues,
                 base::Time now) {
  constexpr std::size_t message_max = 32 * 1024;  // metav1.Condition.message
  const std::string message(base::clip(base::format(issues), message_max));
  set(status, run, now, condition::accepted, false, reason::refused, message);
  set_failed(status, run, reason::refused, cat("refused: ", message), now);
}

void set_failed(AgentRunStatus& status, const AgentRun& run, std::string_view why,
                std::string error, base::Time now) {
  settle_started(status, run, now);
  status.phase = RunPhase::failed;
  status.completedAt = now;
  status.error = std::move(error);
  set_progress(status, run, now, why, std::string(base::clip(status.error, 1024)));
}

const Pod* current_pod(const AgentRunStatus& status, const std::vector<const Pod*>& pods) {
  const auto is_newer = [](const Pod& one, const Pod* other) {
    return !other || one.metadata.creationTimestamp > other->metadata.creationTimestamp;
  };
  const Pod *recorded = nullptr, *newest = nullptr, *going_on = nullptr;
  for (const Pod* pod : pods) {
    if (pod->metadata.uid == status.podUID) recorded = pod;
    if (is_newer(*pod, newest)) newest = pod;
    const bool ended = pod->status.phase == "Succeeded" || pod->status.phase == "Failed";
    if (!ended && is_newer(*pod, going_on)) going_on = pod;
  }
  if (recorded) return is_newer(*newest, recorded) ? newest : recorded;
  return status.podUID.empty() ? newest : going_on;
}

void observe(AgentRunStatus& status, const AgentRun& run, const Sight& sight) {
  observe_exit_code(status, sight);
  if (is_terminal(status.phase)) return;
  if (sight.job) observe_pod(status, run, sight);
  observe_exit_code(status, sight);
  observe_divergence(status, run, sight.now);
  observe_outcome(status, run, sight.now);
  if (!is_terminal(status.phase)) observe_end(status, run, sight);
  if (!is_terminal(status.phase)) observe_timeout(status, run, sight.now);
}

std::optional<base::Time> next_look(const AgentRunStatus& status, const AgentRun& run) {
  if (is_terminal(status.phase)) return {};
  if (const auto* finished = find_condition(status.conditions, condition::finished))
    return end_of_grace(*finished);
  if (status.startedAt) return *status.startedAt + timeout_of(run);
  return {};
}

std::optional<base::Time> job_removal(const AgentRun& run, const Job& job,
                                      base::Duration retention) {
  const auto& status = run.status;
  if (!is_terminal(status.phase) || !status.completedAt) return {};
  const Condition* ready = find_condition(status.conditions, condition::ready);
  if (ready && ready->reason == reason::timed_out) return *status.completedAt;
  if (!has_ended(job)) return *status.completedAt + std::min(last_words, retention);
  if (run.spec.cleanup == Cleanup::keep) return {};
  return *status.completedAt + retention;
}

std::optional<PodFailure> explain_failure(const Pod& pod) {
  if (pod.status.reason == "Evicted")
    return PodFailure{reason::evicted,
                      cat("pod ", pod.metadata.name, " was evicted: ", pod.status.message)};
  for (const ContainerStatus* one : containers_of(pod))
    for (const auto& end : {one->state.terminated, one->lastState.terminated})
      if (end && end->reason == "OOMKilled")
        return PodFailure{reason::out_of_memory, cat("container ", one->name, " ran out of memory",
                                                     limit_of(pod, one->name))};
  for (const ContainerStatus* one : containers_of(pod)) {
    const auto& end = last_word_of(*one, pod);
    if (!end || end->exitCode == 0) continue;
    std::string message = cat("container ", one->name, " ended with code ", end->exitCode);
    if (!end->reason.empty() && end->reason != "Error") message += cat(" (", end->reason, ")");
    if (!end->message.empty()) message += cat(": ", base::clip(base::trim(end->message), 1024));
    return PodFailure{reason::job_failed, std::move(message)};
  }
  return {};
}

}  // namespace reconcilers
