// Two gateways on one journal: a run is served by whichever its bridge reaches.
#include <algorithm>

#include "gateway/gateway_fixture_test.h"

namespace gateway {
namespace {

const ToolCall write_call{"1.0", "write_file", R"({"path":"a","content":"b"})"};

struct TwoGatewaysTest : GatewayTest {
  std::unique_ptr<Life> other = std::make_unique<Life>(*this);

  void change_gateway() { std::swap(life, other); }

  // Sends both at once, one to each gateway.
  std::pair<Answered, Answered> ask_both(io::Request here, io::Request there) {
    std::pair<Answered, Answered> out;
    auto send = [](Life& gateway, io::Request request, Answered& answer) -> io::Task<> {
      auto response = co_await gateway.client.send(std::move(request), base::Duration(15'000));
      answer = {response.status, response.body, response.headers};
    };
    io::TaskGroup group(world().loop);
    group.spawn("here", send(*life, std::move(here), out.first));
    group.spawn("there", send(*other, std::move(there), out.second));
    run(group.join());
    return out;
  }
  io::Task<> ask_here(StartedRun who) {
    io::Request request = request_to(
        who, "/v1/turn", to_text(Turn{1, 0, {{Role::user, "count", {}, {}}}, {}}), "1.1");
    co_await life->client.send(std::move(request), base::Duration(15'000));
  }
  std::int64_t count(const StartedRun& who, const std::string& kind) {
    return std::ranges::count(kinds(who), kind);
  }
};

TEST_F(TwoGatewaysTest, ServeARunInTurns) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  change_gateway();
  ASSERT_TRUE(turn(started, 1, 0, "count").result);
  change_gateway();
  EXPECT_EQ(decide(started, write_call).verdict, Verdict::allow);
  change_gateway();
  EXPECT_EQ(report(started, "1.0", "written").status, 200);
  change_gateway();
  EXPECT_EQ(decide(started, write_call).verdict, Verdict::done) << "it was run already";
  EXPECT_EQ(turn(started, 2, 1, "go on").result.value().message.content, "Done.");
  change_gateway();
  EXPECT_EQ(turn(started, 2, 1, "go on").result.value().message.content, "Done.");
  EXPECT_EQ(ask(started, "/v1/outcome", to_text(Outcome{RunStatus::success, "42", ""})).status,
            200);
  change_gateway();
  EXPECT_EQ(ask(started, "/v1/turn", to_text(Turn{3, 2, {}, {}})).status, 409);
  EXPECT_EQ(welcome(started).outcome.value().text, "42");
  EXPECT_EQ(provider.stats().requests, 2);
  EXPECT_EQ(sums(started), (journal::Sums{30, 7, 2, 1}));
}

TEST_F(TwoGatewaysTest, BeginEachExecutionOnce) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  EXPECT_EQ(welcome(started).execution, 1);
  change_gateway();
  EXPECT_EQ(welcome(started).execution, 2);
  change_gateway();
  EXPECT_EQ(ask(started, "/v1/turn", to_text(Turn{1, 0, {}, {}}), "1.1").status, 409);
  EXPECT_TRUE(turn(started, 1, 0, "count", "1.2").result);

  const auto hello_again = [&] {
    return request_to(started, "/v1/hello", to_text(Hello{"test"}), "");
  };
  const auto [here, there] = ask_both(hello_again(), hello_again());
  std::vector begun{from_text<Welcome>(here.text).execution,
                    from_text<Welcome>(there.text).execution};
  std::ranges::sort(begun);
  EXPECT_EQ(begun, (std::vector<std::int64_t>{3, 4}));
}

TEST_F(TwoGatewaysTest, WriteOneDecisionThatBothAreAskedFor) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  turn(started, 1, 0, "count");
  const auto asked = [&] {
    return request_to(started, "/v1/tools/decide", to_text(write_call), "1.1");
  };
  const auto [here, there] = ask_both(asked(), asked());
  EXPECT_EQ(from_text<Decision>(here.text).verdict, Verdict::allow) << here.text;
  EXPECT_EQ(from_text<Decision>(there.text).verdict, Verdict::allow) << there.text;
  EXPECT_EQ(count(started, "tool.intent"), 1);

  const auto told = [&] {
    return request_to(started, "/v1/tools/outcome",
                      to_text(ToolOutcome{"1.0", {"written", false, {}, {}}}), "1.1");
  };
  const auto [one, two] = ask_both(told(), told());
  EXPECT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(two.status, 200) << two.text;
  EXPECT_EQ(count(started, "tool.outcome"), 1);
}

TEST_F(TwoGatewaysTest, GiveDifferentCallsDifferentNumbers) {
  Simulated provider("conversations: [{steps: [{text: hello}]}]");
  const StartedRun started = start_run(provider);
  const auto asked = [&](const std::string& what) {
    return request_to(started, "/v1/chat/completions",
                      R"({"model":"m","messages":[{"role":"user","content":")" + what + "\"}]}",
                      "");
  };
  const auto [begun, found] = ask_both(asked("zero"), asked("zero"));
  EXPECT_EQ(begun.text, found.text);
  const auto [here, there] = ask_both(asked("one"), asked("two"));
  EXPECT_EQ(here.status, 200) << here.text;
  EXPECT_EQ(there.status, 200) << there.text;
  std::vector numbers{here.headers.get(header_call), there.headers.get(header_call)};
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, (std::vector<std::string_view>{"2", "3"}));
  EXPECT_EQ(count(started, "execution.begun"), 1);
  EXPECT_EQ(count(started, "model.outcome"), 3);
  EXPECT_EQ(provider.stats().requests, 3);
}

TEST_F(TwoGatewaysTest, PayOnceForACallThatBothAreAskedFor) {
  Simulated provider("conversations: [{steps: [{text: one two three, delay: 100ms}]}]");
  const StartedRun turns = start_run(provider), foreign = start_run(provider);
  welcome(turns);
  const auto turn_once = [&] {
    return request_to(turns, "/v1/turn", to_text(Turn{1, 0, {{Role::user, "count", {}, {}}}, {}}),
                      "1.1");
  };
  const auto [here, there] = ask_both(turn_once(), turn_once());
  EXPECT_TRUE(here.text.contains("one two three")) << here.text;
  EXPECT_TRUE(there.text.contains("one two three")) << there.text;
  EXPECT_EQ(provider.stats().requests, 1);

  const auto same = [&] {
    return request_to(foreign, "/v1/chat/completions",
                      R"({"model":"m","messages":[{"role":"user","content":"hi"}]})", "");
  };
  const auto [one, two] = ask_both(same(), same());
  EXPECT_EQ(one.text, two.text);
  EXPECT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(TwoGatewaysTest, MakeACallOfOneThatDiedOnceMore) {
  Simulated provider("conversations: [{steps: [{text: one two three}]}]");
  const StartedRun started = start_run(provider);
  welcome(started);
  provider.unanswered = 1;
  {
    io::TaskGroup asking(world().loop);
    asking.spawn("turn", ask_here(started));
    run(provider.asked.wait());
  }
  change_gateway();
  other.reset();
  EXPECT_EQ(turn(started, 1, 0, "count").result.value().message.content, "one two three");
  EXPECT_EQ(count(started, "model.intent"), 2);
}

TEST_F(TwoGatewaysTest, WriteDownWhatWasPaidForWhateverTheOtherWroteMeanwhile) {
  Simulated provider("conversations: [{steps: [{text: one two three, delay: 100ms}]}]");
  const StartedRun started = start_run(provider);
  welcome(started);
  io::TaskGroup asking(world().loop);
  asking.spawn("turn", ask_here(started));
  run(provider.asked.wait());
  change_gateway();
  EXPECT_EQ(welcome(started).execution, 2);  // the agent was restarted
  run(asking.join());
  EXPECT_EQ(kinds(started).back(), "model.outcome");
  EXPECT_EQ(turn(started, 1, 0, "count", "1.2").result.value().message.content, "one two three");
  EXPECT_EQ(provider.stats().requests, 1);
}

}  // namespace
}  // namespace gateway
