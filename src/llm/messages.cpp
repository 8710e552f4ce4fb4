#include "llm/messages.h"

#include <algorithm>

#include "base/text.h"
#include "llm/members.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::Finish;
using protocol::Role;

namespace {

constexpr std::int64_t blocks_max = 1024;

// Ids are letters, digits, _ and -; a conversation that began elsewhere may have others.
std::string encode_id(std::string id) {
  for (char& c : id)
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-')
      c = '_';
  return id;
}

Json encode_input(const std::string& arguments) {
  if (base::trim(arguments).empty()) return JsonObject{};
  try {
    Json input = base::parse_json(arguments);
    if (input.is_object()) return input;
  } catch (const base::Error&) {
    // What is no JSON is told as it was written.
  }
  return JsonObject{{"arguments", arguments}};
}

// Text of nothing but white space is refused there.
void add_text(JsonArray& blocks, const std::string& text) {
  if (!base::trim(text).empty()) blocks.push_back(JsonObject{{"type", "text"}, {"text", text}});
}

JsonArray encode_blocks(const protocol::Message& message) {
  JsonArray blocks;
  if (message.role == Role::tool) {
    JsonObject result{{"type", "tool_result"}, {"tool_use_id", encode_id(message.toolCallId)}};
    if (!base::trim(message.content).empty()) result["content"] = message.content;
    blocks.push_back(std::move(result));
    return blocks;
  }
  add_text(blocks, message.content);
  if (message.role == Role::assistant)
    for (const auto& call : message.toolCalls)
      blocks.push_back(JsonObject{{"type", "tool_use"},
                                  {"id", encode_id(call.id)},
                                  {"name", call.name},
                                  {"input", encode_input(call.arguments)}});
  return blocks;
}

bool is_result(const Json& block) { return base::text_at(block, {"type"}) == "tool_result"; }

JsonArray encode_conversation(std::span<const protocol::Message> messages) {
  JsonArray out;
  for (const auto& message : messages) {
    if (message.role == Role::system) continue;
    const std::string_view role = message.role == Role::assistant ? "assistant" : "user";
    JsonArray blocks = encode_blocks(message);
    if (blocks.empty()) continue;
    if (out.empty() || base::text_at(out.back(), {"role"}) != role) {
      out.push_back(JsonObject{{"role", role}, {"content", std::move(blocks)}});
      continue;
    }
    JsonArray& known = out.back().at("content").as_array();
    auto at = message.role == Role::tool ? std::ranges::find_if_not(known, is_result) : known.end();
    known.insert(at, blocks.begin(), blocks.end());
  }
  return out;
}

std::string system_of(std::span<const protocol::Message> messages) {
  std::string out;
  for (const auto& message : messages) {
    if (message.role != Role::system || base::trim(message.content).empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += message.content;
  }
  return out;
}

JsonArray encode_tools_for_messages(std::span<const protocol::ToolDefinition> tools) {
  JsonArray out;
  for (const auto& tool : tools) {
    Json schema = tool.parameters;
    if (!schema.is_object()) schema = JsonObject{{"type", "object"}, {"properties", JsonObject{}}};
    out.push_back(JsonObject{{"name", tool.name},
                             {"description", tool.description},
                             {"input_schema", std::move(schema)}});
  }
  return out;
}

Finish finish_of(std::string_view reason, bool has_calls) {
  if (reason == "max_tokens" || reason == "model_context_window_exceeded") return Finish::length;
  if (reason == "refusal") return Finish::content_filter;
  return has_calls ? Finish::tool_calls : Finish::stop;
}

}  // namespace

std::string make_messages_request(const std::string& model,
                                  std::span<const protocol::Message> messages,
                                  std::span<const protocol::ToolDefinition> tools,
                                  Delivery delivery) {
  JsonObject body{{"model", model}, {"max_tokens", messages_tokens_max}};
  if (std::string system = system_of(messages); !system.empty()) body["system"] = system;
  body["messages"] = encode_conversation(messages);
  if (!tools.empty()) body["tools"] = encode_tools_for_messages(tools);
  if (delivery == Delivery::streamed) body["stream"] = true;
  return base::to_text(std::move(body));
}

protocol::Usage read_messages_usage(const Json& usage, protocol::Usage before) {
  const std::int64_t input = count_of(usage, "input_tokens") +
                             count_of(usage, "cache_creation_input_tokens") +
                             count_of(usage, "cache_read_input_tokens");
  // The counts only grow; an event that repeats a part of them takes nothing back.
  return {std::max(before.inputTokens, input),
          std::max(before.outputTokens, count_of(usage, "output_tokens"))};
}

MessagesParser::MessagesParser(std::string_view content_type)
    : streamed_(is_event_stream(content_type)) {
  message_.role = Role::assistant;
}

std::string MessagesParser::add(std::string_view piece) {
  std::string text;
  if (!streamed_) {
    append_whole(whole_, piece);
    return text;
  }
  events_.add(piece);
  while (auto event = events_.next())
    if (!done_ && !base::trim(*event).empty()) text += take_event(base::parse_json(*event));
  return text;
}

protocol::TurnResult MessagesParser::finish() {
  if (streamed_) {
    events_.finish();
    while (auto event = events_.next()) {
      if (done_) break;
      try {
        take_event(base::parse_json(*event));
      } catch (const base::Error& error) {
        // An event that was cut in two is the end of half an answer, not a mistake in the format.
        if (error.code() != base::Code::invalid) throw;
      }
    }
  } else {
    take_whole(parse_whole(whole_));
  }
  if (!stop_reason_ && !done_)
    throw base::Error(base::Code::unavailable, "the answer ended in the middle");
  for (auto& [index, one] : calls_) {
    auto& [call, given] = one;
    if (call.name.empty()) continue;
    if (call.arguments.empty()) call.arguments = given;
    if (call.id.empty()) call.id = cat("call_", index);
    message_.toolCalls.push_back(std::move(call));
  }
  calls_.clear();
  const Finish how = finish_of(stop_reason_.value_or(""), !message_.toolCalls.empty());
  return {std::move(message_), usage_, how};
}

std::string MessagesParser::take_event(const Json& event) {
  throw_reported_error(event);
  const JsonObject& object = event.get_object();
  const std::string type = text_of(object, "type");
  const std::int64_t index = base::find_int(event, {"index"}).value_or(0);
  if (index < 0 || index >= blocks_max)
    throw base::Error(base::Code::invalid, cat("the answer has a block of index ", index));
  if (type == "message_start") {
    if (const Json* usage = base::find(event, {"message", "usage"}))
      usage_ = read_messages_usage(*usage, usage_);
  } else if (type == "content_block_start") {
    if (const Json* block = member(object, "content_block"); block && block->is_object())
      return take_block(index, block->get_object());
  } else if (type == "content_block_delta") {
    if (const Json* delta = member(object, "delta"); delta && delta->is_object())
      return take_delta(index, delta->get_object());
  } else if (type == "message_delta") {
    if (auto reason = base::find_string(event, {"delta", "stop_reason"})) stop_reason_ = reason;
    if (const Json* usage = member(object, "usage")) usage_ = read_messages_usage(*usage, usage_);
  } else if (type == "message_stop") {
    done_ = true;
  }
  return {};  // ping, content_block_stop, and what we do not know
}

std::string MessagesParser::take_block(std::int64_t index, const JsonObject& block) {
  const std::string type = text_of(block, "type");
  if (type == "text") {
    std::string text = text_of(block, "text");
    message_.content += text;
    return text;
  }
  if (type != "tool_use") return {};
  const Json* input = member(block, "input");
  calls_[index] = {{text_of(block, "id"), text_of(block, "name"), {}},
                   input ? base::to_text(*input) : "{}"};
  return {};
}

std::string MessagesParser::take_delta(std::int64_t index, const JsonObject& delta) {
  const std::string type = text_of(delta, "type");
  if (type == "text_delta") {
    std::string text = text_of(delta, "text");
    message_.content += text;
    return text;
  }
  if (type == "input_json_delta" && calls_.contains(index))
    calls_[index].call.arguments += text_of(delta, "partial_json");
  return {};
}

void MessagesParser::take_whole(const Json& body) {
  throw_reported_error(body);
  const Json* content = base::find(body, {"content"});
  if (!content || !content->is_array())
    throw base::Error(base::Code::invalid,
                      cat("the answer is no message: ", base::clip(base::to_text(body), 200)));
  if (const Json* usage = base::find(body, {"usage"})) usage_ = read_messages_usage(*usage, usage_);
  stop_reason_ = base::find_string(body, {"stop_reason"}).value_or("end_turn");
  std::int64_t index = 0;
  for (const Json& block : content->get_array())
    if (block.is_object()) take_block(index++, block.get_object());
}

}  // namespace llm
