// The body of a chat completions request (OpenAI API reference, "Create chat completion").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/gateway.h"

namespace llm {

enum class Delivery : bool { whole, streamed };

// Messages in order; a tool call whose arguments are no JSON object is sent as the model wrote it.
base::Json encode_messages(std::span<const protocol::Message> messages);
base::Json encode_tools(std::span<const protocol::ToolDefinition> tools);

// Streamed requests ask for the usage (stream_options.include_usage).
std::string make_request(const std::string& model, std::span<const protocol::Message> messages,
                         std::span<const protocol::ToolDefinition> tools, Delivery);

}  // namespace llm
