#include "modelsim/format.h"

#include <bit>
#include <cmath>

#include "base/encoding.h"
#include "base/text.h"
#include "modelsim/format_impl.h"

namespace modelsim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using llm::Endpoint;

namespace {

JsonArray encode_calls(const Head& head, const Reply& reply, bool with_index) {
  JsonArray out;
  for (std::size_t i = 0; i < reply.calls.size(); ++i) {
    const auto& [name, arguments] = reply.calls[i];
    JsonObject call{{"id", call_id("call", head, i)},
                    {"type", "function"},
                    {"function", JsonObject{{"name", name}, {"arguments", arguments}}}};
    if (with_index) call["index"] = i;
    out.push_back(std::move(call));
  }
  return out;
}

Json encode_usage(const SimUsage& usage) {
  return JsonObject{{"prompt_tokens", usage.prompt_tokens},
                    {"completion_tokens", usage.completion_tokens},
                    {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json encode_completion(const Head& head, const Reply& reply) {
  JsonObject message{{"role", "assistant"}, {"content", reply.text}};
  if (!reply.calls.empty()) message["tool_calls"] = encode_calls(head, reply, false);
  return JsonObject{
      {"id", "chatcmpl-sim"},
      {"object", "chat.completion"},
      {"created", head.created},
      {"model", head.model},
      {"system_fingerprint", label},
      {"choices",
       JsonArray{JsonObject{{"index", 0},
                            {"message", std::move(message)},
                            {"finish_reason", reply.calls.empty() ? "stop" : "tool_calls"}}}},
      {"usage", encode_usage(reply.usage)}};
}

std::vector<std::string> stream_completion(const Head& head, const Reply& reply) {
  auto chunk = [&](JsonArray choices, Json usage) {
    JsonObject body{{"id", "chatcmpl-sim"},
                    {"object", "chat.completion.chunk"},
                    {"created", head.created},
                    {"model", head.model},
                    {"choices", std::move(choices)}};
    if (!usage.is_null()) body["usage"] = std::move(usage);
    return cat("data: ", base::to_text(body), "\n\n");
  };
  auto delta = [&](JsonObject what, Json finish) {
    return chunk(
        JsonArray{JsonObject{
            {"index", 0}, {"delta", std::move(what)}, {"finish_reason", std::move(finish)}}},
        nullptr);
  };
  std::vector<std::string> out{delta({{"role", "assistant"}, {"content", ""}}, nullptr)};
  for (const auto& word : words_of(reply.text)) out.push_back(delta({{"content", word}}, nullptr));
  for (Json& call : encode_calls(head, reply, true))
    out.push_back(delta({{"tool_calls", JsonArray{std::move(call)}}}, nullptr));
  out.push_back(delta({}, reply.calls.empty() ? "stop" : "tool_calls"));
  out.push_back(chunk({}, encode_usage(reply.usage)));
  out.emplace_back("data: [DONE]\n\n");
  return out;
}

std::string_view anthropic_type(std::int64_t status) {
  switch (status) {
    case 400: return "invalid_request_error";
    case 401: return "authentication_error";
    case 402: return "billing_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 529: return "overloaded_error";
    default: return "api_error";
  }
}

// FNV-1a seeds, splitmix64 draws.
std::vector<float> vector_of(std::string_view text, std::int64_t dimensions) {
  std::uint64_t state = 0xcbf29ce484222325;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::vector<float> out;
  double length = 0;
  for (std::int64_t i = 0; i < dimensions; ++i) {
    std::uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    const double value = static_cast<double>(z >> 11) / static_cast<double>(1LL << 52) - 1;
    length += value * value;
    out.push_back(static_cast<float>(value));
  }
  for (float& value : out) value = static_cast<float>(value / std::sqrt(length));
  return out;
}

// Little-endian float32, as OpenAI sends it.
std::string bytes_of(const std::vector<float>& values) {
  std::string out;
  for (const float value : values) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((bits >> shift) & 0xff);
  }
  return out;
}

}  // namespace

std::int64_t count_words(std::string_view text) {
  std::int64_t count = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space && !inside) ++count;
    inside = !space;
  }
  return count;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(' ', at);
    end = end == std::string::npos ? text.size() : end + 1;
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string call_id(std::string_view prefix, const Head& head, std::size_t index) {
  return cat(prefix, "_sim_", head.turn, "_", index);
}

std::string named_event(std::string_view type, JsonObject data) {
  return cat("event: ", type, "\ndata: ", base::to_text(data), "\n\n");
}

Json encode_whole(Endpoint endpoint, const Head& head, const Reply& reply) {
  if (endpoint == Endpoint::messages) return encode_message(head, reply);
  if (endpoint == Endpoint::responses) return encode_response(head, reply);
  return encode_completion(head, reply);
}

std::vector<std::string> encode_stream(Endpoint endpoint, const Head& head, const Reply& reply) {
  if (endpoint == Endpoint::messages) return stream_message(head, reply);
  if (endpoint == Endpoint::responses) return stream_response(head, reply);
  return stream_completion(head, reply);
}

Json encode_error(Endpoint endpoint, std::int64_t status, std::string_view message,
                  std::string_view code) {
  if (endpoint == Endpoint::messages)
    return JsonObject{{"type", "error"},
                      {"error", JsonObject{{"type", code.empty() ? anthropic_type(status) : code},
                                           {"message", message}}}};
  return JsonObject{
      {"error", JsonObject{{"message", message}, {"type", "model_sim"}, {"code", code}}}};
}

std::string encode_error_event(Endpoint endpoint, std::int64_t status, std::string_view message,
                               std::string_view code) {
  if (endpoint == Endpoint::responses)
    return named_event(
        "error", {{"type", "error"}, {"code", code}, {"message", message}, {"param", nullptr}});
  Json body = encode_error(endpoint, status, message, code);
  if (endpoint == Endpoint::messages) return named_event("error", std::move(body.as_object()));
  return cat("data: ", base::to_text(body), "\n\n");
}

Json encode_vectors(const std::string& model, const std::vector<std::string>& texts,
                    std::int64_t dimensions, std::string_view encoding_format) {
  JsonArray data;
  std::int64_t tokens = 0;
  for (const auto& text : texts) {
    const auto values = vector_of(text, dimensions);
    Json embedding = encoding_format == "base64" ? Json(base::base64(bytes_of(values)))
                                                 : Json(JsonArray(values.begin(), values.end()));
    tokens += count_words(text);
    data.push_back(JsonObject{
        {"object", "embedding"}, {"index", data.size()}, {"embedding", std::move(embedding)}});
  }
  return JsonObject{{"object", "list"},
                    {"data", std::move(data)},
                    {"model", model},
                    {"usage", JsonObject{{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
}

}  // namespace modelsim
