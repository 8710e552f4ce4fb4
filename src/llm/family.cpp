#include "llm/family.h"

#include "llm/messages.h"

namespace llm {

Family family_of(std::string_view provider) {
  return provider == "anthropic" ? Family::anthropic : Family::openai;
}

Endpoint turn_endpoint(Family family) {
  return family == Family::anthropic ? Endpoint::messages : Endpoint::chat_completions;
}

bool speaks(Family family, Endpoint endpoint) {
  return (family == Family::anthropic) == (endpoint == Endpoint::messages);
}

std::string_view request_path(Endpoint endpoint, std::string_view base_path) {
  switch (endpoint) {
    case Endpoint::chat_completions: return "/chat/completions";
    case Endpoint::responses: return "/responses";
    case Endpoint::embeddings: return "/embeddings";
    case Endpoint::messages: break;
  }
  while (base_path.ends_with('/')) base_path.remove_suffix(1);
  return base_path.ends_with("/v1") ? "/messages" : "/v1/messages";
}

std::string served_path(Endpoint endpoint) {
  return "/v1" + std::string(request_path(endpoint, "/v1"));
}

std::optional<Endpoint> find_endpoint(std::string_view path) {
  for (const Endpoint one :
       {Endpoint::chat_completions, Endpoint::responses, Endpoint::embeddings, Endpoint::messages})
    if (path == served_path(one)) return one;
  return std::nullopt;
}

std::string make_request(Family family, const std::string& model,
                         std::span<const protocol::Message> messages,
                         std::span<const protocol::ToolDefinition> tools, Delivery delivery) {
  return family == Family::anthropic ? make_messages_request(model, messages, tools, delivery)
                                     : make_request(model, messages, tools, delivery);
}

std::unique_ptr<AnswerReader> make_reader(Family family, std::string_view content_type) {
  if (family == Family::anthropic) return std::make_unique<MessagesParser>(content_type);
  return std::make_unique<AnswerParser>(content_type);
}

}  // namespace llm
