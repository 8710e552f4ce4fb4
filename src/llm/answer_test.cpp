#include "llm/answer.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "llm/failure.h"
#include "llm/request.h"
#include "support/seeded_random.h"

namespace llm {
namespace {

using protocol::Finish;

const std::string openai_stream =
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":"
    "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":null}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo ☃\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_a\","
    "\"type\":\"function\",\"function\":{\"name\":\"read_file\",\"arguments\":\"\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
    "{\"arguments\":\"{\\\"path\\\":\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"call_b\","
    "\"function\":{\"name\":\"list_directory\",\"arguments\":\"{}\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
    "{\"arguments\":\"\\\"a\\\"}\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":7}}\n\n"
    "data: [DONE]\n\n";

struct Parsed {
  std::string text;
  protocol::TurnResult result;
};
Parsed parse(std::string_view bytes, std::size_t piece,
             std::string_view type = "text/event-stream") {
  AnswerParser parser(type);
  Parsed out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    out.text += parser.add(bytes.substr(at, piece));
  out.result = parser.finish();
  return out;
}

TEST(AnswerParser, ReadsAStreamHoweverItIsCut) {
  for (std::size_t piece : {1UL, 2UL, 7UL, 64UL, openai_stream.size()}) {
    const Parsed parsed = parse(openai_stream, piece);
    EXPECT_EQ(parsed.text, "Hello ☃");
    EXPECT_EQ(parsed.result.message.content, "Hello ☃");
    ASSERT_EQ(parsed.result.message.toolCalls.size(), 2U);
    EXPECT_EQ(parsed.result.message.toolCalls[0].id, "call_a");
    EXPECT_EQ(parsed.result.message.toolCalls[0].name, "read_file");
    EXPECT_EQ(parsed.result.message.toolCalls[0].arguments, R"({"path":"a"})");
    EXPECT_EQ(parsed.result.message.toolCalls[1].name, "list_directory");
    EXPECT_EQ(parsed.result.usage.inputTokens, 12);
    EXPECT_EQ(parsed.result.usage.outputTokens, 7);
    EXPECT_EQ(parsed.result.finish, Finish::tool_calls);
  }
}

TEST(AnswerParser, TakesCrLfCommentsAndUnknownEvents) {
  const std::string bytes =
      ": keep-alive\r\n\r\nevent: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"reasoning_content\":\"hm\"},"
      "\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n";
  for (std::size_t piece : {1UL, 3UL, bytes.size()}) EXPECT_EQ(parse(bytes, piece).text, "x");
}

TEST(AnswerParser, TakesVllmsUsageInEveryChunkAndAMissingDone) {
  const Parsed parsed = parse(
      "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":3,"
      "\"completion_tokens\":1}}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\","
      "\"stop_reason\":null}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}",
      5);
  EXPECT_EQ(parsed.result.message.content, "ab");
  EXPECT_EQ(parsed.result.usage.outputTokens, 2);
}

TEST(AnswerParser, TakesOllamasToolCallsWithoutIdsAndWithStop) {
  const Parsed parsed = parse(
      "data: {\"choices\":[{\"delta\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":"
      "\"f\",\"arguments\":{\"a\":1}}}]},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
      9);
  ASSERT_EQ(parsed.result.message.toolCalls.size(), 1U);
  EXPECT_EQ(parsed.result.message.toolCalls[0].id, "call_0");
  EXPECT_EQ(parsed.result.message.toolCalls[0].arguments, R"({"a":1})");
  EXPECT_EQ(parsed.result.finish, Finish::tool_calls);
}

TEST(AnswerParser, TellsCallsApartThatAllClaimIndexZero) {
  const Parsed parsed = parse(
      "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{"
      "\"name\":\"f\",\"arguments\":\"{}\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{"
      "\"name\":\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
      11);
  ASSERT_EQ(parsed.result.message.toolCalls.size(), 2U);
  EXPECT_EQ(parsed.result.message.toolCalls[1].name, "g");
}

TEST(AnswerParser, TakesAnAnswerThatIsNotStreamed) {
  const Parsed parsed = parse(
      R"({"choices":[{"message":{"role":"assistant","content":[{"type":"text","text":"hi"}]},)"
      R"("finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})",
      6, "application/json; charset=utf-8");
  EXPECT_EQ(parsed.result.message.content, "hi");
  EXPECT_EQ(parsed.result.finish, Finish::length);
}

