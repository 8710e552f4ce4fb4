// Anthropic messages (API reference, "Create a message", "Streaming messages").
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/answer.h"
#include "llm/events.h"
#include "llm/request.h"
#include "protocol/gateway.h"

namespace llm {

// Required there. What every model of the family takes, and more than one turn of an agent says.
inline constexpr std::int64_t messages_tokens_max = 8192;

// System prompts become the top-level `system`, joined by an empty line. Messages in a row of one
// side become one, tool results first in it. A tool call whose arguments are no JSON object is sent
// as {"arguments": "<as the model wrote them>"}.
std::string make_messages_request(const std::string& model,
                                  std::span<const protocol::Message> messages,
                                  std::span<const protocol::ToolDefinition> tools, Delivery);

// Input tokens include those written to and read from the provider's cache. `before` is what is
// known already: each event of a stream tells a part.
protocol::Usage read_messages_usage(const base::Json& usage, protocol::Usage before);

// Thinking is skipped: our turns do not ask for it.
class MessagesParser final : public AnswerReader {
 public:
  explicit MessagesParser(std::string_view content_type);

  std::string add(std::string_view piece) override;
  protocol::TurnResult finish() override;
  bool is_done() const override { return done_; }
  const protocol::Usage& usage() const override { return usage_; }

 private:
  std::string take_event(const base::Json&);
  std::string take_block(std::int64_t index, const base::JsonObject& block);
  std::string take_delta(std::int64_t index, const base::JsonObject& delta);
  void take_whole(const base::Json&);

  bool streamed_;
  EventSplitter events_;
  std::string whole_;
  protocol::Message message_;
  struct Call {
    protocol::RequestedCall call;
    std::string given;  // `input` as the block began with it; used when no delta comes
  };
  std::map<std::int64_t, Call> calls_;  // by index of the block
  std::optional<std::string> stop_reason_;
  protocol::Usage usage_;
  bool done_ = false;
};

}  // namespace llm
