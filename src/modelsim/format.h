// Answers in the words of each API: OpenAI chat completions, responses and embeddings, Anthropic
// messages. Written apart from llm/, so that each checks the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "llm/family.h"
#include "modelsim/script.h"

namespace modelsim {

inline constexpr std::string_view label = "sympozium model-sim (a simulator, not a model)";

struct Reply {
  std::string text;
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
  SimUsage usage;
};

// What an answer repeats of its request.
struct Head {
  std::string model;
  std::int64_t created = 0;  // seconds since 1970
  std::int64_t turn = 1;     // ids are made of it: the same question has the same answer
};

base::Json encode_whole(llm::Endpoint, const Head&, const Reply&);
// The events of a stream.
std::vector<std::string> encode_stream(llm::Endpoint, const Head&, const Reply&);
// `code`: error.code, or Anthropic's error.type; that one is chosen by the status when it is empty.
base::Json encode_error(llm::Endpoint, std::int64_t status, std::string_view message,
                        std::string_view code);
// The same as an event of a stream.
std::string encode_error_event(llm::Endpoint, std::int64_t status, std::string_view message,
                               std::string_view code);

// Unit vectors that follow from the texts alone.
base::Json encode_vectors(const std::string& model, const std::vector<std::string>& texts,
                          std::int64_t dimensions, std::string_view encoding_format);

// A word is a token.
std::int64_t count_words(std::string_view text);

}  // namespace modelsim
