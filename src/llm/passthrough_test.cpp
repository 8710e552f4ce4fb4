#include "llm/passthrough.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "support/seeded_random.h"

namespace llm {
namespace {

using Place = Piece::Place;

std::string event(const std::string& data) { return "data: " + data + "\n\n"; }
std::string event(const std::string& name, const std::string& data) {
  return "event: " + name + "\ndata: " + data + "\n\n";
}

struct Passed {
  std::vector<Piece> pieces;
  std::string middle, all;
  protocol::Usage usage;
  std::string text;
  bool whole = false;
  std::string error;
};
Passed pass(Endpoint endpoint, std::string_view bytes, std::size_t cut = 1'000'000,
            UsageChunk chunk = UsageChunk::forwarded,
            std::string_view type = "text/event-stream; charset=utf-8") {
  Passthrough passthrough(endpoint, type, chunk);
  Passed out;
  auto take = [&](std::vector<Piece> pieces) {
    for (auto& piece : pieces) {
      out.all += piece.bytes;
      if (piece.place == Place::middle) out.middle += piece.bytes;
      out.pieces.push_back(std::move(piece));
    }
  };
  for (std::size_t at = 0; at < bytes.size(); at += cut)
    take(passthrough.add(bytes.substr(at, cut)));
  take(passthrough.finish());
  out.usage = passthrough.usage();
  out.text = passthrough.text();
  out.whole = passthrough.whole();
  if (passthrough.error()) out.error = base::to_text(passthrough.error()->body());
  return out;
}
Passed pass_document(Endpoint endpoint, std::string_view body) {
  return pass(endpoint, body, 7, UsageChunk::forwarded, "application/json");
}

// What may be forwarded before the answer is committed, and what after.
struct Stream {
  Endpoint endpoint;
  std::string middle, end;
  std::string bytes() const { return middle + end; }
};
const Stream completion{
    Endpoint::chat_completions,
    ": hello\n\n" +
        event(
            R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null})") +
        event(R"({"choices":[{"index":0,"delta":{"content":"It is "}}]})") +
        event(R"({"choices":[{"index":0,"delta":{"content":"☃"}}]})"),
    event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})") +
        event(R"({"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7}})") +
        event("[DONE]")};
const Stream response{
    Endpoint::responses,
    event(
        "response.created",
        R"({"type":"response.created","response":{"status":"in_progress","error":null,"output":[]}})") +
        event("response.output_text.delta",
              R"({"type":"response.output_text.delta","delta":"It is "})") +
        event("response.output_text.delta",
              R"({"type":"response.output_text.delta","delta":"☃"})") +
        event("response.output_item.done",
              R"({"type":"response.output_item.done","item":{"type":"message"}})") +
        event("response.output_item.done",
              R"({"type":"response.output_item.done","item":{"type":"web_search_call"}})"),
    event("response.function_call_arguments.done",
          R"({"type":"response.function_call_arguments.done","arguments":"{}"})") +
        event("response.output_item.done",
              R"({"type":"response.output_item.done","item":{"type":"function_call"}})") +
        event("response.completed",
              R"({"type":"response.completed","response":{"status":"completed","error":null,)"
              R"("output":[],"usage":{"input_tokens":12,"output_tokens":7}}})")};
const Stream message{
    Endpoint::messages,
    event("message_start",
          R"({"type":"message_start","message":{"usage":{"input_tokens":2,)"
          R"("cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":1}}})") +
        event("ping", R"({"type":"ping"})") +
        event(
            "content_block_start",
            R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})") +
        event(
            "content_block_delta",
            R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is ☃"}})") +
        event("content_block_stop", R"({"type":"content_block_stop","index":0})") +
        event(
            "content_block_start",
            R"({"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}})"),
    event("content_block_stop", R"({"type":"content_block_stop","index":1})") +
        event(
            "message_delta",
            R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}})") +
        event("message_stop", R"({"type":"message_stop"})")};
const std::vector<Stream> streams{completion, response, message};

TEST(Passthrough, HoldsTheEndBackAndChangesNoByteHoweverItIsCut) {
  for (const auto& stream : streams)
    for (std::size_t cut : {1UL, 2UL, 7UL, 64UL, stream.bytes().size()}) {
      const Passed passed = pass(stream.endpoint, stream.bytes(), cut);
      EXPECT_EQ(passed.all, stream.bytes());
      EXPECT_EQ(passed.middle, stream.middle);
      EXPECT_TRUE(passed.whole);
      EXPECT_EQ(passed.error, "");
      EXPECT_EQ(passed.text, "It is ☃");
      EXPECT_EQ(passed.usage.inputTokens, 12);
      EXPECT_EQ(passed.usage.outputTokens, 7);
      for (const auto& piece : passed.pieces) EXPECT_TRUE(piece.bytes.ends_with("\n\n"));
    }
}

