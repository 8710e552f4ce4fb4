#include "llm/passthrough.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "llm/events.h"
#include "llm/members.h"
#include "llm/messages.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::Usage;
using Place = Piece::Place;

namespace {

// An event may hold a whole answer (response.completed).
constexpr std::size_t event_bytes_max = 32 * 1024 * 1024;
constexpr std::size_t text_bytes_max = 1024 * 1024;

std::string data_of(const std::string& event) {
  EventSplitter splitter(event_bytes_max + 1);
  splitter.add(event);
  splitter.finish();
  return std::string(base::trim(splitter.next().value_or("")));
}

Usage read_usage(const Json& usage, std::string_view input, std::string_view output) {
  return {count_of(usage, input), count_of(usage, output)};
}

// Tools that the client runs; the provider's own ones (web_search_call, …) run there.
bool is_call_for_the_client(std::string_view type) {
  constexpr std::array<std::string_view, 7> types{
      "function_call", "custom_tool_call", "computer_call",        "local_shell_call",
      "shell_call",    "apply_patch_call", "mcp_approval_request",
  };
  return std::ranges::find(types, type) != types.end();
}

}  // namespace

struct Passthrough::Impl {
  Endpoint endpoint;
  bool streamed;
  UsageChunk usage_chunk;
  EventCutter events{event_bytes_max};
  std::string document;  // not streamed
  Place place = Place::middle;
  bool done = false, complete = false;
  std::set<std::int64_t> open_choices, ended_choices;  // chat completions
  std::set<std::int64_t> tool_blocks;                  // messages
  std::optional<ProviderError> error;
  Usage usage;
  std::string text;

  void say(std::string_view more) {
    text += base::clip(more, text_bytes_max - std::min(text_bytes_max, text.size()));
  }
  void end() { place = Place::end; }
  void report(const Json& answer) {
    end();
    error = find_reported_error(answer);
  }
  // {"error": {…}} of what tells its error beside its type.
  void report(const std::string& code, const std::string& message) {
    report(JsonObject{{"error", JsonObject{{"code", code}, {"message", message}}}});
  }

  // Takes one event's data; whether the client is to see it.
  bool take(const std::string& data) {
    if (data.empty()) return true;
    if (data == "[DONE]") {
      done = true;
      end();
      return true;
    }
    const Json json = base::parse_json(data);
    if (!json.is_object())
      throw base::Error(base::Code::invalid, "an event of the stream is no JSON object");
    if (member(json.get_object(), "error")) {
      report(json);
      return true;
    }
    switch (endpoint) {
      case Endpoint::responses: take_response_event(json); return true;
      case Endpoint::messages: take_message_event(json); return true;
      default: return take_chunk(json);
    }
  }

  bool take_chunk(const Json& chunk) {
    const Json* told = member(chunk.get_object(), "usage");
    if (told && told->is_object()) usage = read_usage(*told, "prompt_tokens", "completion_tokens");
    const Json* choices = member(chunk.get_object(), "choices");
    if (!choices || !choices->is_array() || choices->get_array().empty()) {
      if (!told || !told->is_object()) return true;
      end();
      return usage_chunk == UsageChunk::forwarded;
    }
    for (const Json& choice : choices->get_array()) {
      const auto index = base::find_int(choice, {"index"}).value_or(0);
      open_choices.insert(index);
      if (index == 0) say(base::text_at(choice, {"delta", "content"}));
      if (base::text_at(choice, {"finish_reason"}).empty()) continue;
      ended_choices.insert(index);
      end();
    }
    return true;
  }

  void take_response_event(const Json& event) {
    const std::string type = base::text_at(event, {"type"});
    if (type == "response.output_text.delta") {
      say(base::text_at(event, {"delta"}));
    } else if (type == "response.function_call_arguments.done" ||
               type == "response.custom_tool_call_input.done" ||
               type == "response.shell_call_command.done") {
      end();
    } else if (type == "response.output_item.done") {
      if (is_call_for_the_client(base::text_at(event, {"item", "type"}))) end();
    } else if (type == "response.completed" || type == "response.incomplete" ||
               type == "response.failed") {
      done = true;
      end();
      if (const Json* response = base::find(event, {"response"})) take_response(*response);
    } else if (type == "error") {
      report(base::text_at(event, {"code"}), base::text_at(event, {"message"}));
    }
  }

  void take_response(const Json& response) {
    if (!response.is_object()) return;
    if (const Json* told = member(response.get_object(), "usage"))
      usage = read_usage(*told, "input_tokens", "output_tokens");
    if (base::text_at(response, {"status"}) == "failed") {
      report(base::text_at(response, {"error", "code"}),
             base::text_at(response, {"error", "message"}));
      return;
    }
    const Json* output = member(response.get_object(), "output");
    complete = output && output->is_array();
    if (!complete || !text.empty()) return;
    for (const Json& item : output->get_array()) say_parts(item);
  }

