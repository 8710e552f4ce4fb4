#include "gateway/runs.h"

#include "gateway/gateway_fixture_test.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

struct RunsOfPods : testing::Test {
  test::VirtualClock clock;
  RecordingLog log;
  Runs runs{world().loop, clock, world().random, log, world().api};
  io::TaskGroup tasks{world().loop};
  std::string found;

  RunsOfPods() { tasks.spawn("watch", runs.watch()); }
  io::Task<> ask(PodIdentity pod) {
    const RunPtr run = co_await runs.of_pod(std::move(pod));
    found = run ? run->metadata.name : "nothing";
  }
  void run_until_found(base::Duration step) {
    auto turns = [](RunsOfPods& test, base::Duration forward) -> io::Task<int> {
      while (test.found.empty()) {
        test.clock.advance(forward);
        co_await io::yield();
      }
      co_return 0;
    };
    run(turns(*this, step));
  }
};

TEST_F(RunsOfPods, WaitForAPodToBeRecorded) {
  Simulated provider("conversations: [{steps: [{text: x}]}]");
  StartedRun started = start_run(provider);
  const std::string uid = make_pod(unique_name("pod"));
  tasks.spawn("ask", ask({"default", "p", uid}));
  world().loop.run_ready();
  patch_run_status(started.name, base::JsonObject{{"podUID", uid}, {"attempt", 2}});
  run_until_found(base::Duration(0));
  EXPECT_EQ(found, started.name);
}

TEST_F(RunsOfPods, FindNoPodThatNobodyRecordsInTenSeconds) {
  tasks.spawn("ask", ask({"default", "stranger", "no-such-uid"}));
  world().loop.run_ready();
  clock.advance(base::Duration(9'999));
  world().loop.run_ready();
  EXPECT_EQ(found, "");
  run_until_found(base::Duration(1));
  EXPECT_EQ(found, "nothing");
}

TEST_F(RunsOfPods, KnowNoPodOfAnotherNamespace) {
  Simulated provider("conversations: [{steps: [{text: x}]}]");
  const StartedRun started = start_run(provider);
  tasks.spawn("ask", ask({"elsewhere", started.pod, started.pod_uid}));
  world().loop.run_ready();
  run_until_found(base::Duration(1'000));
  EXPECT_EQ(found, "nothing");
}

}  // namespace
}  // namespace gateway
