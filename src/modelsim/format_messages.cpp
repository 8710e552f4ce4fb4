// Anthropic messages (API reference, "Create a message", "Streaming messages").
#include "base/text.h"
#include "modelsim/format_impl.h"

namespace modelsim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

// A script's arguments may be no JSON on purpose: then they are sent as a text.
Json encode_input(const std::string& arguments) {
  try {
    return base::parse_json(arguments);
  } catch (const base::Error&) {
    return Json(arguments);
  }
}

JsonObject encode_call(const Head& head, const Reply& reply, std::size_t index, Json input) {
  return {{"type", "tool_use"},
          {"id", call_id("toolu", head, index)},
          {"name", reply.calls[index].first},
          {"input", std::move(input)}};
}

std::string_view stop_reason(const Reply& reply) {
  return reply.calls.empty() ? "end_turn" : "tool_use";
}

JsonObject encode_head(const Head& head, JsonArray content, Json reason, JsonObject usage) {
  return {{"id", cat("msg_sim_", head.turn)},
          {"type", "message"},
          {"role", "assistant"},
          {"model", head.model},
          {"content", std::move(content)},
          {"stop_reason", std::move(reason)},
          {"stop_sequence", nullptr},
          {"usage", std::move(usage)}};
}

JsonObject encode_usage(std::int64_t input, std::int64_t output) {
  return {{"input_tokens", input},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", 0},
          {"output_tokens", output}};
}

}  // namespace

Json encode_message(const Head& head, const Reply& reply) {
  JsonArray content;
  if (!reply.text.empty()) content.push_back(JsonObject{{"type", "text"}, {"text", reply.text}});
  for (std::size_t i = 0; i < reply.calls.size(); ++i)
    content.push_back(encode_call(head, reply, i, encode_input(reply.calls[i].second)));
  return encode_head(head, std::move(content), Json(stop_reason(reply)),
                     encode_usage(reply.usage.prompt_tokens, reply.usage.completion_tokens));
}

std::vector<std::string> stream_message(const Head& head, const Reply& reply) {
  std::vector<std::string> out;
  auto say = [&](std::string_view type, JsonObject data) {
    data["type"] = type;
    out.push_back(named_event(type, std::move(data)));
  };
  std::int64_t index = 0;
  auto block = [&](JsonObject begin, std::string_view delta_type, std::string_view delta_member,
                   const std::vector<std::string>& deltas) {
    say("content_block_start", {{"index", index}, {"content_block", std::move(begin)}});
    for (const auto& delta : deltas)
      say("content_block_delta",
          {{"index", index}, {"delta", JsonObject{{"type", delta_type}, {delta_member, delta}}}});
    say("content_block_stop", {{"index", index++}});
  };
  say("message_start",
      {{"message", encode_head(head, {}, nullptr, encode_usage(reply.usage.prompt_tokens, 1))}});
  say("ping", {});
  if (!reply.text.empty())
    block({{"type", "text"}, {"text", ""}}, "text_delta", "text", words_of(reply.text));
  for (std::size_t i = 0; i < reply.calls.size(); ++i)
    block(encode_call(head, reply, i, JsonObject{}), "input_json_delta", "partial_json",
          words_of(reply.calls[i].second));
  say("message_delta",
      {{"delta", JsonObject{{"stop_reason", stop_reason(reply)}, {"stop_sequence", nullptr}}},
       {"usage", JsonObject{{"output_tokens", reply.usage.completion_tokens}}}});
  say("message_stop", {});
  return out;
}

}  // namespace modelsim
