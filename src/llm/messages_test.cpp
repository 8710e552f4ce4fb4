#include "llm/messages.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "llm/failure.h"
#include "llm/family.h"
#include "support/seeded_random.h"

namespace llm {
namespace {

using protocol::Finish;
using protocol::Message;
using protocol::Role;

base::Json encoded(const std::vector<Message>& messages) {
  return base::parse_json(make_messages_request("m", messages, {}, Delivery::whole));
}

TEST(MessagesRequest, HasTheShapeOfTheSpecification) {
  const std::vector<Message> messages{{Role::system, "s", {}, {}},
                                      {Role::user, "u", {}, {}},
                                      {Role::assistant, "", {{"a", "f", "{\"x\": 1}"}}, {}},
                                      {Role::tool, "42", {}, "a"}};
  const std::vector<protocol::ToolDefinition> tools{
      {"f", "does f", base::parse_json("{\"type\":\"object\"}")}, {"g", "does g", nullptr}};
  EXPECT_EQ(
      make_request(Family::anthropic, "m", messages, tools, Delivery::streamed),
      R"({"model":"m","max_tokens":8192,"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"u"}]},)"
      R"({"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"x":1}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"42"}]}],)"
      R"("tools":[{"name":"f","description":"does f","input_schema":{"type":"object"}},)"
      R"({"name":"g","description":"does g","input_schema":{"type":"object","properties":{}}}],"stream":true})");
}

TEST(MessagesRequest, MakesOneMessageOfWhatOneSideSaidInARow) {
  const auto body =
      encoded({{Role::system, "one", {}, {}},
               {Role::user, "u", {}, {}},
               {Role::system, "two", {}, {}},
               {Role::assistant, "let me see", {{"a", "f", "{}"}, {"b", "g", ""}}, {}},
               {Role::tool, "1", {}, "a"},
               {Role::user, "hurry", {}, {}},
               {Role::tool, "", {}, "b"}});
  EXPECT_EQ(body.at("system"), "one\n\ntwo");
  EXPECT_EQ(
      base::to_text(body.at("messages")),
      R"([{"role":"user","content":[{"type":"text","text":"u"}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":"let me see"},)"
      R"({"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"g","input":{}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},)"
      R"({"type":"tool_result","tool_use_id":"b"},{"type":"text","text":"hurry"}]}])");
}

TEST(MessagesRequest, KeepsArgumentsThatAreNoObjectAndIdsThatAreNotAnthropics) {
  for (const std::string arguments : {"not json", "[1]", "{\"a\":"}) {
    const auto body = encoded({{Role::user, "u", {}, {}},
                               {Role::assistant, " ", {{"call:1", "f", arguments}}, {}},
                               {Role::tool, "1", {}, "call:1"}});
    EXPECT_EQ(body.at_pointer("/messages/1/content/0/input/arguments"), base::Json(arguments));
    EXPECT_EQ(body.at_pointer("/messages/1/content/0/id"), "call_1");
    EXPECT_EQ(body.at_pointer("/messages/2/content/0/tool_use_id"), "call_1");
  }
}

const std::string stream =
    "event: message_start\n"
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\","
    "\"content\":[],\"usage\":{\"input_tokens\":2,\"cache_creation_input_tokens\":3,"
    "\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\n"
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
    "\"thinking\":\"\"}}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
    "\"thinking\":\"hm\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    "event: content_block_start\n"
    "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\","
    "\"text\":\"\"}}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"Hello \"}}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"☃\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
    "event: content_block_start\n"
    "data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\","
    "\"id\":\"toolu_a\",\"name\":\"read_file\",\"input\":{}}}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
    "\"partial_json\":\"{\\\"path\\\":\"}}\n\n"
    "event: content_block_delta\n"
    "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
    "\"partial_json\":\" \\\"a\\\"}\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n"
    "event: content_block_start\n"
    "data: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\","
    "\"id\":\"toolu_b\",\"name\":\"list\",\"input\":{}}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":3}\n\n"
    "event: message_delta\n"
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},"
    "\"usage\":{\"output_tokens\":9}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

protocol::TurnResult parse(std::string_view bytes, std::size_t piece, std::string* text = nullptr,
                           std::string_view type = "text/event-stream") {
  auto reader = make_reader(Family::anthropic, type);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string more = reader->add(bytes.substr(at, piece));
    if (text) *text += more;
  }
  return reader->finish();
}

TEST(MessagesParser, ReadsAStreamHoweverItIsCut) {
  for (std::size_t piece : {1UL, 2UL, 7UL, 64UL, stream.size()}) {
    std::string text;
    const auto result = parse(stream, piece, &text);
    EXPECT_EQ(text, "Hello ☃");
    EXPECT_EQ(result.message.content, "Hello ☃");
    ASSERT_EQ(result.message.toolCalls.size(), 2U);
    EXPECT_EQ(result.message.toolCalls[0].id, "toolu_a");
    EXPECT_EQ(result.message.toolCalls[0].name, "read_file");
    EXPECT_EQ(result.message.toolCalls[0].arguments, R"({"path": "a"})");
    EXPECT_EQ(result.message.toolCalls[1].arguments, "{}");
    EXPECT_EQ(result.usage.inputTokens, 12);
    EXPECT_EQ(result.usage.outputTokens, 9);
    EXPECT_EQ(result.finish, Finish::tool_calls);
  }
}

