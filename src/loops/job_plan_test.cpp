#include "loops/job_plan.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace loops {
namespace {

using base::Json;
using base::JsonObject;
using base::text_at;

const base::Time now{std::chrono::milliseconds(1'767'323'045'000)};

Json job(std::string spec = "", std::string status = "{}") {
  return base::parse_json(base::cat(
      R"({"metadata":{"name":"j","namespace":"n","uid":"u"},"spec":{"completions":1,"parallelism":1,)"
      R"("backoffLimit":2,"podReplacementPolicy":"Failed",)",
      spec,
      R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"OnFailure"}}},"status":)",
      status, "}"));
}

PodFacts pod(std::string name, std::string phase, bool tracked = true) {
  PodFacts facts;
  facts.ns = "n";
  facts.name = name;
  facts.uid = "uid-" + name;
  facts.job_uid = "u";
  facts.phase = std::move(phase);
  facts.tracked = tracked;
  facts.bound = true;
  return facts;
}

std::string conditions(const Json& status) {
  std::string out;
  if (auto list = base::find(status, {"conditions"}))
    for (const auto& condition : list->as_array())
      out += text_at(condition, {"type"}) + "=" + text_at(condition, {"status"}) + " ";
  return out;
}

TEST(JobPlan, MakesOnePodWhoseNameDependsOnNothingElse) {
  auto plan = plan_job(job(), {}, now, {});
  ASSERT_EQ(plan.create.size(), 1u);
  EXPECT_TRUE(plan.create[0].starts_with("j-"));
  EXPECT_EQ(plan_job(job(), {}, now + base::Duration(5), {}).create, plan.create);
  EXPECT_EQ(base::find_int(plan.status, {"active"}), 1);
  EXPECT_EQ(text_at(plan.status, {"startTime"}), "2026-01-02T03:04:05Z");
  auto made = make_job_pod(job(), plan.create[0]);
  EXPECT_EQ(text_at(made, {"metadata", "labels", "a"}), "b");
  EXPECT_EQ(text_at(made.at("metadata").at("ownerReferences").at(0), {"uid"}), "u");
}

TEST(JobPlan, CountsAFinishedPodOnceOverThreeLooks) {
  auto first = plan_job(job(), {pod("p", "Succeeded")}, now, {});
  EXPECT_TRUE(first.untrack.empty());
  EXPECT_EQ(base::find_int(first.status, {"succeeded"}), std::nullopt);
  auto second = plan_job(job("", base::to_text(first.status)), {pod("p", "Succeeded")}, now, {});
  EXPECT_EQ(second.untrack, std::vector<std::string>{"p"});
  EXPECT_TRUE(second.create.empty());
  auto third =
      plan_job(job("", base::to_text(second.status)), {pod("p", "Succeeded", false)}, now, {});
  EXPECT_EQ(base::find_int(third.status, {"succeeded"}), 1);
  EXPECT_EQ(conditions(third.status), "SuccessCriteriaMet=True Complete=True ");
  EXPECT_EQ(text_at(third.status, {"completionTime"}), "2026-01-02T03:04:05Z");
  auto fourth =
      plan_job(job("", base::to_text(third.status)), {pod("p", "Succeeded", false)}, now, {});
  EXPECT_EQ(fourth.status, third.status);
}

TEST(JobPlan, FailsWhenRestartsOfAllContainersReachTheLimit) {
  auto running = pod("p", "Running");
  running.restarts = 1;
  EXPECT_EQ(conditions(plan_job(job(), {running}, now, {}).status), "");
  running.restarts = 2;
  auto plan = plan_job(job(), {running}, now, {});
  EXPECT_EQ(plan.remove, std::vector<std::string>{"p"});
  EXPECT_EQ(conditions(plan.status), "FailureTarget=True ");
}

