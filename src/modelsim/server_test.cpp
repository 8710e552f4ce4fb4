#include "modelsim/server.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/encoding.h"
#include "io/loop.h"
#include "llm/family.h"
#include "llm/passthrough.h"

namespace modelsim {
namespace {

struct Quiet final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

struct SimulatorTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  Quiet log;
  std::vector<std::string> lines;

  std::vector<io::Response> ask(const std::string& script, std::vector<io::Request> requests) {
    Simulator simulator(clock, parse_script(script, "test.yaml"),
                        [&](std::string_view line) { lines.emplace_back(line); });
    io::HttpServer server(loop, clock, log, {}, simulator.handler());
    auto listener = io::listen_tcp(loop, "127.0.0.1", 0);
    io::HttpClient client(loop, clock, io::tcp_dialer("127.0.0.1", listener->port()), "sim");
    std::vector<io::Response> answers;
    auto work = [&]() -> io::Task<> {
      io::TaskGroup group(loop);
      group.spawn("server", server.serve(*listener, nullptr));
      for (auto& request : requests) {
        io::Response answer;
        try {
          answer = co_await client.send(std::move(request), base::Duration(5000));
        } catch (const base::Error& error) {
          answer.status = -1;
          answer.body = error.what();
        }
        answers.push_back(std::move(answer));
      }
      group.stop();
      try {
        co_await group.join();
      } catch (const base::Error&) {}
    };
    loop.run(work());
    return answers;
  }
};

io::Request completion(const std::string& messages, bool stream) {
  return {
      "POST",
      "/v1/chat/completions",
      {},
      "{\"model\":\"m\",\"messages\":[" + messages + "]" + (stream ? ",\"stream\":true}" : "}")};
}
const std::string user = R"({"role":"user","content":"count the words"})";

TEST_F(SimulatorTest, AnswersTurnByTurnAndCounts) {
  const std::string script = R"(
conversations:
  - task: count
    steps:
      - text: writing
        tool_calls: [{name: write_file, arguments: {path: a}}]
      - last: "2"
        text: "words: ${last}"
)";
  auto answers = ask(
      script,
      {completion(user, false),
       completion(
           user +
               R"(,{"role":"assistant","content":""},{"role":"tool","content":"2\n","tool_call_id":"x"})",
           true),
       completion(R"({"role":"user","content":"sing"})", false),
       {"GET", "/stats", {}, ""},
       {"GET", "/v1/models", {}, ""}});
  auto first = base::parse_json(answers[0].body);
  EXPECT_EQ(first.at_pointer("/choices/0/message/tool_calls/0/function/arguments"),
            R"({"path":"a"})");
  EXPECT_EQ(first.at_pointer("/choices/0/finish_reason"), "tool_calls");
  EXPECT_NE(answers[1].body.find("\"content\":\"words: \""), std::string::npos) << answers[1].body;
  EXPECT_TRUE(answers[1].body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(answers[2].status, 400);
  EXPECT_NE(answers[2].body.find("no step for turn 1"), std::string::npos);
  EXPECT_EQ(
      answers[3].body,
      R"({"requests":3,"completions":2,"errors":0,"halves":0,"unmatched":1,"endpoints":{"/chat/completions":3}})");
  EXPECT_NE(answers[4].body.find("simulator"), std::string::npos);
  EXPECT_EQ(lines.size(), 3U);
}

TEST_F(SimulatorTest, FailsFirstThenBreaksOffThenAnswers) {
  const std::string script = R"(
conversations:
  - steps:
      - text: at last
        errors: [{status: 429, message: slow, headers: {Retry-After: "3"}}]
        half_streams: 1
    forever: true
)";
  auto answers =
      ask(script, {completion(user, true), completion(user, true), completion(user, true)});
  EXPECT_EQ(answers[0].status, 429);
  EXPECT_EQ(answers[0].headers.get("Retry-After"), "3");
  EXPECT_EQ(answers[1].status, -1);
  EXPECT_EQ(answers[2].status, 200);
}

