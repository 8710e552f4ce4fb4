#include "llm/answer.h"

#include "base/text.h"
#include "llm/members.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonObject;
using protocol::Finish;

namespace {

constexpr std::int64_t calls_max = 128;

// Text, or a list of parts with text (as some servers send it).
std::string content_of(const JsonObject& object) {
  const Json* found = member(object, "content");
  if (!found) return {};
  if (found->is_string()) return std::string(found->get_string());
  std::string out;
  if (found->is_array())
    for (const Json& part : found->get_array())
      if (part.is_object()) out += text_of(part.get_object(), "text");
  return out;
}

Finish finish_of(const std::string& reason, bool has_calls) {
  if (reason == "length" || reason == "max_tokens") return Finish::length;
  if (reason == "content_filter") return Finish::content_filter;
  // Ollama and others say "stop" beside tool calls.
  return has_calls ? Finish::tool_calls : Finish::stop;
}

}  // namespace

AnswerParser::AnswerParser(std::string_view content_type)
    : streamed_(is_event_stream(content_type)) {
  message_.role = protocol::Role::assistant;
}

std::string AnswerParser::add(std::string_view piece) {
  std::string text;
  if (!streamed_) {
    append_whole(whole_, piece);
    return text;
  }
  events_.add(piece);
  while (auto event = events_.next()) {
    const std::string_view data = base::trim(*event);
    if (data == "[DONE]") done_ = true;
    if (done_ || data.empty()) continue;
    text += take_chunk(base::parse_json(data));
  }
  return text;
}

protocol::TurnResult AnswerParser::finish() {
  if (streamed_) {
    events_.finish();
    while (auto event = events_.next()) {
      const std::string_view data = base::trim(*event);
      if (data == "[DONE]") done_ = true;
      if (done_ || data.empty()) continue;
      try {
        take_chunk(base::parse_json(data));
      } catch (const base::Error& error) {
        // A chunk that was cut in two is the end of half an answer, not a mistake in the format.
        if (error.code() != base::Code::invalid) throw;
      }
    }
  } else {
    take_chunk(parse_whole(whole_));
    if (!finish_reason_) finish_reason_ = "stop";
  }
  if (!finish_reason_ && !done_)
    throw base::Error(base::Code::unavailable, "the answer ended in the middle");

  for (auto& [index, call] : calls_) {
    if (call.name.empty()) continue;
    if (call.id.empty()) call.id = cat("call_", index);  // Ollama leaves it out
    message_.toolCalls.push_back(std::move(call));
  }
  calls_.clear();
  const Finish how = finish_of(finish_reason_.value_or("stop"), !message_.toolCalls.empty());
  return {std::move(message_), usage_, how};
}

std::string AnswerParser::take_chunk(const Json& chunk) {
  throw_reported_error(chunk);
  const JsonObject& object = chunk.get_object();
  if (const Json* usage = member(object, "usage")) take_usage(*usage);
  const Json* choices = member(object, "choices");
  if (!choices || !choices->is_array()) {
    if (streamed_) return {};  // a chunk of a kind that we do not know
    throw base::Error(base::Code::invalid, cat("the answer is no chat completion: ",
                                               base::clip(base::to_text(chunk), 200)));
  }
  // One choice was asked for; the last chunk has none.
  if (choices->get_array().empty() || !choices->get_array()[0].is_object()) return {};
  return take_choice(choices->get_array()[0].get_object());
}

std::string AnswerParser::take_choice(const JsonObject& choice) {
  if (std::string reason = text_of(choice, "finish_reason"); !reason.empty())
    finish_reason_ = std::move(reason);
  const Json* part = member(choice, streamed_ ? "delta" : "message");
  if (!part) part = member(choice, streamed_ ? "message" : "delta");
  if (!part || !part->is_object()) return {};
  const JsonObject& said = part->get_object();
  std::string text = content_of(said);
  if (text.empty()) text = text_of(said, "refusal");
  message_.content += text;
  if (const Json* calls = member(said, "tool_calls")) take_tool_calls(*calls);
  return text;
}

void AnswerParser::take_tool_calls(const Json& calls) {
  if (!calls.is_array()) return;
  std::int64_t position = 0;
  for (const Json& one : calls.get_array()) {
    if (!one.is_object()) continue;
    const JsonObject& delta = one.get_object();
    const std::string id = text_of(delta, "id");
    std::int64_t index = position++;
    if (auto given = base::find_int(one, {"index"})) {
      index = *given;
    } else if (streamed_ && !id.empty()) {
      // No index: a new id begins a new call.
      index = static_cast<std::int64_t>(calls_.size());
      for (const auto& [at, known] : calls_)
        if (known.id == id) index = at;
    } else if (streamed_ && !calls_.empty()) {
      index = calls_.rbegin()->first;
    }
    if (index < 0 || index >= calls_max)
      throw base::Error(base::Code::invalid, cat("the answer has a tool call of index ", index));
    // Some servers give every call of an answer the index 0 but each an id of its own.
    if (streamed_ && !id.empty() && calls_.contains(index) && !calls_[index].id.empty() &&
        calls_[index].id != id)
      index = calls_.rbegin()->first + 1;
    auto& call = calls_[index];
    if (!id.empty()) call.id = id;
    const Json* function = member(delta, "function");
    if (!function || !function->is_object()) continue;
    if (std::string name = text_of(function->get_object(), "name"); !name.empty())
      call.name = std::move(name);
    if (const Json* arguments = member(function->get_object(), "arguments")) {
      // Text by the specification; an object from some servers.
      if (arguments->is_string())
        call.arguments += std::string_view(arguments->get_string());
      else
        call.arguments = base::to_text(*arguments);
    }
  }
}

void AnswerParser::take_usage(const Json& usage) {
  if (!usage.is_object()) return;
  usage_.inputTokens = count_of(usage, "prompt_tokens");
  usage_.outputTokens = count_of(usage, "completion_tokens");
}

}  // namespace llm
