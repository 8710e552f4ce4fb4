// OpenAI responses (API reference, "Create a model response", "Streaming events").
#include "base/text.h"
#include "modelsim/format_impl.h"

namespace modelsim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

JsonObject encode_text(std::string_view text) {
  return {{"type", "output_text"}, {"text", text}, {"annotations", JsonArray{}}};
}

JsonObject encode_message_item(const Head& head, std::string_view status, JsonArray content) {
  return {{"type", "message"},
          {"id", cat("msg_sim_", head.turn)},
          {"status", status},
          {"role", "assistant"},
          {"content", std::move(content)}};
}

JsonObject encode_call_item(const Head& head, const Reply& reply, std::size_t index,
                            std::string_view status, std::string_view arguments) {
  return {{"type", "function_call"},
          {"id", call_id("fc", head, index)},
          {"call_id", call_id("call", head, index)},
          {"name", reply.calls[index].first},
          {"arguments", arguments},
          {"status", status}};
}

JsonArray encode_output(const Head& head, const Reply& reply) {
  JsonArray out;
  if (!reply.text.empty())
    out.push_back(encode_message_item(head, "completed", {encode_text(reply.text)}));
  for (std::size_t i = 0; i < reply.calls.size(); ++i)
    out.push_back(encode_call_item(head, reply, i, "completed", reply.calls[i].second));
  return out;
}

JsonObject encode(const Head& head, std::string_view status, JsonArray output, Json usage) {
  return {{"id", cat("resp_sim_", head.turn)},
          {"object", "response"},
          {"created_at", head.created},
          {"status", status},
          {"error", nullptr},
          {"incomplete_details", nullptr},
          {"instructions", nullptr},
          {"metadata", JsonObject{{"server", label}}},
          {"model", head.model},
          {"output", std::move(output)},
          {"parallel_tool_calls", true},
          {"previous_response_id", nullptr},
          {"store", false},
          {"tool_choice", "auto"},
          {"tools", JsonArray{}},
          {"usage", std::move(usage)}};
}

JsonObject encode_usage(const SimUsage& usage) {
  return {{"input_tokens", usage.prompt_tokens},
          {"input_tokens_details", JsonObject{{"cached_tokens", 0}}},
          {"output_tokens", usage.completion_tokens},
          {"output_tokens_details", JsonObject{{"reasoning_tokens", 0}}},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

}  // namespace

Json encode_response(const Head& head, const Reply& reply) {
  return encode(head, "completed", encode_output(head, reply), encode_usage(reply.usage));
}

std::vector<std::string> stream_response(const Head& head, const Reply& reply) {
  std::vector<std::string> out;
  auto say = [&](std::string_view type, JsonObject data) {
    data["type"] = type;
    data["sequence_number"] = out.size();
    out.push_back(named_event(type, std::move(data)));
  };
  std::int64_t place = 0;  // in the output
  auto begin_item = [&](JsonObject item) {
    say("response.output_item.added", {{"output_index", place}, {"item", std::move(item)}});
  };
  auto end_item = [&](JsonObject item) {
    say("response.output_item.done", {{"output_index", place++}, {"item", std::move(item)}});
  };

  say("response.created", {{"response", encode(head, "in_progress", {}, nullptr)}});
  say("response.in_progress", {{"response", encode(head, "in_progress", {}, nullptr)}});
  if (!reply.text.empty()) {
    auto part = [&](std::string_view what, std::string_view member, Json value, JsonObject more) {
      more["item_id"] = cat("msg_sim_", head.turn);
      more["output_index"] = place;
      more["content_index"] = 0;
      more[member] = std::move(value);
      say(what, std::move(more));
    };
    begin_item(encode_message_item(head, "in_progress", {}));
    part("response.content_part.added", "part", encode_text(""), {});
    for (const auto& word : words_of(reply.text))
      part("response.output_text.delta", "delta", Json(word), {{"logprobs", JsonArray{}}});
    part("response.output_text.done", "text", Json(reply.text), {{"logprobs", JsonArray{}}});
    part("response.content_part.done", "part", encode_text(reply.text), {});
    end_item(encode_message_item(head, "completed", {encode_text(reply.text)}));
  }
  for (std::size_t i = 0; i < reply.calls.size(); ++i) {
    const auto& [name, arguments] = reply.calls[i];
    const std::string id = call_id("fc", head, i);
    begin_item(encode_call_item(head, reply, i, "in_progress", ""));
    for (const auto& word : words_of(arguments))
      say("response.function_call_arguments.delta",
          {{"item_id", id}, {"output_index", place}, {"delta", word}});
    say("response.function_call_arguments.done",
        {{"item_id", id}, {"output_index", place}, {"name", name}, {"arguments", arguments}});
    end_item(encode_call_item(head, reply, i, "completed", arguments));
  }
  say("response.completed", {{"response", encode_response(head, reply)}});
  return out;
}

}  // namespace modelsim