// The same conversation in every API: a call of a tool, then what came of it.
struct Api {
  std::string path, first, second;
  llm::Endpoint endpoint;
};
const std::vector<Api> apis{
    {"/v1/chat/completions",
     R"("messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"count the words"}]}])",
     R"("messages":[{"role":"user","content":"count the words"},{"role":"assistant","content":"","tool_calls":[]},{"role":"tool","tool_call_id":"a","content":"2\n"}])",
     llm::Endpoint::chat_completions},
    {"/v1/responses", R"("instructions":"s","input":"count the words")",
     R"("input":[{"role":"user","content":[{"type":"input_text","text":"count the words"}]},)"
     R"({"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"writing"}]},)"
     R"({"type":"function_call","call_id":"a","name":"write_file","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"2\n"}])",
     llm::Endpoint::responses},
    {"/v1/messages",
     R"("max_tokens":9,"system":"s","messages":[{"role":"user","content":"count the words"}])",
     R"("max_tokens":9,"messages":[{"role":"user","content":"count the words"},{"role":"assistant","content":[{"type":"text","text":"writing"},{"type":"tool_use","id":"a","name":"write_file","input":{}}]},)"
     R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"2\n"}]}]}])",
     llm::Endpoint::messages},
};
constexpr char counting[] = R"(
conversations:
  - task: count
    steps:
      - text: writing it
        tool_calls: [{name: write_file, arguments: {path: a, content: two words}}]
        usage: {prompt_tokens: 30, completion_tokens: 12}
      - last: "2"
        text: "words: ${last}"
)";

io::Request post(const std::string& path, const std::string& members, bool stream) {
  return {"POST", path, {}, "{\"model\":\"m\"," + members + (stream ? ",\"stream\":true}" : "}")};
}

TEST_F(SimulatorTest, SaysTheSameInEveryApiStreamedAndWhole) {
  for (const auto& api : apis) {
    auto answers =
        ask(counting, {post(api.path, api.first, false), post(api.path, api.first, true),
                       post(api.path, api.second, false), post(api.path, api.second, true)});
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_EQ(answers[i].status, 200) << answers[i].body;
      llm::Passthrough passthrough(api.endpoint, answers[i].headers.get("Content-Type"));
      passthrough.add(answers[i].body);
      passthrough.finish();
      EXPECT_TRUE(passthrough.whole()) << answers[i].body;
      EXPECT_EQ(passthrough.text(), i < 2 ? "writing it" : "words: 2");
      if (i < 2) {
        EXPECT_EQ(passthrough.usage().inputTokens, 30);
        EXPECT_EQ(passthrough.usage().outputTokens, 12);
      }
      if (api.endpoint == llm::Endpoint::responses) continue;
      const auto family =
          api.endpoint == llm::Endpoint::messages ? llm::Family::anthropic : llm::Family::openai;
      auto reader = llm::make_reader(family, answers[i].headers.get("Content-Type"));
      reader->add(answers[i].body);
      const auto turn = reader->finish();
      ASSERT_EQ(turn.message.toolCalls.size(), i < 2 ? 1U : 0U);
      if (i < 2) {
        EXPECT_EQ(turn.message.toolCalls[0].arguments, R"({"path":"a","content":"two words"})");
      }
    }
  }
}

TEST_F(SimulatorTest, CallsAToolInAResponse) {
  auto answers =
      ask(counting,
          {post("/v1/responses", apis[1].first, false), post("/v1/responses", apis[1].first, true),
           post("/v1/responses", R"("input":"count","previous_response_id":"r")", false)});
  const auto whole = base::parse_json(answers[0].body);
  EXPECT_EQ(whole.at_pointer("/output/0/content/0/text"), "writing it");
  EXPECT_EQ(whole.at_pointer("/output/1/call_id"), "call_sim_1_0");
  EXPECT_EQ(whole.at_pointer("/output/1/arguments"), R"({"path":"a","content":"two words"})");
  const std::string& stream = answers[1].body;
  const auto last = stream.rfind("data: ");
  EXPECT_EQ(base::parse_json(stream.substr(last + 6)).at("response"), whole);
  EXPECT_EQ(answers[2].status, 400);
}

