// Jobs on a real API server, their pods' ends told by the test.
#include "loops/job_loop.h"

#include "io/sync.h"
#include "loops/virtual_home.h"

namespace loops {
namespace {

using namespace std::chrono_literals;
using base::Json;
using base::text_at;

class Jobs : public VirtualHome {
 protected:
  Jobs() {
    tasks.spawn("jobs", jobs.run());
    loop.run_ready();
  }

  Json start(std::string_view spec = "{}") {
    Json job = base::parse_json(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},
        "spec":{"template":{"spec":{"restartPolicy":"Never",
                                    "containers":[{"name":"main","image":"busybox:1"}]}}}})");
    base::merge_patch(job, {{"spec", base::parse_json(spec)}});
    return create("jobs", std::move(job));
  }
  // Names of the pods in this phase, those being deleted left out.
  Names pods(std::string_view phase = "Pending") {
    Names names;
    for (const Json& pod : list("pods"))
      if (text_at(pod, {"status", "phase"}) == phase &&
          text_at(pod, {"metadata", "deletionTimestamp"}).empty())
        names.push_back(text_at(pod, {"metadata", "name"}));
    return names;
  }
  void tell(const std::string& pod, std::string_view phase) {
    patch(ref("pods", pod, "status"), base::cat(R"({"status":{"phase":")", phase, R"("}})"));
  }
  // On a node a pod stays until its kubelet is done with it.
  void bind(const std::string& pod) {
    loop.run(hand->create(ref("pods", pod, "binding"),
                          {{"apiVersion", "v1"},
                           {"kind", "Binding"},
                           {"metadata", {{"name", pod}}},
                           {"target", {{"kind", "Node"}, {"name", "node"}}}},
                          {}));
    tell(pod, "Running");
  }
  Json status() { return get(ref("jobs", "j")).at("status"); }
  std::int64_t count(std::string_view member) {
    return base::find_int(status(), {member}).value_or(0);
  }
  bool is(std::string_view condition) {
    const Json now = status();
    const Json* list = base::find(now, {"conditions"});
    if (list)
      for (const Json& one : list->as_array())
        if (text_at(one, {"type"}) == condition) return text_at(one, {"status"}) == "True";
    return false;
  }
  bool is_tracked(const std::string& pod) {
    const Json object = get(ref("pods", pod));
    return base::find(object, {"metadata", "finalizers"}) != nullptr;
  }
  // The pod that replaces this one when it fails, and the time that takes.
  std::pair<std::string, base::Duration> fail(const std::string& pod) {
    tell(pod, "Failed");
    base::Duration waited{0};
    for (; pods().empty() && waited < 1h; waited += 100ms) pass(100ms);
    return {pods().empty() ? "" : pods()[0], waited};
  }

  JobLoop jobs{loop, clock, random, log, metrics, api};
};

TEST_F(Jobs, ReplaceFailedPodsLaterAndLater) {
  start(R"({"backoffLimit":3})");
  ASSERT_EQ(pods().size(), 1u);
  const auto [second, first_wait] = fail(pods()[0]);
  EXPECT_EQ(first_wait, 10s);
  const auto [third, second_wait] = fail(second);
  EXPECT_EQ(second_wait, 20s);
  const auto [fourth, third_wait] = fail(third);
  EXPECT_EQ(third_wait, 40s);
  EXPECT_EQ(count("failed"), 3);
  EXPECT_FALSE(is("Failed"));
  tell(fourth, "Failed");
  EXPECT_TRUE(is("Failed"));
  EXPECT_EQ(count("failed"), 4);
  pass(1h);
  EXPECT_EQ(list("pods").size(), 4u) << "no pod was made in vain, none was removed";
}

TEST_F(Jobs, MakeNoSecondPodWhenTheFirstLookIsRepeated) {
  start();
  const Names made = pods();
  ASSERT_EQ(made.size(), 1u);
  tasks.stop();
  loop.run_ready();
  JobLoop another(loop, clock, random, log, metrics, api);
  io::TaskGroup others(loop);
  others.spawn("another", another.run());
  loop.run_ready();
  EXPECT_EQ(pods(), made);
  tell(made[0], "Succeeded");
  EXPECT_TRUE(is("Complete"));
  EXPECT_EQ(count("succeeded"), 1);
}

TEST_F(Jobs, ReplaceAPodThatIsBeingDeletedAtOnce) {
  start();
  const std::string first = pods()[0];
  bind(first);
  remove(ref("pods", first));
  EXPECT_EQ(pods().size(), 1u);
  EXPECT_NE(pods()[0], first);
  EXPECT_EQ(count("failed"), 1);
  EXPECT_EQ(count("active"), 1);
  EXPECT_EQ(count("terminating"), 1);
}

