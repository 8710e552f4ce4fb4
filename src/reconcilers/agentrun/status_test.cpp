#include "reconcilers/agentrun/status.h"

#include <gtest/gtest.h>

#include "objects/conditions.h"
#include "protocol/names.h"

namespace reconcilers {
namespace {

using namespace objects;
using namespace std::chrono_literals;

const base::Time now = base::Time(std::chrono::milliseconds(1'767'323'045'000));

AgentRun a_run() {
  AgentRun run;
  run.metadata = {.name = "one", .ns = "demo", .uid = "run", .generation = 2};
  return run;
}

AgentRunStatus accepted(const AgentRun& run = a_run()) {
  AgentRunStatus status;
  set_accepted(status, run, now);
  return status;
}

ContainerStatus container(std::string name, ContainerState state) {
  return {.name = std::move(name), .state = std::move(state)};
}
ContainerState running() { return {.running = RunningState{}}; }
ContainerState ended(int code, std::string reason = "Completed") {
  return {.terminated = TerminatedState{.exitCode = code, .reason = std::move(reason)}};
}
ContainerState waiting(std::string reason, std::string message = "why") {
  return {.waiting = WaitingState{.reason = std::move(reason), .message = std::move(message)}};
}

// The n-th pod of the run's Job: "pod-n", made n seconds after `now`.
Pod a_pod(int number, ContainerState agent = {}, std::string phase = "Running") {
  Pod pod;
  pod.metadata.name = "pod-" + std::to_string(number);
  pod.metadata.uid = "uid-" + std::to_string(number);
  pod.metadata.creationTimestamp = now + std::chrono::seconds(number);
  pod.status.phase = std::move(phase);
  pod.status.containerStatuses = {container("agent", std::move(agent))};
  return pod;
}
Pod killed(Pod pod) {
  pod.metadata.deletionTimestamp = now;
  auto& agent = pod.status.containerStatuses[0];
  agent.state = ended(137, "Error");
  return pod;
}

Job ended_job(std::string type, std::string why = "BackoffLimitExceeded") {
  Job job;
  job.status.conditions = {
      {.type = std::move(type), .status = "True", .reason = std::move(why), .message = "said so"}};
  return job;
}

RunOutcome outcome(OutcomeStatus how, std::string error = "") {
  return {.status = how, .error = std::move(error), .attempt = 1, .execution = 1};
}

// One look at the world.
struct Look {
  Job job;
  std::vector<Pod> pods;
  base::Time at = now;

