// Chat completions seen from the server's side: what a client asks, and what it is answered (OpenAI
// API reference, "Create chat completion", "The chat completion chunk object").
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "llm/request.h"
#include "protocol/gateway.h"

namespace llm {

// A client's request. Messages, tools and parameters stay as they were written: a provider may know
// what we do not.
struct CompletionRequest {
  base::JsonArray messages;
  base::JsonArray tools;
  base::JsonObject
      parameters;  // everything else that shapes the answer: temperature, tool_choice, …
  Delivery delivery = Delivery::whole;
  bool with_usage = false;  // stream_options.include_usage
};
// Error(invalid) that names the member: no messages, or something whose answer would not be whole
// when it went through us (n, logprobs, functions, modalities other than text).
CompletionRequest read_completion_request(const base::Json&);

// The body for the provider: streamed, with the usage.
std::string make_request(const std::string& model, const CompletionRequest&);

struct CompletionHead {
  std::string id, model;
  std::int64_t created = 0;  // seconds since 1970
};

std::string make_completion(const CompletionHead&, const protocol::TurnResult&);

// A streamed answer: first_event, then text_event for each piece, then last_events, which begin
// with `rest`, the text that no text_event carried.
std::string first_event(const CompletionHead&);
std::string text_event(const CompletionHead&, std::string_view text);
std::string last_events(const CompletionHead&, const protocol::TurnResult&, std::string_view rest,
                        const CompletionRequest&);

// {"error": {…}}, as a whole answer's body or, after `data: `, inside a stream.
std::string make_error(const protocol::Failure&);
std::string error_event(const protocol::Failure&);

}  // namespace llm
