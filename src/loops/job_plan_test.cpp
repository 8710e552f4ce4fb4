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

}  // namespace
}  // namespace loops
