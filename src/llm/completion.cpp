#include "llm/completion.h"

#include "base/text.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::TurnResult;

namespace {

[[noreturn]] void refuse(std::string_view member, std::string_view why) {
  throw base::Error(base::Code::invalid, cat(member, ": ", why));
}

JsonArray take_list(JsonObject& request, std::string_view name) {
  JsonArray out;
  Json* list = request.if_contains(name);
  if (!list || list->is_null()) return out;
  if (!list->is_array()) refuse(name, "must be a list");
  out = std::move(list->get_array());
  request.erase(name);
  return out;
}

bool is_set(const Json* value) {
  return value && !value->is_null() && *value != Json(false) && *value != Json(JsonArray{});
}

void refuse_what_we_cannot_carry(const JsonObject& request) {
  if (const Json* n = request.if_contains("n"); n && !n->is_null() && *n != Json(1))
    refuse("n", "only one answer at a time is given");
  for (auto name : {"logprobs", "top_logprobs", "functions", "function_call", "audio"})
    if (is_set(request.if_contains(name))) refuse(name, "is not supported by this gateway");
  if (const Json* kinds = request.if_contains("modalities");
      is_set(kinds) && *kinds != Json(JsonArray{"text"}))
    refuse("modalities", "only text is supported by this gateway");
}

JsonArray encode_calls(const protocol::Message& message, bool with_index) {
  JsonArray out;
  for (const auto& call : message.toolCalls) {
    JsonObject one{{"id", call.id},
                   {"type", "function"},
                   {"function", JsonObject{{"name", call.name}, {"arguments", call.arguments}}}};
    if (with_index) one["index"] = out.size();
    out.push_back(std::move(one));
  }
  return out;
}

Json encode_usage(const protocol::Usage& usage) {
  return JsonObject{{"prompt_tokens", usage.inputTokens},
                    {"completion_tokens", usage.outputTokens},
                    {"total_tokens", usage.inputTokens + usage.outputTokens}};
}

JsonObject encode_head(const CompletionHead& head, std::string_view object) {
  return {{"id", head.id}, {"object", object}, {"created", head.created}, {"model", head.model}};
}

std::string event(const Json& data) { return cat("data: ", base::to_text(data), "\n\n"); }

std::string chunk(const CompletionHead& head, JsonArray choices, Json usage) {
  JsonObject out = encode_head(head, "chat.completion.chunk");
  out["choices"] = std::move(choices);
  if (!usage.is_null()) out["usage"] = std::move(usage);
  return event(out);
}

std::string delta(const CompletionHead& head, JsonObject said, Json finish_reason) {
  return chunk(
      head,
      JsonArray{JsonObject{
          {"index", 0}, {"delta", std::move(said)}, {"finish_reason", std::move(finish_reason)}}},
      nullptr);
}

}  // namespace

CompletionRequest read_completion_request(const Json& json) {
  if (!json.is_object()) throw base::Error(base::Code::invalid, "the body must be a JSON object");
  JsonObject request = json.get_object();
  refuse_what_we_cannot_carry(request);
  CompletionRequest out;
  out.messages = take_list(request, "messages");
  if (out.messages.empty()) refuse("messages", "must be a list with at least one message");
  out.tools = take_list(request, "tools");
  const Json options(request);
  if (base::find_bool(options, {"stream"}).value_or(false)) out.delivery = Delivery::streamed;
  out.with_usage = base::find_bool(options, {"stream_options", "include_usage"}).value_or(false);
  for (auto ours : {"model", "stream", "stream_options"}) request.erase(ours);
  out.parameters = std::move(request);
  return out;
}

std::string make_request(const std::string& model, const CompletionRequest& request) {
  JsonObject body = request.parameters;
  body["model"] = model;
  body["messages"] = request.messages;
  if (!request.tools.empty()) body["tools"] = request.tools;
  body["stream"] = true;
  body["stream_options"] = JsonObject{{"include_usage", true}};
  return base::to_text(body);
}

std::string make_completion(const CompletionHead& head, const TurnResult& result) {
  const auto& said = result.message;
  JsonObject message{{"role", "assistant"}, {"content", said.content}};
  if (!said.toolCalls.empty()) {
    if (said.content.empty()) message["content"] = nullptr;
    message["tool_calls"] = encode_calls(said, false);
  }
  JsonObject out = encode_head(head, "chat.completion");
  out["choices"] = JsonArray{JsonObject{{"index", 0},
                                        {"message", std::move(message)},
                                        {"finish_reason", schema::name(result.finish)}}};
  out["usage"] = encode_usage(result.usage);
  return base::to_text(out);
}

std::string first_event(const CompletionHead& head) {
  return delta(head, {{"role", "assistant"}, {"content", ""}}, nullptr);
}

std::string text_event(const CompletionHead& head, std::string_view text) {
  return delta(head, {{"content", text}}, nullptr);
}

std::string last_events(const CompletionHead& head, const TurnResult& result, std::string_view rest,
                        const CompletionRequest& request) {
  std::string out;
  if (!rest.empty()) out += text_event(head, rest);
  if (!result.message.toolCalls.empty())
    out += delta(head, {{"tool_calls", encode_calls(result.message, true)}}, nullptr);
  out += delta(head, {}, Json(schema::name(result.finish)));
  if (request.with_usage) out += chunk(head, {}, encode_usage(result.usage));
  return out + "data: [DONE]\n\n";
}

std::string make_error(const protocol::Failure& failure) {
  // The specification's own word, which clients look for.
  const std::string code =
      failure.code == "context_length" ? "context_length_exceeded" : failure.code;
  return base::to_text(JsonObject{{"error", JsonObject{{"message", failure.message},
                                                       {"type", "gateway"},
                                                       {"param", nullptr},
                                                       {"code", code}}}});
}

std::string error_event(const protocol::Failure& failure) {
  return cat("data: ", make_error(failure), "\n\n");
}

}  // namespace llm