TEST(Passthrough, CallsAStreamThatBreaksOffNotWhole) {
  for (const auto& stream : streams) {
    const std::string bytes = stream.bytes();
    const std::size_t enough = stream.endpoint == Endpoint::chat_completions
                                   ? bytes.find("\"finish_reason\"")
                                   : bytes.size() - 2;  // all but the empty line
    for (std::size_t end = 0; end < enough; ++end) {
      const Passed passed = pass(stream.endpoint, std::string_view(bytes).substr(0, end), 50);
      EXPECT_FALSE(passed.whole) << "cut at " << end;
      EXPECT_EQ(passed.all, bytes.substr(0, end));
      EXPECT_TRUE(stream.middle.starts_with(passed.middle));
    }
  }
}

TEST(Passthrough, TakesEveryLineEnding) {
  for (const std::string end : {"\r\n", "\r", "\n"})
    for (std::size_t cut : {1UL, 3UL, 1000UL}) {
      std::string bytes;
      for (const char c : message.bytes()) bytes += c == '\n' ? end : std::string(1, c);
      const Passed passed = pass(Endpoint::messages, bytes, cut);
      EXPECT_TRUE(passed.whole);
      EXPECT_EQ(passed.all, bytes);
      EXPECT_EQ(passed.pieces.size(), 9U);
    }
}

TEST(Passthrough, HidesTheUsageChunkThatTheClientDidNotAskFor) {
  const Passed passed = pass(Endpoint::chat_completions, completion.bytes(), 5, UsageChunk::hidden);
  EXPECT_EQ(passed.all.find("prompt_tokens"), std::string::npos);
  EXPECT_TRUE(passed.all.ends_with(event("[DONE]")));
  EXPECT_EQ(passed.usage.inputTokens, 12);
  // A server that tells it with the finish reason is not cut short.
  const std::string both = event(
      R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}})");
  EXPECT_EQ(pass(Endpoint::chat_completions, both, 5, UsageChunk::hidden).all, both);
}

TEST(Passthrough, WaitsForEveryChoiceThatSpoke) {
  const std::string first = event(
      R"({"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]})");
  const std::string ends = event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
  const std::string last = event(R"({"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]})");
  EXPECT_FALSE(pass(Endpoint::chat_completions, first + ends).whole);
  EXPECT_TRUE(pass(Endpoint::chat_completions, first + ends + last).whole);
  EXPECT_EQ(pass(Endpoint::chat_completions, first + ends + last).text, "a");
}

TEST(Passthrough, TellsAnErrorInsideAStream) {
  struct Case {
    Endpoint endpoint;
    std::string bytes, words;
  };
  const std::vector<Case> cases{
      {Endpoint::chat_completions, event(R"({"error":{"message":"no memory"}})"), "no memory"},
      {Endpoint::responses, event("error", R"({"type":"error","code":"c","message":"no memory"})"),
       "no memory"},
      {Endpoint::responses,
       event(
           "response.failed",
           R"({"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"no memory"}}})"),
       "server_error"},
      {Endpoint::messages,
       event("error",
             R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"),
       "overloaded_error"},
  };
  for (const auto& one : cases) {
    const Passed passed = pass(one.endpoint, one.bytes);
    EXPECT_FALSE(passed.whole);
    EXPECT_NE(passed.error.find(one.words), std::string::npos) << passed.error;
    EXPECT_EQ(passed.middle, "");
  }
}

TEST(Passthrough, ReadsWholeAnswers) {
  struct Case {
    Endpoint endpoint;
    std::string body;
  };
  const std::vector<Case> cases{
      {Endpoint::chat_completions,
       R"({"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}})"},
      {Endpoint::responses,
       R"({"status":"completed","error":null,"output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":3,"output_tokens":4}})"},
      {Endpoint::messages,
       R"({"content":[{"type":"thinking","thinking":"x"},{"type":"text","text":"hi"}],"usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":4}})"},
  };
  for (const auto& one : cases) {
    const Passed passed = pass_document(one.endpoint, one.body);
    EXPECT_TRUE(passed.whole);
    EXPECT_EQ(passed.text, "hi");
    EXPECT_EQ(passed.usage.inputTokens, 3);
    EXPECT_EQ(passed.usage.outputTokens, 4);
    ASSERT_EQ(passed.pieces.size(), 1U);
    EXPECT_EQ(passed.pieces[0], (Piece{one.body, Place::end}));
    EXPECT_FALSE(pass_document(one.endpoint, R"({"hello":1})").whole);
    EXPECT_FALSE(pass_document(one.endpoint, R"({"error":{"message":"no"}})").error.empty());
    EXPECT_THROW(pass_document(one.endpoint, "<html>"), base::Error);
    EXPECT_THROW(pass_document(one.endpoint, one.body.substr(0, 20)), base::Error);
  }
  const Passed vectors = pass_document(
      Endpoint::embeddings,
      R"({"data":[{"embedding":[1,2]}],"usage":{"prompt_tokens":5,"total_tokens":5}})");
  EXPECT_TRUE(vectors.whole);
  EXPECT_EQ(vectors.usage.inputTokens, 5);
  EXPECT_EQ(vectors.usage.outputTokens, 0);
}