  AgentRunStatus operator()(AgentRunStatus status, const AgentRun& run = a_run()) const {
    Sight sight{.job = &job, .pods = {}, .now = at};
    for (const Pod& pod : pods) sight.pods.push_back(&pod);
    observe(status, run, sight);
    return status;
  }
};

// "True Succeeded: the agent has answered"; "-" without such a condition.
std::string condition_of(const AgentRunStatus& status, std::string_view type) {
  const Condition* found = find_condition(status.conditions, type);
  if (!found) return "-";
  return std::string(schema::name(found->status)) + " " + found->reason + ": " + found->message;
}

// ---- the beginning ----

TEST(SetAccepted, RecordsTheJobsNameBeforeThereIsAJob) {
  const AgentRunStatus status = accepted();
  EXPECT_EQ(status.phase, RunPhase::pending);
  EXPECT_EQ(status.jobName, "one");
  EXPECT_EQ(status.observedGeneration, 2);
  EXPECT_EQ(condition_of(status, "Accepted"), "True Accepted: the run may start");
  EXPECT_EQ(condition_of(status, "Ready"), "False Progressing: the run has begun");
  EXPECT_EQ(condition_of(status, "Reconciling"), "True Progressing: the run has begun");
}

TEST(SetRefused, EndsTheRunWithEveryIssue) {
  AgentRunStatus status;
  set_refused(status, a_run(), {{"spec.a", "is wrong"}, {"spec.b", "too"}}, now);
  EXPECT_EQ(status.phase, RunPhase::failed);
  EXPECT_EQ(status.error, "refused: spec.a: is wrong; spec.b: too");
  EXPECT_EQ(status.completedAt, now);
  EXPECT_EQ(status.jobName, "");
  EXPECT_EQ(condition_of(status, "Accepted"), "False Refused: spec.a: is wrong; spec.b: too");
  EXPECT_EQ(condition_of(status, "Stalled"),
            "True Refused: refused: spec.a: is wrong; spec.b: too");
}

TEST(SetRefused, KeepsMessagesWithinKubernetesLimit) {
  AgentRunStatus status;
  set_refused(status, a_run(), {{"spec", std::string(50'000, 'x')}}, now);
  EXPECT_EQ(find_condition(status.conditions, "Accepted")->message.size(), 32u * 1024);
}

TEST(SetFailed, IsNoMoreInProgress) {
  AgentRunStatus status = accepted();
  set_failed(status, a_run(), reason::job_lost, "the Job is gone", now + 1s);
  EXPECT_EQ(status.phase, RunPhase::failed);
  EXPECT_EQ(status.completedAt, now + 1s);
  EXPECT_EQ(condition_of(status, "Ready"), "False JobLost: the Job is gone");
  EXPECT_EQ(condition_of(status, "Stalled"), "True JobLost: the Job is gone");
  EXPECT_EQ(condition_of(status, "Reconciling"), "-");
}

// ---- pods ----

TEST(Observe, HasNothingToWriteBeforeThereIsAPod) { EXPECT_EQ(Look{}(accepted()), accepted()); }

TEST(Observe, WaitsForAPod) {
  const AgentRunStatus status = Look{}(accepted());
  EXPECT_EQ(condition_of(status, "Started"), "False WaitingForPod: the Job has no pod yet");
  EXPECT_EQ(status.attempt, 0);
  EXPECT_FALSE(status.startedAt);
}

// A controller whose view of the pod was late once took back what another one had seen.
TEST(Observe, DoesNotTakeAnAgentThatRanForOneThatIsStarting) {
  const AgentRunStatus running_one = Look{.pods = {a_pod(1, running())}}(accepted());
  EXPECT_EQ(Look{.pods = {a_pod(1)}}(running_one), running_one);
  const AgentRunStatus replaced = Look{.pods = {a_pod(2)}}(running_one);
  EXPECT_EQ(condition_of(replaced, "Started"), "False PodStarting: pod pod-2 is starting");
}

TEST(Observe, CountsAPodOnce) {
  const Look look{.pods = {a_pod(1)}};
  const AgentRunStatus status = look(accepted());
  EXPECT_EQ(status.podName, "pod-1");
  EXPECT_EQ(status.podUID, "uid-1");
  EXPECT_EQ(status.attempt, 1);
  EXPECT_EQ(status.startedAt, now);
  EXPECT_EQ(look(status), status);
}

TEST(Observe, SaysWhatTheAgentWaitsFor) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"ErrImagePull", "ImageUnavailable"},
      {"ImagePullBackOff", "ImageUnavailable"},
      {"InvalidImageName", "ImageUnavailable"},
      {"ErrImageNeverPull", "ImageUnavailable"},
      {"RegistryUnavailable", "ImageUnavailable"},
      {"ImageInspectError", "ImageUnavailable"},
      {"CreateContainerConfigError", "ContainerRefused"},
      {"CreateContainerError", "ContainerRefused"},
      {"RunContainerError", "ContainerRefused"},
      {"CrashLoopBackOff", "Restarting"},
  };
  for (const auto& [waits, why] : cases) {
    const Look look{.pods = {a_pod(1, waiting(waits), "Pending")}};
    EXPECT_EQ(condition_of(look(accepted()), "Started"),
              "False " + why + ": container agent: " + waits + ": why");
  }
  const Look starting{.pods = {a_pod(1, waiting("ContainerCreating"), "Pending")}};
  EXPECT_EQ(condition_of(starting(accepted()), "Started"),
            "False PodStarting: pod pod-1 is starting");
}

TEST(Observe, NamesTheContainerThatWaits) {
  Pod pod = a_pod(1, waiting("PodInitializing"), "Pending");
  pod.status.initContainerStatuses = {container("skill-tools", waiting("ErrImagePull", "no such"))};
  EXPECT_EQ(condition_of(Look{.pods = {pod}}(accepted()), "Started"),
            "False ImageUnavailable: container skill-tools: ErrImagePull: no such");
}

TEST(Observe, SaysWhyAPodHasNoNode) {
  Pod pod = a_pod(1, {}, "Pending");
  pod.status.conditions = {{.type = "PodScheduled",
                            .status = "False",
                            .reason = "Unschedulable",
                            .message = "0/1 nodes are available"}};
  EXPECT_EQ(condition_of(Look{.pods = {pod}}(accepted()), "Started"),
            "False Unschedulable: 0/1 nodes are available");
}

TEST(Observe, IsRunningOnceTheAgentRuns) {
  const AgentRunStatus status = Look{.pods = {a_pod(1, running())}}(accepted());
  EXPECT_EQ(status.phase, RunPhase::running);
  EXPECT_EQ(condition_of(status, "Started"), "True AgentRunning: in pod pod-1");
}

TEST(Observe, KnowsThatAnAgentRanWhoseEndIsTheFirstThingSeen) {
  const AgentRunStatus status = Look{.pods = {a_pod(1, ended(0), "Succeeded")}}(accepted());
  EXPECT_EQ(status.phase, RunPhase::running);
  EXPECT_EQ(condition_of(status, "Started"), "True Ended: in pod pod-1");
  EXPECT_EQ(status.exitCode, 0);
}

TEST(Observe, CountsAReplacedPodAsTheNextAttempt) {
  AgentRunStatus status = Look{.pods = {a_pod(1, running())}}(accepted());
  status = Look{.at = now + 5s}(status);
  EXPECT_EQ(condition_of(status, "Started"), "False PodLost: pod pod-1 is gone");
  status = Look{.pods = {a_pod(2)}, .at = now + 9s}(status);
  EXPECT_EQ(status.attempt, 2);
  EXPECT_EQ(status.podName, "pod-2");
  EXPECT_EQ(status.startedAt, now);
}

TEST(Observe, DoesNotKeepTheExitCodeOfAnEarlierPod) {
  const Pod first = a_pod(1, ended(137, "OOMKilled"), "Failed");
  AgentRunStatus status = Look{.pods = {first}}(accepted());
  EXPECT_EQ(status.exitCode, 137);
  status = Look{.pods = {first, a_pod(2, running())}}(status);
  EXPECT_FALSE(status.exitCode);
  status = Look{.pods = {first, a_pod(2, ended(0), "Succeeded")}}(status);
  EXPECT_EQ(status.exitCode, 0);
}

TEST(Observe, TakesTheExitCodeOfAnAgentsLastEnd) {
  AgentRunStatus status = Look{.pods = {a_pod(1, ended(1, "Error"))}}(accepted());
  status = Look{.pods = {a_pod(1, running())}}(status);
  status = Look{.pods = {a_pod(1, ended(0), "Succeeded")}}(status);
  EXPECT_EQ(status.exitCode, 0);
  EXPECT_EQ(status.attempt, 1);
}

TEST(Observe, TakesNoExitCodeOfAnAgentThatIsKilled) {
  const AgentRunStatus status = Look{.pods = {killed(a_pod(1))}}(accepted());
  EXPECT_FALSE(status.exitCode);
}

// ---- outcomes ----

TEST(Observe, SucceedsWithAnOutcome) {
  AgentRunStatus status = Look{.pods = {a_pod(1, running())}}(accepted());
  status.outcome = outcome(OutcomeStatus::success);
  status = Look{.pods = {a_pod(1, running())}, .at = now + 9s}(status);
  EXPECT_EQ(status.phase, RunPhase::succeeded);
  EXPECT_EQ(status.completedAt, now + 9s);
  EXPECT_EQ(status.error, "");
  EXPECT_EQ(condition_of(status, "Ready"), "True Succeeded: the agent has answered");
  EXPECT_EQ(condition_of(status, "Reconciling"), "-");
  EXPECT_EQ(condition_of(status, "Stalled"), "-");
}

TEST(Observe, FailsWithTheAgentsOwnWords) {
  AgentRunStatus status = Look{.pods = {a_pod(1, running())}}(accepted());
  status.outcome = outcome(OutcomeStatus::error, "the model refused");
  status = Look{.pods = {a_pod(1, running())}}(status);
  EXPECT_EQ(status.phase, RunPhase::failed);
  EXPECT_EQ(status.error, "the model refused");
  EXPECT_EQ(condition_of(status, "Ready"), "False AgentFailed: the model refused");
}

// Whether the controller hears of the outcome or of the pod first makes no difference in the end.
TEST(Observe, ShowsAnAgentThatHasSpokenAsEndedWhateverItsPodHasShown) {
  for (const ContainerState& seen : {ContainerState{}, running(), ended(0)}) {
    AgentRunStatus status = accepted();
    status.outcome = outcome(OutcomeStatus::success);
    status = Look{.pods = {a_pod(1, seen)}}(status);
    EXPECT_EQ(condition_of(status, "Started"), "True Ended: in pod pod-1");
  }
}

TEST(Observe, ChangesNothingOfATerminalStatusButItsExitCode) {
  AgentRunStatus status = accepted();
  status.outcome = outcome(OutcomeStatus::success);
  status = Look{.pods = {a_pod(1, running())}}(status);
  AgentRunStatus wanted = status;
  wanted.exitCode = 0;
  const Look later{.job = ended_job("Failed"),
                   .pods = {a_pod(1, ended(0), "Succeeded"), a_pod(2, running())},
                   .at = now + 3600s};
  EXPECT_EQ(later(status), wanted);
}

// ---- the end of the Job ----

TEST(Observe, LeavesAnOutcomeTimeToArriveAfterTheJobsEnd) {
  const Look end{.job = ended_job("Complete"), .pods = {a_pod(1, ended(0), "Succeeded")}};
  AgentRunStatus status = end(accepted());
  EXPECT_EQ(status.phase, RunPhase::running);
  EXPECT_EQ(condition_of(status, "Finished"),
            "True NoOutcome: the agent ended without an answer or an error");
  EXPECT_EQ(next_look(status, a_run()), now + committed_outcome_grace);

  Look later = end;
  later.at = now + committed_outcome_grace - 1ms;
  EXPECT_EQ(later(status).phase, RunPhase::running);
  later.at = now + committed_outcome_grace;
  const AgentRunStatus failed = later(status);
  EXPECT_EQ(failed.phase, RunPhase::failed);
  EXPECT_EQ(failed.error, "the agent ended without an answer or an error");
  EXPECT_EQ(condition_of(failed, "Ready"),
            "False NoOutcome: the agent ended without an answer or an error");
}

TEST(Observe, SaysNothingOfAMissingOutcomeOnceThereIsOne) {
  const Look end{.job = ended_job("Complete"), .pods = {a_pod(1, ended(0), "Succeeded")}};
  AgentRunStatus status = end(accepted());
  status.outcome = outcome(OutcomeStatus::success);
  status = end(status);
  EXPECT_EQ(status.phase, RunPhase::succeeded);
  EXPECT_EQ(condition_of(status, "Finished"), "-");
}

TEST(Observe, ExplainsAFailedJobByItsPod) {
  Pod pod = a_pod(1, ended(3, "Error"), "Failed");
  const auto finished = [&](const Job& job) {
    return condition_of(Look{.job = job, .pods = {pod}}(accepted()), "Finished");
  };
  const std::string tail = " (job failed: BackoffLimitExceeded: said so)";
  EXPECT_EQ(finished(ended_job("Failed")),
            "True JobFailed: container agent ended with code 3" + tail);
  EXPECT_EQ(finished(ended_job("FailureTarget")),
            "True JobFailed: container agent ended with code 3" + tail);
  pod = a_pod(1, ended(137, "OOMKilled"), "Failed");
  EXPECT_EQ(finished(ended_job("Failed")),
            "True OutOfMemory: container agent ran out of memory" + tail);
  pod.status.reason = "Evicted";
  pod.status.message = "the node was low on disk";
  EXPECT_EQ(finished(ended_job("Failed")),
            "True Evicted: pod pod-1 was evicted: the node was low on disk" + tail);
}

TEST(Observe, KeepsTheExplanationWhenThePodsGo) {
  const Job job = ended_job("FailureTarget");
  AgentRunStatus status = Look{.job = job, .pods = {a_pod(1, ended(137, "OOMKilled"))}}(accepted());
  status = Look{.job = job, .at = now + outcome_grace}(status);
  EXPECT_EQ(status.error,
            "container agent ran out of memory (job failed: BackoffLimitExceeded: said so)");
}

TEST(Observe, TellsWhatTheJobSaysWithoutPods) {
  AgentRunStatus status = Look{.job = ended_job("Failed")}(accepted());
  status = Look{.job = ended_job("Failed"), .at = now + outcome_grace}(status);
  EXPECT_EQ(status.error, "job failed: BackoffLimitExceeded: said so");
}

TEST(Observe, DoesNotPromiseAnotherPodToARunThatHasFailed) {
  AgentRunStatus status = Look{.pods = {a_pod(1, running())}}(accepted());
  status = Look{.at = now + 1s}(status);  // the pod's end is told before the Job's
  status = Look{.job = ended_job("Failed"), .at = now + 2s}(status);
  status = Look{.job = ended_job("Failed"), .at = now + 2s + outcome_grace}(status);
  EXPECT_EQ(status.phase, RunPhase::failed);
  EXPECT_EQ(condition_of(status, "Started"), "True Ended: in pod pod-1");
}

// ---- time ----

TEST(Observe, EndsARunAtItsTimeout) {
  AgentRun run = a_run();
  run.spec.timeout = "90s";
  const Look look{.pods = {a_pod(1, running())}};
  AgentRunStatus status = look(accepted(), run);
  EXPECT_EQ(next_look(status, run), now + 90s);
  Look late = look;
  late.at = now + 90s;
  status = late(status, run);
  EXPECT_EQ(status.phase, RunPhase::failed);
  EXPECT_EQ(status.error, "timeout after 1m30s");
  EXPECT_EQ(condition_of(status, "Ready"), "False TimedOut: timeout after 1m30s");
}

TEST(Observe, SaysWhatATimedOutRunWaitedFor) {
  const Look look{.pods = {a_pod(1, waiting("ErrImagePull"), "Pending")}};
  Look late = look;
  late.at = now + default_timeout;
  const AgentRunStatus status = late(look(accepted()));
  EXPECT_EQ(status.error,
            "timeout after 10m0s; the agent was not running: ImageUnavailable: container agent: "
            "ErrImagePull: why");
}

TEST(Observe, DoesNotCountTimeBeforeThereIsAPod) {
  const AgentRunStatus status = Look{.at = now + 24h}(accepted());
  EXPECT_EQ(status.phase, RunPhase::pending);
  EXPECT_FALSE(next_look(status, a_run()));
}

TEST(JobRemoval, IsDueAfterRetentionAtOnceAfterATimeoutNeverWhenKept) {
  AgentRun run = a_run();
  const Job job = ended_job("Failed");
  EXPECT_FALSE(job_removal(run, job, 1min));
  run.status = accepted(run);
  EXPECT_FALSE(job_removal(run, job, 1min));
  set_failed(run.status, run, reason::agent_failed, "no", now);
  EXPECT_EQ(job_removal(run, job, 1min), now + 1min);
  run.spec.cleanup = Cleanup::keep;
  EXPECT_FALSE(job_removal(run, job, 1min));
  set_failed(run.status, run, reason::timed_out, "late", now);
  EXPECT_EQ(job_removal(run, job, 1min), now);
}

TEST(Observe, SaysWhereARunDiverged) {
  AgentRun run = a_run();
  run.status = accepted(run);
  run.status.divergence = Divergence{
      .attempt = 1, .execution = 2, .turn = 4, .recorded = 3, .pointer = "/messages/0/content"};
  AgentRunStatus status = run.status;
  observe(status, run, {.job = nullptr, .pods = {}, .now = now});
  const Condition* diverged = find_condition(status.conditions, condition::diverged);
  ASSERT_TRUE(diverged);
  EXPECT_EQ(diverged->status, ConditionStatus::is_true);
  EXPECT_EQ(diverged->reason, "AskedOtherwise");
  EXPECT_EQ(diverged->message,
            "run again as execution 1.2, the agent asked in call 4 something else than in its "
            "recorded call 3; they first differ at /messages/0/content");
}

TEST(JobRemoval, IsDueSoonWhenTheAgentGoesOnAfterTheEnd) {
  AgentRun run = a_run();
  run.status = accepted(run);
  run.spec.cleanup = Cleanup::keep;
  set_failed(run.status, run, reason::agent_failed, "diverged", now);
  EXPECT_EQ(job_removal(run, Job{}, 10min), now + last_words);
  EXPECT_EQ(job_removal(run, Job{}, 1s), now + 1s);
}

// ---- which pod counts ----

const Pod* current(std::string recorded, const std::vector<const Pod*>& pods) {
  AgentRunStatus status;
  status.podUID = std::move(recorded);
  return current_pod(status, pods);
}

TEST(CurrentPod, IsTheNewest) {
  const Pod first = a_pod(1), second = a_pod(2);
  EXPECT_EQ(current("", {}), nullptr);
  EXPECT_EQ(current("", {&second, &first}), &second);
  EXPECT_EQ(current("uid-1", {&second, &first}), &second);
  EXPECT_EQ(current("uid-2", {&first, &second}), &second);
}

TEST(CurrentPod, StaysTheRecordedOneAmongPodsOfOneSecond) {
  Pod first = a_pod(1), second = a_pod(2);
  second.metadata.creationTimestamp = first.metadata.creationTimestamp;
  EXPECT_EQ(current("uid-1", {&second, &first}), &first);
  EXPECT_EQ(current("uid-2", {&first, &second}), &second);
}

TEST(CurrentPod, IsNotAnEarlierOneThatHasEndedWhenTheRecordedOneIsGone) {
  const Pod first = a_pod(1, ended(137), "Failed"), third = a_pod(3);
  EXPECT_EQ(current("uid-2", {&first}), nullptr);
  EXPECT_EQ(current("uid-2", {&first, &third}), &third);
}

// ---- why a pod failed ----

TEST(ExplainFailure, SeesAnEndByMemoryThroughTheKillThatFollowed) {
  Pod pod = a_pod(1, running());
  pod.spec.containers = {
      {.name = "agent",
       .resources = {
           .limits = {{"memory", base::Quantity::of(1 << 30, base::Quantity::Form::binary)}}}}};
  pod.status.containerStatuses[0].lastState = ended(137, "OOMKilled");
  pod = killed(pod);
  const auto failure = explain_failure(pod);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->why, reason::out_of_memory);
  EXPECT_EQ(failure->message, "container agent ran out of memory (limit 1Gi)");
}

TEST(ExplainFailure, TellsHowAContainerEndedBeforeItWasKilled) {
  Pod pod = a_pod(1, running());
  pod.status.containerStatuses[0].lastState = ended(7, "Error");
  pod.status.containerStatuses[0].lastState.terminated->message = " no disk\n";
  EXPECT_EQ(explain_failure(killed(pod))->message, "container agent ended with code 7: no disk");
}

TEST(ExplainFailure, AsksTheAgentBeforeItsSidecars) {
  Pod pod = a_pod(1, ended(2, "Error"));
  pod.status.initContainerStatuses = {container("ipc-bridge", ended(1, "StartError"))};
  EXPECT_EQ(explain_failure(pod)->message, "container agent ended with code 2");
  pod.status.containerStatuses[0].state = ended(0);
  EXPECT_EQ(explain_failure(pod)->message, "container ipc-bridge ended with code 1 (StartError)");
}

TEST(ExplainFailure, HasNothingToSayOfAPodThatDidNotFail) {
  EXPECT_FALSE(explain_failure(a_pod(1, running())));
  EXPECT_FALSE(explain_failure(a_pod(1, ended(0))));
}

}  // namespace
}  // namespace reconcilers
