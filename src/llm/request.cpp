#include "llm/request.h"

namespace llm {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::Role;

base::Json encode_messages(std::span<const protocol::Message> messages) {
  JsonArray out;
  out.reserve(messages.size());
  for (const auto& message : messages) {
    JsonObject one{{"role", schema::name(message.role)}};
    // The specification wants null, not "", beside tool calls; some servers refuse "".
    if (message.role == Role::assistant && message.content.empty() && !message.toolCalls.empty())
      one["content"] = nullptr;
    else
      one["content"] = message.content;
    if (message.role == Role::assistant && !message.toolCalls.empty()) {
      JsonArray calls;
      for (const auto& call : message.toolCalls)
        calls.push_back(JsonObject{
            {"id", call.id},
            {"type", "function"},
            {"function",
             JsonObject{{"name", call.name},
                        {"arguments", call.arguments.empty() ? "{}" : call.arguments}}}});
      one["tool_calls"] = std::move(calls);
    }
    if (message.role == Role::tool) one["tool_call_id"] = message.toolCallId;
    out.push_back(std::move(one));
  }
  return out;
}

base::Json encode_tools(std::span<const protocol::ToolDefinition> tools) {
  JsonArray out;
  for (const auto& tool : tools) {
    Json parameters = tool.parameters;
    if (!parameters.is_object())
      parameters = JsonObject{{"type", "object"}, {"properties", JsonObject{}}};
    out.push_back(JsonObject{{"type", "function"},
                             {"function", JsonObject{{"name", tool.name},
                                                     {"description", tool.description},
                                                     {"parameters", std::move(parameters)}}}});
  }
  return out;
}

std::string make_request(const std::string& model, std::span<const protocol::Message> messages,
                         std::span<const protocol::ToolDefinition> tools, Delivery delivery) {
  JsonObject body{{"model", model}, {"messages", encode_messages(messages)}};
  if (!tools.empty()) body["tools"] = encode_tools(tools);
  if (delivery == Delivery::streamed) {
    body["stream"] = true;
    body["stream_options"] = JsonObject{{"include_usage", true}};
  }
  return base::to_text(std::move(body));
}

}  // namespace llm