  // The texts of an item's or a message's content.
  void say_parts(const Json& item) {
    const Json* content = base::find(item, {"content"});
    if (!content) return;
    if (content->is_string()) say(content->get_string());
    if (content->is_array())
      for (const Json& part : content->get_array())
        if (base::text_at(part, {"type"}).ends_with("text")) say(base::text_at(part, {"text"}));
  }

  void take_message_event(const Json& event) {
    const std::string type = base::text_at(event, {"type"});
    const auto index = base::find_int(event, {"index"}).value_or(0);
    if (type == "message_start") {
      if (const Json* told = base::find(event, {"message", "usage"}))
        usage = read_messages_usage(*told, usage);
    } else if (type == "content_block_start") {
      if (base::text_at(event, {"content_block", "type"}) == "tool_use") tool_blocks.insert(index);
      say(base::text_at(event, {"content_block", "text"}));
    } else if (type == "content_block_delta") {
      say(base::text_at(event, {"delta", "text"}));
    } else if (type == "content_block_stop") {
      if (tool_blocks.contains(index)) end();
    } else if (type == "message_delta") {
      if (const Json* told = base::find(event, {"usage"}))
        usage = read_messages_usage(*told, usage);
      if (!base::text_at(event, {"delta", "stop_reason"}).empty()) end();
    } else if (type == "message_stop") {
      done = complete = true;
      end();
    }
  }

  void take_document() {
    const Json json = parse_whole(document);
    if (!json.is_object()) throw base::Error(base::Code::invalid, "the answer is no JSON object");
    // A response that failed tells its error and its usage.
    const bool is_response =
        endpoint == Endpoint::responses && !base::text_at(json, {"status"}).empty();
    if (member(json.get_object(), "error") && !is_response) return report(json);
    const Json* told = base::find(json, {"usage"});
    switch (endpoint) {
      case Endpoint::chat_completions:
        if (told) usage = read_usage(*told, "prompt_tokens", "completion_tokens");
        if (const Json* choices = base::find(json, {"choices"});
            choices && choices->is_array() && !choices->get_array().empty()) {
          complete = true;
          if (const Json* said = base::find(choices->get_array()[0], {"message"})) say_parts(*said);
        }
        break;
      case Endpoint::responses: take_response(json); break;
      case Endpoint::embeddings: {
        if (told) usage = read_usage(*told, "prompt_tokens", "");
        const Json* data = base::find(json, {"data"});
        complete = data && data->is_array();
        break;
      }
      case Endpoint::messages: {
        if (told) usage = read_messages_usage(*told, usage);
        const Json* content = base::find(json, {"content"});
        complete = content && content->is_array();
        say_parts(json);
        break;
      }
    }
  }

  bool whole() const {
    if (error) return false;
    if (!streamed || endpoint != Endpoint::chat_completions) return complete;
    return done || (!open_choices.empty() && open_choices == ended_choices);
  }
};

Passthrough::Passthrough(Endpoint endpoint, std::string_view content_type, UsageChunk usage_chunk)
    : impl_(std::make_unique<Impl>(endpoint, is_event_stream(content_type), usage_chunk)) {}
Passthrough::~Passthrough() = default;
Passthrough::Passthrough(Passthrough&&) noexcept = default;

std::vector<Piece> Passthrough::add(std::string_view bytes) {
  std::vector<Piece> out;
  if (!impl_->streamed) {
    append_whole(impl_->document, bytes);
    return out;
  }
  impl_->events.add(bytes);
  while (auto event = impl_->events.next())
    if (impl_->take(data_of(*event))) out.push_back({std::move(*event), impl_->place});
  return out;
}

std::vector<Piece> Passthrough::finish() {
  std::string rest = impl_->streamed ? impl_->events.rest() : impl_->document;
  bool shown = true;
  if (!impl_->streamed) {
    impl_->take_document();
  } else {
    try {
      shown = impl_->take(data_of(rest));
    } catch (const base::Error& error) {
      // An event that was cut in two is the end of half an answer, not a mistake in the format.
      if (error.code() != base::Code::invalid) throw;
    }
  }
  impl_->end();
  if (rest.empty() || !shown) return {};
  return {{std::move(rest), Place::end}};
}

bool Passthrough::is_done() const { return impl_->done; }
bool Passthrough::whole() const { return impl_->whole(); }
const std::optional<ProviderError>& Passthrough::error() const { return impl_->error; }
const Usage& Passthrough::usage() const { return impl_->usage; }
const std::string& Passthrough::text() const { return impl_->text; }

}  // namespace llm
