// What is changed in a request that passes, and what the client is told when there is no answer.
#include "base/text.h"
#include "llm/members.h"
#include "llm/passthrough.h"

namespace llm {

using base::cat;
using base::Json;
using base::JsonObject;
using protocol::Failure;

namespace {

[[noreturn]] void refuse(std::string_view member, std::string_view why) {
  throw base::Error(base::Code::invalid, cat(member, ": ", why));
}

void refuse_state_at_the_provider(const JsonObject& request) {
  if (member(request, "previous_response_id"))
    refuse("previous_response_id",
           "responses are not kept at the provider; send the earlier items in `input` instead");
  if (member(request, "conversation"))
    refuse("conversation",
           "conversations are not kept at the provider; send the earlier items in `input` instead");
  if (const Json* background = member(request, "background"); background && *background == true)
    refuse("background", "a response is waited for; leave it out, or ask for a stream");
  const Json* input = member(request, "input");
  if (!input || !input->is_array()) return;
  for (std::size_t i = 0; i < input->get_array().size(); ++i)
    if (base::text_at(input->get_array()[i], {"type"}) == "item_reference")
      refuse(cat("input[", i, "]"),
             "items are not kept at the provider; send the item itself instead of a reference");
}

// The words of Anthropic's API (reference, "Errors").
std::string_view anthropic_type(std::string_view code) {
  if (code == "provider_unauthorized") return "authentication_error";
  if (code == "rate_limited") return "rate_limit_error";
  if (code == "budget") return "billing_error";
  if (code == "invalid_request" || code == "context_length") return "invalid_request_error";
  return "api_error";
}

}  // namespace

Prepared prepare_request(Endpoint endpoint, const Json& body, const std::string& model) {
  if (!body.is_object()) throw base::Error(base::Code::invalid, "the body must be a JSON object");
  Prepared out;
  JsonObject request = body.get_object();
  if (endpoint == Endpoint::messages && member(request, "thread"))
    refuse("thread",
           "conversations are not kept at the provider; send the whole one in `messages`");
  if (endpoint == Endpoint::responses) {
    refuse_state_at_the_provider(request);
    request["store"] = false;
  }
  request["model"] = model;
  if (endpoint != Endpoint::embeddings && base::find_bool(body, {"stream"}).value_or(false))
    out.delivery = Delivery::streamed;
  if (endpoint == Endpoint::chat_completions && out.delivery == Delivery::streamed &&
      !base::find_bool(body, {"stream_options", "include_usage"}).value_or(false)) {
    Json& options = request["stream_options"];
    if (!options.is_object()) options = JsonObject{};
    options.get_object()["include_usage"] = true;
    out.usage_chunk = UsageChunk::hidden;
  }
  out.body = std::move(request);
  return out;
}

std::string make_error(Endpoint endpoint, const Failure& failure) {
  if (endpoint != Endpoint::messages) {
    // The specification's own word, which clients look for.
    const std::string code =
        failure.code == "context_length" ? "context_length_exceeded" : failure.code;
    return base::to_text(JsonObject{{"error", JsonObject{{"message", failure.message},
                                                         {"type", "gateway"},
                                                         {"param", nullptr},
                                                         {"code", code}}}});
  }
  return base::to_text(JsonObject{
      {"type", "error"},
      {"error", JsonObject{{"type", anthropic_type(failure.code)}, {"message", failure.message}}}});
}

std::string error_event(Endpoint endpoint, const Failure& failure) {
  std::string body = make_error(endpoint, failure);
  if (endpoint == Endpoint::responses) {
    // Its own form tells the error beside the type; clients throw for an `error`.
    Json event = base::parse_json(body);
    event.get_object()["type"] = "error";
    for (auto name : {"code", "message", "param"})
      event.get_object()[name] = event.at("error").at(name);
    body = base::to_text(event);
  }
  const bool named = endpoint == Endpoint::responses || endpoint == Endpoint::messages;
  return cat(named ? "event: error\n" : "", "data: ", body, "\n\n");
}

}  // namespace llm