TEST(AnswerParser, CallsHalfAStreamAnError) {
  for (std::size_t end = 1; end < openai_stream.find("\"finish_reason\":\"tool_calls\"}]}");
       ++end) {
    try {
      parse(std::string_view(openai_stream).substr(0, end), end);
      FAIL() << "cut at " << end;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::Code::unavailable) << error.what();
    }
  }
}

TEST(AnswerParser, ReportsAnErrorInsideAStream) {
  EXPECT_THROW(parse("data: {\"error\":{\"message\":\"overloaded\"}}\n\n", 100), ProviderError);
  EXPECT_THROW(parse("data: {\"error\":\"overloaded\"}\n\n", 100), ProviderError);
}

TEST(AnswerParser, SurvivesMutatedStreams) {
  test::SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = openai_stream;
    for (int edits = 0; edits < 4; ++edits)
      bytes[base::random_below(random, bytes.size())] =
          static_cast<char>(base::random_below(random, 256));
    try {
      parse(bytes, 1 + base::random_below(random, 300));
    } catch (const base::Error&) {}
  }
}

TEST(EventSplitter, RefusesAnEventWithoutEnd) {
  EventSplitter events(1000);
  events.add("data: ");
  EXPECT_THROW(
      {
        for (int i = 0; i < 30; ++i) {
          events.add(std::string(100, 'x'));
          events.next();
        }
      },
      base::Error);
}

TEST(Request, HasTheShapeOfTheSpecification) {
  using protocol::Message;
  using protocol::Role;
  const std::vector<Message> messages{{Role::system, "s", {}, {}},
                                      {Role::user, "u", {}, {}},
                                      {Role::assistant, "", {{"call_a", "f", "{\"x\": 1}"}}, {}},
                                      {Role::tool, "42", {}, "call_a"}};
  const std::vector<protocol::ToolDefinition> tools{
      {"f", "does f", base::parse_json("{\"type\":\"object\"}")}};
  const auto body = base::parse_json(make_request("m", messages, tools, Delivery::streamed));
  EXPECT_EQ(
      base::canonical(body),
      R"({"messages":[{"content":"s","role":"system"},{"content":"u","role":"user"},)"
      R"({"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"x\": 1}","name":"f"},"id":"call_a","type":"function"}]},)"
      R"({"content":"42","role":"tool","tool_call_id":"call_a"}],"model":"m","stream":true,"stream_options":{"include_usage":true},)"
      R"("tools":[{"function":{"description":"does f","name":"f","parameters":{"type":"object"}},"type":"function"}]})");
}

const base::Time now{std::chrono::milliseconds(784'111'777'000)};  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(Refusal, ReadsRetryAfterAsSecondsAndAsDate) {
  EXPECT_EQ(parse_retry_after("7", now), std::chrono::seconds(7));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), std::chrono::seconds(10));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), std::chrono::seconds(0));
  EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("-1", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("", now), std::nullopt);
}

TEST(Refusal, SaysWhoRefusedWhatAndWhatToDo) {
  struct Case {
    int status;
    std::string body, code;
    Again again;
  };
  const std::vector<Case> cases{
      {401, R"({"error":{"message":"Incorrect API key"}})", "provider_unauthorized", Again::no},
      {403, "", "provider_unauthorized", Again::no},
      {404, R"({"error":"model 'x' not found"})", "invalid_request", Again::no},
      {408, "", "provider_unavailable", Again::yes},
      {409, "", "provider_unavailable", Again::yes},
      {429, "{}", "rate_limited", Again::yes},
      {429, R"({"error":{"code":"insufficient_quota"}})", "rate_limited", Again::no},
      {400, R"({"error":{"code":"context_length_exceeded"}})", "context_length", Again::no},
      {400, R"({"message":"This model's maximum context length is 10"})", "context_length",
       Again::no},
      {400, R"({"error":{"message":"bad tools"}})", "invalid_request", Again::no},
      {500, "<html>oops</html>", "provider_unavailable", Again::yes},
      {529, "", "provider_unavailable", Again::yes},
      {302, "", "invalid_request", Again::no},
  };
  for (const auto& one : cases) {
    const Refusal refusal = explain_refusal("openai at https://x", one.status, one.body, "3", now);
    EXPECT_EQ(refusal.failure.code, one.code) << one.status << one.body;
    EXPECT_EQ(refusal.again, one.again) << one.status << one.body;
    EXPECT_EQ(refusal.after, std::chrono::seconds(3));
    EXPECT_TRUE(refusal.failure.message.starts_with("openai at https://x answered"))
        << refusal.failure.message;
  }
}

}  // namespace
}  // namespace llm
