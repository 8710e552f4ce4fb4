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
  std::string used;  // what its bridge will tell next

  Answered post(const StartedRun& who, const std::string& path, const std::string& body,
                const std::string& fence = "") {
    io::Request request = request_to(who, path, body, fence);
    if (!used.empty()) request.headers.set(header_used, std::exchange(used, ""));
    auto response = run(life->client.send(std::move(request), base::Duration(15'000)));
    return {response.status, response.body, response.headers};
  }
  // The agent gets the answer, and its bridge knows it.
  Answered chat(const StartedRun& who, const std::string& body, const std::string& fence = "") {
    Answered answer = post(who, "/v1/chat/completions", body, fence);
    used = answer.headers.get(header_call);
    return answer;
  }
  void run_again(StartedRun& who, std::int64_t attempt) {
    record_pod(who, attempt);
    used.clear();
  }
  Json status_of(const StartedRun& who) {
    kube::Ref ref{&objects::AgentRun::info, "default", who.name, {}};
    return run(world().api.get(ref, {})).at("status");
  }
  std::vector<Json> bodies(const StartedRun& who, journal::Kind kind) {
    std::vector<Json> out;
    for (const auto& event : run(life->journal.events(who.uid, -1, 1000)))
      if (event.kind == kind) out.push_back(parse_json(event.body));
    return out;
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
  EXPECT_EQ(whole.headers.get(header_call), "1");
  EXPECT_EQ(answer.at_pointer("/choices/0/message/content"), "Hello to you.");
  EXPECT_EQ(answer.at_pointer("/choices/0/message/tool_calls/0/function/arguments"), "{\"a\":1}");
  EXPECT_EQ(answer.at_pointer("/choices/0/finish_reason"), "tool_calls");
  EXPECT_EQ(answer.at_pointer("/usage/total_tokens"), 15);

  const Answered streamed =
      chat(started, completion("hi", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(streamed.headers.get("Content-Type"), "text/event-stream");
  EXPECT_EQ(streamed.headers.get(header_call), "2");
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
  EXPECT_EQ(provider.stats().requests, 2);  // it has the first answer, and wants another one
  EXPECT_EQ(post(started, "/v1/chat/completions", completion("more")).status, 200);
  EXPECT_EQ(post(started, "/v1/chat/completions", completion("more")).status, 200);
  EXPECT_EQ(provider.stats().requests, 3);  // its bridge died before it had it

  run_again(started, 2);
  const Answered again =
      chat(started, R"({"messages":[{"content":"hi","role":"user"}],"model":"gpt-9"})");
  EXPECT_EQ(again.text, first);  // members in another order, same request
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 3);
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 4);
  EXPECT_EQ(chat(started, completion("hi", R"(,"temperature":1)")).status, 200);
  EXPECT_EQ(provider.stats().requests, 5);

  restart();  // who has what is not known any more: nothing is paid twice
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 5);
}

TEST_F(ForeignAgentTest, SpeaksEveryEndpointOfItsProvidersFamily) {
  Simulated provider("conversations: [{steps: [{text: a}], forever: true}]");
  const StartedRun started = start_run(provider);
  const Answered response =
      post(started, "/v1/responses", R"({"model":"x","input":"hi","previous_response_id":null})");
  EXPECT_EQ(response.json().at_pointer("/object"), "response") << response.text;
  const Answered vectors = post(started, "/v1/embeddings", R"({"model":"x","input":["hi"]})");
  EXPECT_EQ(vectors.json().at_pointer("/data/0/object"), "embedding") << vectors.text;
  const Answered stateful =
      post(started, "/v1/responses", R"({"input":"hi","previous_response_id":"r1"})");
  EXPECT_EQ(stateful.status, 400);
  EXPECT_NE(stateful.text.find("previous_response_id"), std::string::npos) << stateful.text;
  const Answered foreign_tongue = post(
      started, "/v1/messages", R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":9})");
  EXPECT_EQ(foreign_tongue.status, 400);
  EXPECT_EQ(foreign_tongue.json().at_pointer("/type"), "error");
  EXPECT_NE(foreign_tongue.text.find("does not speak /messages"), std::string::npos)
      << foreign_tongue.text;
}

TEST_F(ForeignAgentTest, IsSaidToDivergeWhenRunAgainItAsksSomethingElse) {
  Simulated provider("conversations: [{steps: [{text: a}], forever: true}]");
  StartedRun started = start_run(provider);
  chat(started, completion("one"));
  chat(started, completion("two"));
  chat(started, completion("three"));  // a first execution has nothing to keep to
  EXPECT_TRUE(bodies(started, journal::Kind::diverged).empty());

  run_again(started, 2);
  chat(started, completion("two"));  // the order is ignored
  EXPECT_EQ(provider.stats().requests, 3);
  chat(started, completion("One"));
  chat(started, completion("four"));
  EXPECT_EQ(provider.stats().requests, 5);
  const auto diverged = bodies(started, journal::Kind::diverged);
  ASSERT_EQ(diverged.size(), 1U) << "once in an execution";
  EXPECT_EQ(diverged[0].at("turn"), 4);
  EXPECT_EQ(diverged[0].at("recorded"), 1);
  EXPECT_EQ(diverged[0].at("pointer"), "/messages/0/content");
  while (!status_of(started).as_object().contains("divergence"))
    run(io::sleep(world().clock, base::Duration(5)));
  EXPECT_EQ(status_of(started).at_pointer("/divergence/pointer"), "/messages/0/content");
  EXPECT_EQ(status_of(started).at_pointer("/divergence/attempt"), 2);
}

TEST_F(ForeignAgentTest, MayWriteToolResultsInTheOrderInWhichToolsEnded) {
  Simulated provider("conversations: [{steps: [{text: a}], forever: true}]");
  StartedRun started = start_run(provider);
  const auto results = [](const char* one, const char* other) {
    const auto tool = [](const char* id) {
      return cat(R"({"role":"tool","tool_call_id":")", id, R"(","content":"r"})");
    };
    return cat(R"({"messages":[{"role":"user","content":"x"},)", tool(one), ",", tool(other), "]}");
  };
  chat(started, results("c1", "c2"));
  run_again(started, 2);
  chat(started, results("c2", "c1"));
  EXPECT_EQ(provider.stats().requests, 1);
  chat(started, results("c1", "c3"));
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(ForeignAgentTest, HandsOnWhatShapesTheAnswerBesideTheBody) {
  Simulated provider("conversations: [{steps: [{text: a}], forever: true}]");
  StartedRun started = start_run(provider);
  io::Request request = request_to(started, "/v1/chat/completions?beta=true", completion("hi"), "");
  request.headers.set("anthropic-version", "2026-10-21");
  EXPECT_EQ(run(life->client.send(std::move(request), base::Duration(15'000))).status, 200);
  const Json parameters = bodies(started, journal::Kind::model_intent).at(0).at("parameters");
  EXPECT_EQ(parameters.at("query"), "beta=true");
  EXPECT_EQ(parameters.at("anthropic-version"), "2026-10-21");
}

TEST_F(ForeignAgentTest, DoesNotDivergeByGoingOn) {
  Simulated provider(R"(
conversations:
  - steps: [{text: a}, {text: b, errors: [{status: 400}]}]
    forever: true
)");
  StartedRun started = start_run(provider);
  chat(started, completion("one"));
  const std::string failed =
      R"({"messages":[{"role":"user","content":"one"},)"
      R"({"role":"assistant","content":"a"},{"role":"user","content":"x"}]})";
  EXPECT_EQ(chat(started, failed).status, 400);
  run_again(started, 2);
  EXPECT_EQ(chat(started, failed).status, 200);  // asked before, if in vain
  chat(started, completion("one"));
  chat(started, completion("new"));  // all that was recorded is used
  EXPECT_TRUE(bodies(started, journal::Kind::diverged).empty());
}

TEST_F(ForeignAgentTest, EndsWhenItDivergesAndMayNot) {
  Simulated provider("conversations: [{steps: [{text: a}], forever: true}]");
  StartedRun started = start_run(provider, R"("resume":{"onDivergence":"fail"},)");
  chat(started, completion("one"));
  run_again(started, 2);
  const Answered refused = chat(started, completion("two"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.text.find("/messages/0/content"), std::string::npos) << refused.text;
  EXPECT_EQ(provider.stats().requests, 1);
  EXPECT_EQ(kinds(started).back(), "run.outcome");
  EXPECT_EQ(chat(started, completion("one")).status, 400) << "the run has its outcome";
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
  const std::string second =
      cat(R"({"messages":[{"role":"user","content":")", long_text,
          R"("},{"role":"assistant","content":"a"},{"role":"user","content":"y"}],"tools":[]})");
  EXPECT_EQ(chat(started, completion(long_text)).status, 200);
  EXPECT_EQ(chat(started, second).status, 200);
  const auto intents = bodies(started, journal::Kind::model_intent);
  ASSERT_EQ(intents.size(), 2U);
  EXPECT_EQ(intents[0].at("appended").as_array().size(), 1U);
  EXPECT_EQ(intents[1].at("parent"), 1);
  EXPECT_EQ(intents[1].at("appended").as_array().size(), 2U);

  Session session(life->journal, started.uid);
  run(session.catch_up());
  EXPECT_EQ(run(session.foreign_request(2)), parse_json(second));
}

TEST_F(ForeignAgentTest, GoesOnFromTheLongestConversationThatItRepeats) {
  Simulated provider("conversations: [{steps: [{text: said}], forever: true}]");
  const StartedRun started = start_run(provider);
  const auto ask_about = [&](const std::string& words) {
    base::JsonArray messages;
    for (const auto& word : base::split(words, ' '))
      messages.push_back(JsonObject{{"role", "user"}, {"content", word}});
    EXPECT_EQ(chat(started, base::to_text(JsonObject{{"messages", messages}})).status, 200);
  };
  for (const char* words : {"a", "a b", "a c", "a c d", "x c d", "a c d e f", "a b c"})
    ask_about(words);
  std::vector<std::pair<std::int64_t, std::size_t>> parents;  // and how many messages are new
  for (const auto& intent : bodies(started, journal::Kind::model_intent))
    parents.emplace_back(intent.as_object().contains("parent") ? intent.at("parent").as_int64() : 0,
                         intent.at("appended").as_array().size());
  EXPECT_EQ(parents, (decltype(parents){{0, 1}, {1, 1}, {1, 1}, {3, 1}, {0, 3}, {4, 2}, {2, 1}}));
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
