// The status of a run as a function of what there is to see: one small decision per condition or
// field.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "objects/agent_run.h"
#include "objects/job.h"

namespace reconcilers {

// Reasons of conditions.
namespace reason {
inline constexpr std::string_view accepted = "Accepted", refused = "Refused";
inline constexpr std::string_view waiting_for_pod = "WaitingForPod", pod_starting = "PodStarting",
                                  agent_running = "AgentRunning",
                                  image_unavailable = "ImageUnavailable",
                                  unschedulable = "Unschedulable",
                                  container_refused = "ContainerRefused", restarting = "Restarting",
                                  pod_lost = "PodLost", ended = "Ended";
inline constexpr std::string_view succeeded = "Succeeded", agent_failed = "AgentFailed",
                                  timed_out = "TimedOut", job_failed = "JobFailed",
                                  out_of_memory = "OutOfMemory", evicted = "Evicted",
                                  job_lost = "JobLost", name_taken = "NameTaken",
                                  no_outcome = "NoOutcome", progressing = "Progressing",
                                  asked_otherwise = "AskedOtherwise";
}  // namespace reason

// Conditions: Accepted (may it run at all), Started (does its agent run, or what is it waiting
// for), Finished (its Job has ended), and kstatus' Ready, Reconciling, Stalled.
namespace condition {
inline constexpr std::string_view accepted = "Accepted", started = "Started", finished = "Finished",
                                  diverged = "Diverged", ready = "Ready",
                                  reconciling = "Reconciling", stalled = "Stalled";
}  // namespace condition

inline constexpr base::Duration default_timeout{10 * 60'000};
// A Job that ended although no outcome is known: how long the gateway's report may still be on its
// way. An agent that ended well has committed one, which comes as soon as a gateway and an API
// server are there.
inline constexpr base::Duration outcome_grace{20'000}, committed_outcome_grace{5 * 60'000};

base::Duration timeout_of(const objects::AgentRun&);

// Accepted=True, Started=False and the Job's name, before the Job is made.
void set_accepted(objects::AgentRunStatus&, const objects::AgentRun&, base::Time now);
// Accepted=False with every issue; terminal.
void set_refused(objects::AgentRunStatus&, const objects::AgentRun&, const base::Issues&,
                 base::Time now);
// Terminal: Failed with a message for people.
void set_failed(objects::AgentRunStatus&, const objects::AgentRun&, std::string_view why,
                std::string error, base::Time now);

// What is seen. Pods: those of the run's Job, any order.
struct Sight {
  const objects::Job* job = nullptr;
  std::vector<const objects::Pod*> pods;
  base::Time now;
};

// The pod that counts: the recorded one, or the newest by creation when that is newer. Without the
// recorded one, which is gone then, the newest that goes on: one that has ended may be older. Null
// without any.
const objects::Pod* current_pod(const objects::AgentRunStatus&,
                                const std::vector<const objects::Pod*>&);

// Everything a look can change, in this order: pod (name, uid, attempt, startedAt), Started,
// Diverged, outcome → phase, Job's end, timeout. Does nothing to a terminal status but fill
// exitCode.
void observe(objects::AgentRunStatus&, const objects::AgentRun&, const Sight&);

// When the next thing happens by time alone: timeout, end of grace. Nothing for a terminal status.
std::optional<base::Time> next_look(const objects::AgentRunStatus&, const objects::AgentRun&);

// Whether the Job of a terminal run is to be deleted, and when: at once after a timeout, else when
// its retention is over; never by us with cleanup: keep. An agent that goes on although its run is
// over has half a minute to end.
inline constexpr base::Duration last_words{30'000};
bool has_ended(const objects::Job&);
std::optional<base::Time> job_removal(const objects::AgentRun&, const objects::Job&,
                                      base::Duration retention);

// What the containers of a failed pod say, most telling first: "container agent: out of memory
// (limit 1Gi)", …
struct PodFailure {
  std::string_view why;
  std::string message;
};
std::optional<PodFailure> explain_failure(const objects::Pod&);

}  // namespace reconcilers