TEST_F(SimulatorTest, RefusesAndBreaksOffInTheWordsOfTheApi) {
  const std::string script = R"(
conversations:
  - steps:
      - text: at last it is said
        errors: [{status: 529, message: full}]
        half_streams: 1
)";
  auto answers =
      ask(script, {post("/v1/messages", apis[2].first, true),
                   post("/v1/messages", apis[2].first, true),
                   post("/v1/messages", apis[2].first, true),
                   post("/v1/messages", R"("messages":[{"role":"user","content":"x"}])", false),
                   {"GET", "/stats", {}, ""}});
  EXPECT_EQ(answers[0].status, 529);
  EXPECT_EQ(answers[0].body,
            R"({"type":"error","error":{"type":"overloaded_error","message":"full"}})");
  EXPECT_EQ(answers[1].status, -1);
  EXPECT_TRUE(answers[2].body.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
  EXPECT_EQ(base::parse_json(answers[3].body).at_pointer("/error/type"), "invalid_request_error");
  EXPECT_EQ(
      answers[4].body,
      R"({"requests":4,"completions":1,"errors":1,"halves":1,"unmatched":1,"endpoints":{"/messages":4}})");
}

TEST_F(SimulatorTest, TellsAnErrorInTheMiddleOfAStream) {
  const std::string script = R"(
conversations:
  - steps:
      - text: at last it is said
        stream_errors: [{status: 529, message: full}]
        half_streams: 1
    forever: true
)";
  for (const auto& api : apis) {
    auto answers = ask(script, {post(api.path, api.first, true), post(api.path, api.first, true),
                                post(api.path, api.first, true)});
    EXPECT_EQ(answers[0].status, 200);
    llm::Passthrough passthrough(api.endpoint, "text/event-stream");
    passthrough.add(answers[0].body);
    passthrough.finish();
    EXPECT_FALSE(passthrough.whole());
    ASSERT_TRUE(passthrough.error()) << answers[0].body;
    EXPECT_NE(std::string(passthrough.error()->what()).find("full"), std::string::npos);
    EXPECT_FALSE(passthrough.text().empty());
    EXPECT_EQ(answers[1].status, -1);
    EXPECT_EQ(answers[2].status, 200);
  }
}

TEST_F(SimulatorTest, GivesATextTheSameVectorEachTime) {
  const std::string script = R"(
conversations: []
embeddings: {dimensions: 3, errors: [{status: 503}]}
)";
  auto answers =
      ask(script, {post("/v1/embeddings", R"("input":"a b")", false),
                   post("/v1/embeddings", R"("input":["a b","c"])", false),
                   post("/v1/embeddings", R"("input":"a b","encoding_format":"base64")", false),
                   post("/v1/embeddings", R"("input":[1,2],"dimensions":5)", false),
                   post("/v1/embeddings", R"("dimensions":5)", false)});
  EXPECT_EQ(answers[0].status, 503);
  const auto floats = base::parse_json(answers[1].body);
  const auto& vector = floats.at_pointer("/data/0/embedding").as_array();
  ASSERT_EQ(vector.size(), 3U);
  double length = 0;
  for (const auto& value : vector) length += value.as_double() * value.as_double();
  EXPECT_NEAR(length, 1, 1e-5);
  EXPECT_NE(floats.at_pointer("/data/1/embedding"), floats.at_pointer("/data/0/embedding"));
  EXPECT_EQ(floats.at_pointer("/usage/prompt_tokens"), 3);
  const auto bytes = base::parse_base64(
      base::text_at(base::parse_json(answers[2].body).at_pointer("/data/0"), {"embedding"}));
  ASSERT_EQ(bytes->size(), 12U);
  float first = 0;
  std::memcpy(&first, bytes->data(), sizeof first);
  EXPECT_FLOAT_EQ(first, static_cast<float>(vector[0].as_double()));
  EXPECT_EQ(base::parse_json(answers[3].body).at_pointer("/data/0/embedding").as_array().size(),
            5U);
  EXPECT_EQ(answers[4].status, 400);
}

TEST(Script, NamesEveryMistake) {
  try {
    parse_script("conversations: [{steps: [{txet: x, delay: soon}]}]", "s.yaml");
    FAIL();
  } catch (const base::Error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("s.yaml"), std::string::npos) << what;
    EXPECT_NE(what.find("txet"), std::string::npos) << what;
    EXPECT_NE(what.find("soon"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace modelsim