TEST(Passthrough, SurvivesMutatedStreams) {
  test::SeededRandom random(11);
  for (int round = 0; round < 3000; ++round) {
    const auto& stream = streams[base::random_below(random, streams.size())];
    std::string bytes = stream.bytes();
    for (int edits = 0; edits < 4; ++edits)
      bytes[base::random_below(random, bytes.size())] =
          static_cast<char>(base::random_below(random, 256));
    try {
      EXPECT_EQ(pass(stream.endpoint, bytes, 1 + base::random_below(random, 300)).all, bytes);
    } catch (const base::Error&) {}
  }
}

std::string prepared(Endpoint endpoint, const std::string& body) {
  return base::to_text(prepare_request(endpoint, base::parse_json(body), "m").body);
}

TEST(PreparedRequest, IsTheClientsButForTheModelAndWhatWeNeed) {
  EXPECT_EQ(prepared(Endpoint::chat_completions, R"({"model":"x","messages":[],"n":2})"),
            R"({"model":"m","messages":[],"n":2})");
  EXPECT_EQ(
      prepared(Endpoint::chat_completions,
               R"({"stream":true,"model":"x","stream_options":{"include_obfuscation":false}})"),
      R"({"stream":true,"model":"m","stream_options":{"include_obfuscation":false,"include_usage":true}})");
  EXPECT_EQ(
      prepared(Endpoint::responses, R"({"model":"x","input":"hi","previous_response_id":null})"),
      R"({"model":"m","input":"hi","previous_response_id":null,"store":false})");
  EXPECT_EQ(prepared(Endpoint::responses, R"({"store":true,"background":false,"stream":true})"),
            R"({"store":false,"background":false,"stream":true,"model":"m"})");
  EXPECT_EQ(
      prepared(Endpoint::embeddings, R"({"model":"x","input":["a"],"encoding_format":"base64"})"),
      R"({"model":"m","input":["a"],"encoding_format":"base64"})");
  EXPECT_EQ(prepared(Endpoint::messages, R"({"model":"x","max_tokens":5,"stream":true})"),
            R"({"model":"m","max_tokens":5,"stream":true})");
}

TEST(PreparedRequest, RemembersWhetherTheClientAskedForTheUsage) {
  auto of = [](const std::string& body) {
    return prepare_request(Endpoint::chat_completions, base::parse_json(body), "m");
  };
  EXPECT_EQ(of(R"({"stream":true})").usage_chunk, UsageChunk::hidden);
  EXPECT_EQ(of(R"({"stream":true,"stream_options":{"include_usage":true}})").usage_chunk,
            UsageChunk::forwarded);
  EXPECT_EQ(of("{}").usage_chunk, UsageChunk::forwarded);
  EXPECT_EQ(of("{}").delivery, Delivery::whole);
  EXPECT_EQ(of(R"({"stream":true})").delivery, Delivery::streamed);
}

TEST(PreparedRequest, RefusesStateAtTheProviderAndNamesTheMember) {
  struct Case {
    Endpoint endpoint;
    std::string body, words;
  };
  const std::vector<Case> cases{
      {Endpoint::responses, R"({"previous_response_id":"resp_1"})", "previous_response_id: "},
      {Endpoint::responses, R"({"conversation":"conv_1"})", "conversation: "},
      {Endpoint::responses, R"({"conversation":{"id":"conv_1"}})", "conversation: "},
      {Endpoint::responses, R"({"background":true})", "background: "},
      {Endpoint::responses,
       R"({"input":[{"role":"user","content":"x"},{"type":"item_reference","id":"a"}]})",
       "input[1]: "},
      {Endpoint::messages, R"({"thread":{"type":"create"}})", "thread: "},
      {Endpoint::chat_completions, "[]", "JSON object"},
  };
  for (const auto& one : cases) try {
      prepared(one.endpoint, one.body);
      ADD_FAILURE() << one.body;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::Code::invalid);
      EXPECT_NE(std::string(error.what()).find(one.words), std::string::npos) << error.what();
    }
}

TEST(PassthroughError, IsInTheWordsOfTheApi) {
  const protocol::Failure failure{"rate_limited", "slow down"};
  EXPECT_EQ(make_error(Endpoint::messages, failure),
            R"({"type":"error","error":{"type":"rate_limit_error","message":"slow down"}})");
  EXPECT_EQ(base::parse_json(make_error(Endpoint::responses, failure)).at_pointer("/error/message"),
            "slow down");
  const std::string too_long = make_error(Endpoint::chat_completions, {"context_length", "x"});
  EXPECT_EQ(base::parse_json(too_long).at_pointer("/error/code"), "context_length_exceeded");
  AnswerParser parser("text/event-stream");
  EXPECT_THROW(parser.add(error_event(Endpoint::chat_completions, failure)), ProviderError);
  for (auto endpoint : {Endpoint::chat_completions, Endpoint::responses, Endpoint::messages}) {
    const Passed passed = pass(endpoint, error_event(endpoint, failure));
    EXPECT_NE(passed.error.find("slow down"), std::string::npos);
  }
}

}  // namespace
}  // namespace llm
