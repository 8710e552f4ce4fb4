// Agents that are not our runner, at the whole gateway.
#include "gateway/foreign.h"

#include <set>

#include "gateway/gateway_fixture_test.h"

namespace gateway {
namespace {

std::string completion(const std::string& content, const std::string& extra = "") {
  return cat(R"({"model":"gpt-9","messages":[{"role":"user","content":")", content, "\"}]", extra,
             "}");
}

struct ForeignAgentTest : GatewayTest {
  Answered chat(const StartedRun& who, const std::string& body) {
    return ask(who, "/v1/chat/completions", body, "");
  }
};

const std::string foreign_script = R"(
conversations:
  - steps:
      - text: Hello to you.
        tool_calls: [{name: its_own, arguments: {a: 1}}]
        usage: {prompt_tokens: 10, completion_tokens: 5}
)";

TEST_F(ForeignAgentTest, IsAnsweredWholeOrStreamed) {
  Simulated provider(foreign_script);
  const StartedRun started = start_run(provider);
  const Answered whole = chat(started, completion("hi"));
  ASSERT_EQ(whole.status, 200) << whole.text;
  const Json answer = whole.json();
  EXPECT_EQ(answer.at_pointer("/object"), "chat.completion");
  EXPECT_EQ(answer.at_pointer("/model"), "sim-1");  // the run's, whatever was named
  EXPECT_EQ(answer.at_pointer("/choices/0/message/content"), "Hello to you.");
  EXPECT_EQ(answer.at_pointer("/choices/0/message/tool_calls/0/function/arguments"), "{\"a\":1}");
  EXPECT_EQ(answer.at_pointer("/choices/0/finish_reason"), "tool_calls");
  EXPECT_EQ(answer.at_pointer("/usage/total_tokens"), 15);

  const Answered streamed =
      chat(started, completion("hi", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(streamed.headers.get("Content-Type"), "text/event-stream");
  EXPECT_TRUE(streamed.text.ends_with("data: [DONE]\n\n")) << streamed.text;
  EXPECT_NE(streamed.text.find("\"total_tokens\":15"), std::string::npos);
  EXPECT_EQ(provider.authorizations.back(), "Bearer " + test_key);
  EXPECT_EQ(kinds(started),
            (std::vector<std::string>{"run.begun", "execution.begun", "model.intent",
                                      "model.outcome", "model.intent", "model.outcome"}));
  EXPECT_EQ(sums(started), (journal::Sums{20, 10, 2, 0}));
  EXPECT_EQ(ask(started, "/v1/models", "", "").json().at_pointer("/data/0/id"), "sim-1");
}

TEST_F(ForeignAgentTest, PaysForTheSameQuestionAgainOnlyWhenItHadTheAnswer) {
  Simulated provider(foreign_script);
  StartedRun started = start_run(provider);
  const std::string first = chat(started, completion("hi")).text;
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 2);  // it has the first answer, and wants no, this

  record_pod(started, 2);  // run again from its start
  const Json again =
      chat(started, R"({"messages":[{"content":"hi","role":"user"}],"model":"gpt-9"})").json();
  EXPECT_EQ(again.at("id"), parse_json(first).at("id"));  // members in another order, same request
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 2);
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 3);
  EXPECT_EQ(chat(started, completion("hi", R"(,"temperature":1)")).status, 200);
  EXPECT_EQ(provider.stats().requests, 4);

  restart();  // who has what is not known any more: nothing is paid twice
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 4);
}

TEST_F(ForeignAgentTest, IsToldWhenTheAnswerThatItHeardIsNotTheOneThatCounts) {
  settings.provider.longest_pause = base::Duration(1);
  restart();
  const std::string other =
      "data: {\"choices\":[{\"delta\":{\"content\":\"no, this\"},\"finish_reason\":\"stop\"}]}"
      "\n\ndata: [DONE]\n\n";
  Dictated provider{.answers = {{stream_type, half, breaks}, {stream_type, other}}};
  const StartedRun started = start_run(provider.base_url(), "");
  const std::string question = completion("hi", R"(,"stream":true)");
  const Answered torn = chat(started, question);
  EXPECT_NE(torn.text.find("\"content\":\"a\""), std::string::npos) << torn.text;
  EXPECT_NE(torn.text.find("repeat the request"), std::string::npos) << torn.text;
  EXPECT_EQ(torn.text.find("[DONE]"), std::string::npos) << torn.text;
  const Answered again = chat(started, question);
  EXPECT_NE(again.text.find("\"content\":\"no, this\""), std::string::npos) << again.text;
  EXPECT_TRUE(again.text.ends_with("data: [DONE]\n\n")) << again.text;
  EXPECT_EQ(provider.requests, 2U);
}