TEST(MessagesParser, CallsHalfAStreamAnError) {
  for (std::size_t end = 0; end < stream.find("\"usage\":{\"output_tokens\":9}"); ++end) try {
      parse(std::string_view(stream).substr(0, end), 40);
      ADD_FAILURE() << "cut at " << end;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::Code::unavailable) << error.what();
    }
}

TEST(MessagesParser, TellsWhyTheModelStopped) {
  const std::vector<std::pair<std::string, Finish>> cases{
      {"end_turn", Finish::stop},
      {"stop_sequence", Finish::stop},
      {"max_tokens", Finish::length},
      {"model_context_window_exceeded", Finish::length},
      {"refusal", Finish::content_filter},
      {"tool_use", Finish::stop},  // without a call there is none to make
  };
  for (const auto& [reason, finish] : cases)
    EXPECT_EQ(
        parse(R"({"content":[],"stop_reason":")" + reason + "\"}", 3, nullptr, "application/json")
            .finish,
        finish)
        << reason;
}

TEST(MessagesParser, TakesAnAnswerThatIsNotStreamed) {
  const auto result = parse(
      R"({"type":"message","content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"hi"},)"
      R"({"type":"tool_use","id":"a","name":"f","input":{"x":1}}],"stop_reason":"tool_use",)"
      R"("usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":3}})",
      6, nullptr, "application/json");
  EXPECT_EQ(result.message.content, "hi");
  ASSERT_EQ(result.message.toolCalls.size(), 1U);
  EXPECT_EQ(result.message.toolCalls[0].arguments, R"({"x":1})");
  EXPECT_EQ(result.usage.inputTokens, 3);
  EXPECT_EQ(result.finish, Finish::tool_calls);
}

TEST(MessagesParser, AddsCountsThatNobodyCouldHaveCounted) {
  const auto result =
      parse(R"({"content":[],"usage":{"input_tokens":9223372036854775807,)"
            R"("cache_creation_input_tokens":9223372036854775807,"cache_read_input_tokens":1,)"
            R"("output_tokens":-9223372036854775808}})",
            6, nullptr, "application/json");
  EXPECT_EQ(result.usage.inputTokens, 2'000'000'000'001);
  EXPECT_EQ(result.usage.outputTokens, 0);
}

TEST(MessagesParser, ReportsAnErrorInsideAStream) {
  const std::string error =
      "event: error\n"
      "data: "
      "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"
      "\n\n";
  try {
    parse(stream.substr(0, stream.find("event: ping")) + error, 20);
    FAIL();
  } catch (const ProviderError& reported) {
    EXPECT_NE(std::string(reported.what()).find("Overloaded"), std::string::npos);
    EXPECT_EQ(base::text_at(reported.body(), {"error", "type"}), "overloaded_error");
  }
}

TEST(MessagesParser, SurvivesMutatedStreams) {
  test::SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = stream;
    for (int edits = 0; edits < 4; ++edits)
      bytes[base::random_below(random, bytes.size())] =
          static_cast<char>(base::random_below(random, 256));
    try {
      parse(bytes, 1 + base::random_below(random, 300));
    } catch (const base::Error&) {}
  }
}

TEST(Refusal, ReadsAnthropicsErrors) {
  auto body = [](const std::string& type, const std::string& message) {
    return R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message + "\"}}";
  };
  struct Case {
    int status;
    std::string body, code;
    Again again;
  };
  const std::vector<Case> cases{
      {401, body("authentication_error", "invalid x-api-key"), "provider_unauthorized", Again::no},
      {403, body("permission_error", "no"), "provider_unauthorized", Again::no},
      {404, body("not_found_error", "model: x"), "invalid_request", Again::no},
      {413, body("request_too_large", "Request exceeds the maximum size"), "context_length",
       Again::no},
      {429, body("rate_limit_error", "slow"), "rate_limited", Again::yes},
      {500, body("api_error", "Internal server error"), "provider_unavailable", Again::yes},
      {529, body("overloaded_error", "Overloaded"), "provider_unavailable", Again::yes},
      {400, body("invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
       "context_length", Again::no},
      {400,
       body("invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
       "context_length", Again::no},
      {400, body("invalid_request_error", "Your credit balance is too low to access the API"),
       "rate_limited", Again::no},
      {402, body("billing_error", "pay"), "rate_limited", Again::no},
      {400, body("invalid_request_error", "max_tokens: required"), "invalid_request", Again::no},
  };
  for (const auto& one : cases) {
    const Refusal refusal = explain_refusal("anthropic at https://x", one.status, one.body, "", {});
    EXPECT_EQ(refusal.failure.code, one.code) << one.body;
    EXPECT_EQ(refusal.again, one.again) << one.body;
  }
}

TEST(Family, IsChosenByProviderAndKnowsItsPaths) {
  EXPECT_EQ(family_of("anthropic"), Family::anthropic);
  for (auto other : {"openai", "ollama", "vllm", "azure-openai", ""})
    EXPECT_EQ(family_of(other), Family::openai);
  EXPECT_EQ(request_path(turn_endpoint(Family::openai), "/v1"), "/chat/completions");
  EXPECT_EQ(request_path(turn_endpoint(Family::anthropic), ""), "/v1/messages");
  EXPECT_EQ(request_path(Endpoint::messages, "/proxy/v1/"), "/messages");
  EXPECT_TRUE(speaks(Family::openai, Endpoint::embeddings));
  EXPECT_FALSE(speaks(Family::openai, Endpoint::messages));
  EXPECT_FALSE(speaks(Family::anthropic, Endpoint::responses));
}

}  // namespace
}  // namespace llm