TEST(JobPlan, FailsAfterMoreFailedPodsThanTheLimit) {
  auto plan = plan_job(job("", R"({"failed":3})"), {}, now, {});
  EXPECT_EQ(conditions(plan.status), "FailureTarget=True Failed=True ");
  EXPECT_TRUE(plan.create.empty());
}

TEST(JobPlan, ReplacesALostPodOnlyAfterItFailedAndAWait) {
  auto lost = pod("p", "Running");
  lost.deleting = true;
  auto waiting = plan_job(job(), {lost}, now, {});
  EXPECT_TRUE(waiting.create.empty());
  EXPECT_EQ(base::find_int(waiting.status, {"terminating"}), 1);
  auto early = plan_job(job("", R"({"failed":1})"), {}, now, now);
  EXPECT_TRUE(early.create.empty());
  EXPECT_EQ(early.again_after, base::Duration(10'000));
  auto later = plan_job(job("", R"({"failed":1})"), {}, now + base::Duration(10'000), now);
  EXPECT_EQ(later.create.size(), 1u);
  EXPECT_NE(later.create, plan_job(job(), {}, now, {}).create);
}

TEST(JobPlan, RemovesPodsOfASuspendedJobAndMakesThemAgain) {
  auto suspended = plan_job(job(R"("suspend":true,)", R"({"startTime":"2026-01-02T03:04:05Z"})"),
                            {pod("p", "Running")}, now, {});
  EXPECT_EQ(suspended.remove, std::vector<std::string>{"p"});
  EXPECT_EQ(suspended.release, suspended.remove) << "they do not count as failed";
  EXPECT_EQ(conditions(suspended.status), "Suspended=True ");
  EXPECT_EQ(text_at(suspended.status, {"startTime"}), "");
  auto resumed = plan_job(job("", base::to_text(suspended.status)), {}, now, {});
  EXPECT_EQ(conditions(resumed.status), "Suspended=False ");
  EXPECT_EQ(resumed.create.size(), 1u);
}

TEST(JobPlan, EndsAJobThatIsActiveTooLong) {
  auto text = R"({"startTime":"2026-01-02T03:04:05Z"})";
  auto early =
      plan_job(job(R"("activeDeadlineSeconds":60,)", text), {pod("p", "Running")}, now, {});
  EXPECT_EQ(early.again_after, base::Duration(60'000));
  auto late = plan_job(job(R"("activeDeadlineSeconds":60,)", text), {pod("p", "Running")},
                       now + base::Duration(60'000), {});
  EXPECT_EQ(late.remove, std::vector<std::string>{"p"});
}

TEST(JobPlan, LetsGoOfPodsWhenTheJobIsDeleted) {
  auto deleted = job();
  base::ensure(deleted, {"metadata", "deletionTimestamp"}) = "2026-01-02T03:04:05Z";
  auto plan = plan_job(deleted, {pod("p", "Running")}, now, {});
  EXPECT_EQ(plan.untrack, std::vector<std::string>{"p"});
  EXPECT_TRUE(plan.create.empty());
}

TEST(JobPlan, FailsAtTheSeventhPodWithoutALimitOfItsOwn) {
  auto unlimited = job("", R"({"failed":6})");
  unlimited.at("spec").as_object().erase("backoffLimit");
  EXPECT_EQ(plan_job(unlimited, {}, now, {}).create.size(), 1u);
  auto uncounted = plan_job(unlimited, {pod("p", "Failed")}, now, {});
  EXPECT_EQ(conditions(uncounted.status), "FailureTarget=True ") << "not Failed before it counts";
  base::ensure(unlimited, {"status", "failed"}) = 7;
  EXPECT_EQ(conditions(plan_job(unlimited, {}, now, {}).status), "FailureTarget=True Failed=True ");
}

TEST(JobPlan, AllowsNoRestartWhereTheLimitIsZero) {
  auto running = pod("p", "Running");
  EXPECT_EQ(conditions(plan_job(job(R"("backoffLimit":0,)"), {running}, now, {}).status), "");
  running.restarts = 1;
  EXPECT_EQ(conditions(plan_job(job(R"("backoffLimit":0,)"), {running}, now, {}).status),
            "FailureTarget=True ");
}

TEST(JobPlan, WaitsTenMinutesAtMost) {
  auto failed = job(R"("backoffLimit":99,)", R"({"failed":50})");
  EXPECT_EQ(plan_job(failed, {}, now, now).again_after, base::Duration(600'000));
  EXPECT_EQ(plan_job(failed, {}, now + base::Duration(600'000), now).create.size(), 1u);
}

TEST(JobPlan, CountsAPodThatNoNodeRanAsFailedByItsDeletion) {
  auto unbound = pod("p", "Pending");
  unbound.deleting = true;
  unbound.bound = false;
  auto plan = plan_job(job(), {unbound}, now, {});
  EXPECT_EQ(base::to_text(plan.status.at("uncountedTerminatedPods")), R"({"failed":["uid-p"]})");
  EXPECT_EQ(plan.create.size(), 1u);
}

TEST(JobPlan, NumbersPodsAlikeHoweverFarTheDeletedOnesAre) {
  auto any = job(R"("podReplacementPolicy":"TerminatingOrFailed",)");
  auto lost = pod("p", "Running");
  lost.deleting = true;
  auto first = plan_job(any, {lost}, now, {});
  base::ensure(any, {"status"}) = first.status;
  lost.tracked = false;
  auto second = plan_job(any, {lost}, now, {});
  EXPECT_EQ(base::find_int(second.status, {"failed"}), 1);
  EXPECT_EQ(base::find_int(second.status, {"terminating"}), 1);
  ASSERT_EQ(first.create.size(), 1u);
  EXPECT_EQ(second.create, first.create);
}

TEST(JobPlan, TakesNoNameThatAPodOfTheJobHas) {
  auto usual = plan_job(job(), {}, now, {});
  ASSERT_EQ(usual.create.size(), 1u);
  auto plan = plan_job(job(), {pod(usual.create[0], "Failed", false)}, now, {});
  ASSERT_EQ(plan.create.size(), 1u);
  EXPECT_NE(plan.create, usual.create);
}

TEST(JobPlan, MakesNoNewPodsForWorkThatOneFoundDone) {
  auto queue = job(R"("parallelism":2,)");
  queue.at("spec").as_object().erase("completions");
  EXPECT_EQ(plan_job(queue, {}, now, {}).create.size(), 2u);
  base::ensure(queue, {"status", "succeeded"}) = 1;
  auto plan = plan_job(queue, {pod("b", "Running")}, now, {});
  EXPECT_TRUE(plan.create.empty());
  EXPECT_EQ(conditions(plan.status), "");
  EXPECT_EQ(conditions(plan_job(queue, {}, now, {}).status),
            "SuccessCriteriaMet=True Complete=True ");
}

TEST(JobPlan, ReadsWhatItDecidesOnFromAPod) {
  auto facts = read_pod(base::parse_json(
      R"({"metadata":{"namespace":"n","name":"p","uid":"u1","deletionTimestamp":"2026-01-02T03:04:05Z",
          "finalizers":["x","batch.kubernetes.io/job-tracking"],
          "ownerReferences":[{"kind":"Job","name":"other","uid":"o"},
                             {"kind":"Job","name":"j","uid":"u","controller":true}]},
          "spec":{"nodeName":"node"},
          "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
                    "containerStatuses":[{"restartCount":1},{"restartCount":2}],
                    "initContainerStatuses":[{"restartCount":4}]}})"));
  EXPECT_EQ(facts.job_name, "j");
  EXPECT_EQ(facts.job_uid, "u");
  EXPECT_EQ(facts.restarts, 7);
  EXPECT_TRUE(facts.deleting && facts.tracked && facts.ready && facts.bound);
  EXPECT_EQ(read_pod(base::JsonObject{}).job_uid, "");
}

}  // namespace
}  // namespace loops