TEST_F(ForeignAgentTest, JoinsTheSameRequestUnderWay) {
  Simulated provider(R"(conversations: [{steps: [{text: slow, delay: 50ms}]}])");
  const StartedRun started = start_run(provider);
  std::vector<std::string> answers;
  auto both = [&]() -> io::Task<> {
    auto one = [&]() -> io::Task<> {
      io::Request request = request_to(started, "/v1/chat/completions", completion("hi"), "");
      auto response = co_await life->client.send(std::move(request), base::Duration(15'000));
      answers.push_back(response.body);
    };
    io::TaskGroup group(world().loop);
    group.spawn("one", one());
    group.spawn("two", one());
    co_await group.join();
  };
  world().loop.run(both());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(parse_json(answers[0]).at("id"), parse_json(answers[1]).at("id"));
  EXPECT_EQ(provider.stats().requests, 1);
}

TEST_F(ForeignAgentTest, KeepsARepeatedConversationOnce) {
  Simulated provider("conversations: [{steps: [{text: a}, {text: b}]}]");
  const StartedRun started = start_run(provider);
  const std::string long_text(50'000, 'x');
  EXPECT_EQ(chat(started, completion(long_text)).status, 200);
  EXPECT_EQ(
      chat(started, cat(R"({"messages":[{"role":"user","content":")", long_text,
                        R"("},{"role":"assistant","content":"a"},{"role":"user","content":"y"}]})"))
          .status,
      200);
  std::set<std::string> names;
  std::size_t appended = 0;
  for (const auto& event : run(life->journal.events(started.uid, -1, 1000)))
    if (event.kind == journal::Kind::model_intent)
      for (const auto& name : journal::read<journal::ModelIntent>(event).appended) {
        names.insert(name);
        ++appended;
      }
  EXPECT_EQ(appended, 4U);
  EXPECT_EQ(names.size(), 3U);
}

TEST_F(ForeignAgentTest, IsToldInItsWordsWhatWentWrong) {
  Simulated provider(
      "conversations: [{steps: [{errors: [{status: 401, message: bad key}, {status: 401}, {status: "
      "400, code: context_length_exceeded}]}]}]");
  const StartedRun started = start_run(provider);
  const Answered whole = chat(started, completion("hi"));
  EXPECT_EQ(whole.status, 401);
  EXPECT_EQ(whole.headers.get("x-should-retry"), "false");
  EXPECT_EQ(whole.json().at_pointer("/error/code"), "provider_unauthorized");
  EXPECT_EQ(chat(started, completion("hi", R"(,"stream":true)")).status, 401);
  EXPECT_EQ(chat(started, completion("hi")).json().at_pointer("/error/code"),
            "context_length_exceeded");
  const Answered several = chat(started, completion("hi", R"(,"n":2)"));
  EXPECT_EQ(several.status, 400);
  EXPECT_NE(several.text.find("n: only one answer"), std::string::npos) << several.text;
  EXPECT_EQ(chat(started, "{oops").status, 400);
  EXPECT_EQ(provider.stats().requests, 3);
}

TEST_F(ForeignAgentTest, DoesNotSpeakBesideARunner) {
  Simulated provider(tool_script);
  const StartedRun runner = start_run(provider);
  welcome(runner);
  turn(runner, 1, 0, "count");
  EXPECT_EQ(chat(runner, completion("hi")).status, 400);
  const StartedRun foreign = start_run(provider);
  EXPECT_EQ(chat(foreign, completion("hi")).status, 200);
  EXPECT_EQ(ask(foreign, "/v1/turn", to_text(Turn{1, 0, {}, {}})).status, 400);
  EXPECT_TRUE(welcome(foreign).past.empty());
  EXPECT_EQ(ask(foreign, "/v1/chat/completions", completion("hi"), "1.1").status, 409);
  EXPECT_EQ(ask(foreign, "/v1/chat/completions", completion("hi"), "1.2").status, 200);
}

}  // namespace
}  // namespace gateway
