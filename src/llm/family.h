// The families of providers: who speaks what, and where.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "llm/answer.h"
#include "llm/request.h"
#include "protocol/gateway.h"

namespace llm {

enum class Family : std::uint8_t { openai, anthropic };

// By provider id, as spec.model.provider has it. What we do not know speaks as OpenAI does.
Family family_of(std::string_view provider);

// What is asked for at a provider; the agent's clients ask the same of the gateway.
enum class Endpoint : std::uint8_t { chat_completions, responses, embeddings, messages };

// What our own turns are asked with.
Endpoint turn_endpoint(Family);
bool speaks(Family, Endpoint);
// What follows the path of the base URL: "/chat/completions". Anthropic's clients take a base URL
// without a version, OpenAI's one that ends in /v1; both are taken for messages.
std::string_view request_path(Endpoint, std::string_view base_path);

// The path at which an agent's client asks the gateway for it: "/v1/chat/completions".
std::string served_path(Endpoint);
// Nothing for a path of none.
std::optional<Endpoint> find_endpoint(std::string_view served_path);

// Anthropic's headers; OpenAI's key goes into Authorization.
inline constexpr std::string_view anthropic_key_header = "x-api-key";
inline constexpr std::string_view anthropic_version_header = "anthropic-version";
inline constexpr std::string_view anthropic_version = "2023-06-01";

// The body of a turn's request, and the reader of its answer.
std::string make_request(Family, const std::string& model,
                         std::span<const protocol::Message> messages,
                         std::span<const protocol::ToolDefinition> tools, Delivery);
std::unique_ptr<AnswerReader> make_reader(Family, std::string_view content_type);

}  // namespace llm
