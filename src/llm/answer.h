// What a provider answers, streamed or whole → a TurnResult.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/events.h"
#include "protocol/gateway.h"

namespace llm {

// One answer, piece by piece. Pure and incremental: pieces may be cut anywhere.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // Returns the text that this piece brought. Error(invalid) when it makes no sense,
  // ProviderError when the provider reports an error inside the stream.
  virtual std::string add(std::string_view piece) = 0;
  // The answer is over. Error(unavailable) when it is not whole: neither a reason why the model
  // stopped nor the stream's own end came.
  virtual protocol::TurnResult finish() = 0;

  // The stream said that nothing follows.
  virtual bool is_done() const = 0;
  // As far as it is known, also of an answer that is not whole.
  virtual const protocol::Usage& usage() const = 0;
};

// OpenAI chat completions; quirks of vLLM, Ollama, llama-server and LM Studio are taken as they
// come.
class AnswerParser final : public AnswerReader {
 public:
  // `content_type` of the answer: text/event-stream is read as a stream, anything else as one JSON
  // document (servers that ignore `stream` answer so).
  explicit AnswerParser(std::string_view content_type);

  std::string add(std::string_view piece) override;
  protocol::TurnResult finish() override;
  bool is_done() const override { return done_; }
  const protocol::Usage& usage() const override { return usage_; }

 private:
  std::string take_chunk(const base::Json&);
  std::string take_choice(const base::JsonObject& choice);
  void take_tool_calls(const base::Json& calls);
  void take_usage(const base::Json&);

  bool streamed_;
  EventSplitter events_;
  std::string whole_;
  protocol::Message message_;
  std::map<std::int64_t, protocol::RequestedCall> calls_;  // by index
  std::optional<std::string> finish_reason_;
  protocol::Usage usage_;
  bool done_ = false;
};

// An error that stands inside a stream that began with 200.
class ProviderError : public base::Error {
 public:
  ProviderError(const std::string& what, base::Json body)
      : base::Error(base::Code::unavailable, what), body_(std::move(body)) {}
  const base::Json& body() const { return body_; }

 private:
  base::Json body_;
};

}  // namespace llm
