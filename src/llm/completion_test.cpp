#include "llm/completion.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "llm/answer.h"
#include "protocol/codec.h"

namespace llm {
namespace {

using protocol::Finish;
using protocol::Role;
using protocol::TurnResult;

CompletionRequest read(const std::string& text) {
  return read_completion_request(base::parse_json(text));
}

TEST(CompletionRequest, LeavesWhatTheClientWroteAsItIs) {
  const auto request = read(
      R"({"model":"gpt-9","stream":true,"stream_options":{"include_usage":true},"temperature":0.5,)"
      R"("tool_choice":"auto","messages":[{"role":"developer","content":[{"type":"image_url","image_url":{"url":"x"}}]}],)"
      R"("tools":[{"type":"function","function":{"name":"f","strict":true}}],"functions":[],"n":1,"logprobs":false})");
  EXPECT_EQ(request.delivery, Delivery::streamed);
  EXPECT_TRUE(request.with_usage);
  EXPECT_EQ(
      base::canonical(base::parse_json(make_request("m", request))),
      R"({"functions":[],"logprobs":false,"messages":[{"content":[{"image_url":{"url":"x"},"type":"image_url"}],"role":"developer"}],)"
      R"("model":"m","n":1,"stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"tool_choice":"auto",)"
      R"("tools":[{"function":{"name":"f","strict":true},"type":"function"}]})");
}

TEST(CompletionRequest, RefusesWhatCannotBeAnsweredWhole) {
  struct Case {
    std::string body, words;
  };
  const std::string messages = R"("messages":[{"role":"user","content":"x"}])";
  const std::vector<Case> cases{
      {"[]", "JSON object"},
      {"{}", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":"hi"})", "messages: must be a list"},
      {"{" + messages + R"(,"tools":{}})", "tools: must be a list"},
      {"{" + messages + R"(,"n":2})", "n: only one"},
      {"{" + messages + R"(,"logprobs":true})", "logprobs"},
      {"{" + messages + R"(,"functions":[{"name":"f"}]})", "functions"},
      {"{" + messages + R"(,"modalities":["text","audio"]})", "modalities"},
  };
  for (const auto& one : cases) try {
      read(one.body);
      ADD_FAILURE() << one.body;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::Code::invalid);
      EXPECT_NE(std::string(error.what()).find(one.words), std::string::npos) << error.what();
    }
}

const CompletionHead head{"chatcmpl-1", "m", 7};
const TurnResult spoken{{Role::assistant, "Hello", {}, {}}, {3, 4}, Finish::stop};
const TurnResult calling{
    {Role::assistant, "", {{"a", "f", "{\"x\":1}"}, {"b", "g", "not json"}}, {}},
    {3, 4},
    Finish::tool_calls};

TEST(Completion, IsReadBackByAClient) {
  for (const auto& result : {spoken, calling}) {
    AnswerParser whole("application/json");
    whole.add(make_completion(head, result));
    AnswerParser streamed("text/event-stream");
    const std::string content = result.message.content;
    std::string text = streamed.add(first_event(head));
    text += streamed.add(text_event(head, content.substr(0, 2)));
    text += streamed.add(last_events(head, result, content.substr(std::min(content.size(), 2UL)),
                                     {.with_usage = true}));
    EXPECT_EQ(text, content);
    EXPECT_TRUE(streamed.is_done());
    for (auto* parser : {&whole, &streamed}) {
      const TurnResult read_back = parser->finish();
      EXPECT_EQ(protocol::to_text(read_back), protocol::to_text(result));
    }
  }
}

TEST(Completion, HasTheShapeOfTheSpecification) {
  EXPECT_EQ(
      base::canonical(base::parse_json(make_completion(head, calling))),
      R"({"choices":[{"finish_reason":"tool_calls","index":0,"message":{"content":null,"role":"assistant","tool_calls":[)"
      R"({"function":{"arguments":"{\"x\":1}","name":"f"},"id":"a","type":"function"},)"
      R"({"function":{"arguments":"not json","name":"g"},"id":"b","type":"function"}]}}],)"
      R"("created":7,"id":"chatcmpl-1","model":"m","object":"chat.completion",)"
      R"("usage":{"completion_tokens":4,"prompt_tokens":3,"total_tokens":7}})");
  EXPECT_EQ(last_events(head, spoken, "", {}).find("usage"), std::string::npos);
  EXPECT_EQ(base::parse_json(make_error({"context_length", "too long"})).at_pointer("/error/code"),
            "context_length_exceeded");
  AnswerParser parser("text/event-stream");
  EXPECT_THROW(parser.add(error_event({"rate_limited", "slow"})), ProviderError);
}

}  // namespace
}  // namespace llm