TEST_F(Jobs, ReplaceAPodOnlyOnceItHasFailedWhereThatIsWanted) {
  start(R"({"podReplacementPolicy":"Failed"})");
  const std::string first = pods()[0];
  bind(first);
  remove(ref("pods", first));
  pass(1min);
  EXPECT_EQ(pods(), Names{});
  EXPECT_EQ(count("failed"), 0);
  EXPECT_EQ(count("terminating"), 1);
  const auto [second, wait] = fail(first);
  EXPECT_NE(second, "");
  EXPECT_EQ(wait, 10s);
  EXPECT_EQ(count("failed"), 1);
}

TEST_F(Jobs, MakeAndKeepNoPodWhileTheyAreSuspended) {
  start(R"({"suspend":true})");
  EXPECT_EQ(pods(), Names{});
  EXPECT_TRUE(is("Suspended"));
  patch(ref("jobs", "j"), R"({"spec":{"suspend":false}})");
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_FALSE(is("Suspended"));
  const std::string first = pods()[0];
  bind(first);
  patch(ref("jobs", "j"), R"({"spec":{"suspend":true}})");
  EXPECT_EQ(pods("Running"), Names{});
  EXPECT_FALSE(is_tracked(first));
  tell(first, "Failed");
  EXPECT_EQ(count("failed"), 0) << "it was we who ended it";
  patch(ref("jobs", "j"), R"({"spec":{"suspend":false}})");
  EXPECT_EQ(pods().size(), 1u) << "at once, and under another name";
}

TEST_F(Jobs, EndWhenTheyTakeTooLong) {
  start(R"({"activeDeadlineSeconds":60})");
  const std::string only = pods()[0];
  bind(only);
  pass(59s);
  EXPECT_EQ(pods("Running"), Names{only});
  pass(1s);
  EXPECT_EQ(pods("Running"), Names{});
  EXPECT_TRUE(is("FailureTarget"));
  tell(only, "Failed");
  loop.run(hand->remove(ref("pods", only), {.grace_period_seconds = 0}));
  loop.run_ready();
  EXPECT_TRUE(is("Failed"));
}

TEST_F(Jobs, RunSideBySideUpToTheirParallelism) {
  start(R"({"completions":3,"parallelism":2})");
  const Names first = pods();
  ASSERT_EQ(first.size(), 2u);
  tell(first[0], "Succeeded");
  EXPECT_EQ(pods().size(), 2u);
  EXPECT_EQ(count("succeeded"), 1);
  for (const std::string& pod : pods()) tell(pod, "Succeeded");
  EXPECT_TRUE(is("Complete"));
  EXPECT_EQ(count("succeeded"), 3);
  EXPECT_EQ(list("pods").size(), 3u);
}

TEST_F(Jobs, LetGoOfTheirPodsWhenTheyAreDeleted) {
  start();
  const std::string pod = pods()[0];
  EXPECT_TRUE(is_tracked(pod));
  remove(ref("jobs", "j"), {.propagation = kube::Propagation::background});
  EXPECT_FALSE(exists(ref("jobs", "j")));
  EXPECT_FALSE(is_tracked(pod));
}

Json tracked_pod(const std::string& job, const std::string& uid) {
  return base::parse_json(base::cat(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"stray",
          "finalizers":["batch.kubernetes.io/job-tracking"],
          "ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":")",
      job, R"(","uid":")", uid,
      R"(","controller":true}]},"spec":{"containers":[{"name":"main","image":"busybox:1"}]}})"));
}

TEST_F(Jobs, ThatHaveGoneHoldNoPodBack) {
  create("pods", tracked_pod("long-gone", "u"));
  EXPECT_FALSE(is_tracked("stray"));
}

// Two watches are never equally far: the pod of a Job may be seen before the Job.
TEST_F(Jobs, ThatAreNotSeenYetKeepTheirPods) {
  io::Event never;
  api.before = [&](std::string call) -> io::Task<> {
    if (call == "watch jobs") co_await never.wait();
  };
  pass(15min);  // until every watch was begun anew
  const Json job = start();
  EXPECT_EQ(pods(), Names{}) << "the loop does not see the Job";
  create("pods", tracked_pod("j", text_at(job, {"metadata", "uid"})));
  EXPECT_TRUE(is_tracked("stray"));
}

}  // namespace
}  // namespace loops
