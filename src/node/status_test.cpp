#include "node/status.h"

#include <gmock/gmock.h>

#include "node/pod.h"

namespace node {
namespace {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using State = ContainerRecord::State;

constexpr base::Time now{base::Duration(1'767'323'045'000)};  // 2026-01-02T03:04:05Z

Json pod() {
  return JsonObject{
      {"metadata", {{"name", "p"}, {"namespace", "n"}, {"uid", "u"}}},
      {"spec",
       {{"restartPolicy", "OnFailure"},
        {"initContainers",
         JsonArray{{{"name", "bridge"}, {"image", "b"}, {"restartPolicy", "Always"}}}},
        {"containers", JsonArray{{{"name", "agent"}, {"image", "a"}}}}}}};
}

Json status(const Json& of, const PodRecord& record) { return pod_status(of, record, {}, now, {}); }

const Json& condition(const Json& status, std::string_view type) {
  for (const auto& each : items(status, {"conditions"}))
    if (base::text_at(each, {"type"}) == type) return each;
  throw base::Error(base::Code::not_found, std::string(type));
}

ContainerRecord running(std::string id) {
  ContainerRecord out;
  out.state = State::running;
  out.id = std::move(id);
  out.attempts = 1;
  out.started = now;
  return out;
}

ContainerRecord ended(int exit_code) {
  ContainerRecord out = running("u.agent.0");
  note_end(out, {"u.agent.0", exit_code, 0, exit_code ? "Error" : "Completed", "", now, now});
  return out;
}

TEST(PodStatus, IsPendingWhileInitialising) {
  PodRecord record;
  record.started = now;
  const Json out = status(pod(), record);
  EXPECT_EQ(base::text_at(out, {"phase"}), "Pending");
  EXPECT_EQ(base::text_at(out, {"qosClass"}), "BestEffort");
  EXPECT_EQ(base::text_at(out, {"startTime"}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(base::text_at(condition(out, "Initialized"), {"message"}),
            "containers with incomplete status: [bridge]");
  EXPECT_EQ(base::text_at(condition(out, "Ready"), {"message"}),
            "containers with unready status: [bridge agent]");
  EXPECT_EQ(base::text_at(*named(items(out, {"containerStatuses"}), "agent"),
                          {"state", "waiting", "reason"}),
            "PodInitializing");
}

TEST(PodStatus, IsRunningAndReadyWhenAllRun) {
  PodRecord record;
  record.started = now;
  record.ready_to_start = true;
  record.containers["bridge"] = running("u.bridge.0");
  record.containers["agent"] = running("u.agent.0");
  const Json out = status(pod(), record);
  EXPECT_EQ(base::text_at(out, {"phase"}), "Running");
  for (auto type :
       {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"})
    EXPECT_EQ(base::text_at(condition(out, type), {"status"}), "True") << type;
  const Json& agent = *named(items(out, {"containerStatuses"}), "agent");
  EXPECT_EQ(base::text_at(agent, {"containerID"}), "crun://u.agent.0");
  EXPECT_EQ(base::find_bool(agent, {"started"}), true);
  EXPECT_EQ(base::text_at(out, {"podIP"}), "127.0.0.1");
}

// A Job counts a pod as done by its phase alone: it must not be told before the sidecars are gone.
TEST(PodStatus, KeepsATerminalPhaseBackUntilAllHasEnded) {
  PodRecord record;
  record.ready_to_start = true;
  record.containers["bridge"] = running("u.bridge.0");
  record.containers["agent"] = ended(0);
  EXPECT_EQ(base::text_at(status(pod(), record), {"phase"}), "Running");
  record.over = true;
  EXPECT_EQ(base::text_at(status(pod(), record), {"phase"}), "Succeeded");
  EXPECT_EQ(base::text_at(condition(status(pod(), record), "Ready"), {"reason"}), "PodCompleted");
}

TEST(PodStatus, FailsWhenAContainerFailed) {
  PodRecord record;
  record.over = true;
  record.containers["agent"] = ended(3);
  const Json out = status(pod(), record);
  EXPECT_EQ(base::text_at(out, {"phase"}), "Failed");
  EXPECT_EQ(
      base::find_int(items(out, {"containerStatuses"})[0], {"state", "terminated", "exitCode"}), 3);
}

TEST(PodStatus, ShowsABackOffAsWaitingWithTheLastEnd) {
  PodRecord record;
  record.containers["bridge"] = running("u.bridge.0");
  record.containers["agent"] = ended(3);
  record.containers["agent"].waiting_reason = "CrashLoopBackOff";
  const Json out = status(pod(), record);
  const Json& agent = items(out, {"containerStatuses"})[0];
  EXPECT_EQ(base::text_at(agent, {"state", "waiting", "reason"}), "CrashLoopBackOff");
  EXPECT_EQ(base::find_int(agent, {"lastState", "terminated", "exitCode"}), 3);
  EXPECT_EQ(base::text_at(out, {"phase"}), "Running");
}

TEST(PodStatus, TellsWhyThePodWasRefused) {
  PodRecord record;
  record.over = true;
  record.ending = Ending{Ending::Why::failed, "Evicted", "too much", now};
  record.containers["agent"] = ended(0);
  const Json out = status(pod(), record);
  EXPECT_EQ(base::text_at(out, {"phase"}), "Failed");
  EXPECT_EQ(base::text_at(out, {"reason"}), "Evicted");
}

TEST(PodStatus, KeepsConditionsOfOthersAndUnchangedTimes) {
  Json known = pod();
  known.as_object()["status"] = {
      {"conditions",
       JsonArray{
           {{"type", "PodScheduled"},
            {"status", "True"},
            {"lastTransitionTime", "2025-01-01T00:00:00Z"}},
           {{"type", "DisruptionTarget"}, {"status", "True"}, {"reason", "x"}, {"future", 1}}}}};
  const Json out = status(known, {});
  EXPECT_EQ(base::text_at(condition(out, "PodScheduled"), {"lastTransitionTime"}),
            "2025-01-01T00:00:00Z");
  EXPECT_EQ(base::find_int(condition(out, "DisruptionTarget"), {"future"}), 1);
}

TEST(StatusPatch, HoldsWhatChangedAndTheUid) {
  Json known = pod();
  PodRecord record;
  const Json first = status(known, record);
  known.as_object()["status"] = first;
  EXPECT_FALSE(status_patch(known, first));
  Json second = first;
  second.as_object()["phase"] = "Running";
  const auto patch = status_patch(known, second);
  ASSERT_TRUE(patch);
  EXPECT_EQ(*patch,
            Json(JsonObject{{"metadata", {{"uid", "u"}}}, {"status", {{"phase", "Running"}}}}));
}

}  // namespace
}  // namespace node
