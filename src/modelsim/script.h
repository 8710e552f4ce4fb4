// What a simulated model says, and when.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "modelsim/question.h"
#include "schema/schema.h"

namespace modelsim {

struct SimCall {
  std::string name;
  base::Json arguments = nullptr;  // an object; or a text, sent as it is (also when it is no JSON)
  static const schema::Struct table;
};
struct SimUsage {
  std::int64_t prompt_tokens = 0, completion_tokens = 0;
  static const schema::Struct table;
};
struct SimError {
  std::int64_t status = 500;
  std::string message, code;
  std::map<std::string, std::string> headers;
  static const schema::Struct table;
};
struct Step {
  std::int64_t turn = 0;  // 0: its place in the list
  std::string last;       // must stand in the last message
  std::string text;       // "${last}" is replaced by the last message
  std::vector<SimCall> tool_calls;
  std::optional<SimUsage> usage;
  std::string delay;  // Go duration
  std::vector<SimError> errors, stream_errors;
  std::int64_t half_streams = 0;
  static const schema::Struct table;
};
struct Conversation {
  std::string task;  // must stand in the first user message
  std::vector<Step> steps;
  bool forever = false;
  static const schema::Struct table;
};
struct SimEmbeddings {
  std::int64_t dimensions = 64;  // unless the request asks for others
  std::string delay;             // Go duration
  std::vector<SimError> errors;
  static const schema::Struct table;
};
struct Script {
  std::vector<Conversation> conversations;
  SimEmbeddings embeddings;
  static const schema::Struct table;
};

// Error(invalid) with every mistake and its path; unknown members are mistakes.
Script parse_script(std::string_view yaml, std::string_view source);

// The first conversation that fits and has a step for the question; null when none has.
const Step* find_step(const Script&, const Question&);

}  // namespace modelsim
