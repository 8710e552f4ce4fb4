// Two of a run that believe they are its agent.
#include <gtest/gtest.h>

#include "base/text.h"
#include "protocol/codec.h"
#include "sim/oracle.h"

namespace sim {
namespace {

using base::cat;
using namespace protocol;

class Fences : public testing::Test {
 protected:
  House house_;
  Oracle oracle_{house_};
  Started run_ = house_.make_run("work 0");
  io::HttpClient client_{house_.loop, house_.clock, house_.gateway_port.dialer("test"), "gateway"};

  // As the bridge of this pod asks.
  io::Request request(const Started& of, const std::string& path, std::string body,
                      const std::string& fence) {
    io::Request out{"POST", path, {}, std::move(body)};
    out.headers.set("Authorization",
                    cat("Bearer ", house_.make_token("demo", "sympozium-run", of.pod, of.pod_uid)));
    out.headers.set(header_protocol, "1");
    out.headers.set(header_bridge, of.pod);
    if (!fence.empty()) out.headers.set(header_execution, fence);
    return out;
  }
  io::Response ask(const Started& of, const std::string& path, std::string body,
                   const std::string& fence) {
    io::Request asked = request(of, path, std::move(body), fence);
    std::optional<io::Response> answer;
    io::TaskGroup group(house_.loop);
    const auto asking = [&]() -> io::Task<> {
      answer = co_await client_.send(std::move(asked), base::Duration(60'000));
    };
    group.spawn("asking", asking());
    house_.until("an answer", [&] { return answer.has_value(); });
    return *answer;
  }
  io::Response hello(const Started& of) { return ask(of, "/v1/hello", to_text(Hello{"test"}), ""); }
  io::Response turn(const Started& of, std::int64_t number, const std::string& fence) {
    const Turn asked{number, number - 1, {{Role::user, "work 0", {}, {}}}, {}};
    return ask(of, "/v1/turn", to_text(asked), fence);
  }
  void expect_well() {
    for (const auto& breach : oracle_.breaches()) ADD_FAILURE() << breach;
  }
};

TEST_F(Fences, AnOlderPodIsGoneAndNothingOfItIsPaidOrExecuted) {
  const Started old = run_;
  ASSERT_EQ(hello(old).status, 200);
  ASSERT_EQ(turn(old, 1, "1.1").status, 200);
  house_.record_pod(run_);
  ASSERT_EQ(hello(run_).status, 200);
  const std::size_t asked = house_.model.asked().size(), entries = house_.book.entries.size();
  const ToolCall note{"1.0", "note", R"({"text":"a"})"};
  // The pod is not the run's any more; and one that is does not speak for an older execution.
  EXPECT_EQ(turn(old, 2, "1.1").status, 403);
  EXPECT_EQ(hello(old).status, 403);
  EXPECT_EQ(ask(old, "/v1/tools/decide", to_text(note), "1.1").status, 403);
  EXPECT_EQ(turn(run_, 2, "1.1").status, 409);
  EXPECT_EQ(ask(run_, "/v1/tools/decide", to_text(note), "1.1").status, 409);
  EXPECT_EQ(ask(run_, "/v1/outcome", to_text(Outcome{RunStatus::success, "x", ""}), "1.1").status,
            409);
  EXPECT_EQ(house_.model.asked().size(), asked);
  EXPECT_EQ(house_.book.entries.size(), entries);
  EXPECT_TRUE(house_.tools.executed.empty());
  expect_well();
}

TEST_F(Fences, AnAnswerThatAnOlderPodAskedForIsTheNewersToo) {
  const Started old = run_;
  ASSERT_EQ(hello(old).status, 200);
  bool is_asked = false;
  house_.model.treat = [&](const Asked&, std::size_t) {
    is_asked = true;
    return Treatment{.think = base::Duration(30'000)};
  };
  io::Request first =
      request(old, "/v1/turn", to_text(Turn{1, 0, {{Role::user, "work 0", {}, {}}}, {}}), "1.1");
  io::TaskGroup group(house_.loop);
  const auto ask_and_die = [&]() -> io::Task<> {
    auto stream = co_await client_.open(std::move(first), base::Duration(60'000));
  };
  group.spawn("the old pod", ask_and_die());
  house_.until("the provider is asked", [&] { return is_asked; });
  house_.record_pod(run_);
  ASSERT_EQ(hello(run_).status, 200);
  const io::Response answer = turn(run_, 1, "2.1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("\"result\""), std::string::npos) << answer.body;
  EXPECT_EQ(house_.model.asked().size(), 1u);
  expect_well();
}

TEST_F(Fences, APodThatLivesOnBesideTheNextOneChangesNothing) {
  const Started old = run_;
  house_.tools.delay = [] { return base::Duration(5'000); };
  house_.start_pod(old);
  house_.until("a tool runs", [&] { return !house_.tools.executed.empty(); });
  house_.record_pod(run_);
  house_.start_pod(run_);
  house_.until("the run is over", [&] { return house_.is_over(run_); });
  house_.pass(base::Duration(60'000));
  EXPECT_FALSE(house_.is_over(old));
  oracle_.finish(run_.uid);
  // The first pod's note may have had its effect; what was safe was done again.
  EXPECT_EQ(oracle_.known(run_.uid).unknown_told, 1);
  expect_well();
}

TEST_F(Fences, OfTwoAgentsInOnePodTheLaterOneGoesOn) {
  for (const std::string task : {"work 0", "chat 3"}) {
    const Started run = house_.make_run(task, task == "work 0" ? Agent::runner : Agent::chat);
    house_.model.treat = [](const Asked&, std::size_t) {
      return Treatment{.think = base::Duration(1'000), .pause = base::Duration(50)};
    };
    Pod& pod = house_.start_pod(run);
    house_.pass(base::Duration(1'500));
    pod.start_agent();
    house_.until("the run is over", [&] { return house_.is_over(run); });
    house_.pass(base::Duration(60'000));
    oracle_.finish(run.uid);
    house_.remove_pod(run);
  }
  expect_well();
}

}  // namespace
}  // namespace sim
