#include "modelsim/script.h"

#include "base/text.h"
#include "kube/yaml.h"

// clang-format off: a field is a line

namespace modelsim {

using namespace schema;

constexpr Struct SimCall::table{"SimCall", &room<SimCall>, {
    {"name", &SimCall::name, required | honoured, "Tool to call."},
    {"arguments", &SimCall::arguments, honoured, "Arguments: an object, or a text that is sent as it is."},
}};
constexpr Struct SimUsage::table{"SimUsage", &room<SimUsage>, {
    {"prompt_tokens", &SimUsage::prompt_tokens, at_least(0) | honoured, "Input tokens."},
    {"completion_tokens", &SimUsage::completion_tokens, at_least(0) | honoured, "Output tokens."},
}};
constexpr Struct SimError::table{"SimError", &room<SimError>, {
    {"status", &SimError::status, by_default(500) | honoured, "HTTP status."},
    {"message", &SimError::message, honoured, "error.message of the body."},
    {"code", &SimError::code, honoured, "error.code of the body; error.type of an Anthropic message's. Default there: by the status."},
    {"headers", &SimError::headers, honoured, "Headers of the answer, such as Retry-After."},
}};
constexpr Struct Step::table{"Step", &room<Step>, {
    {"turn", &Step::turn, at_least(0) | honoured, "Turn that it answers. Default its place in the list."},
    {"last", &Step::last, honoured, "Text that the last message must hold."},
    {"text", &Step::text, honoured, "What is said; ${last} stands for the last message."},
    {"tool_calls", &Step::tool_calls, honoured, "Tools to call."},
    {"usage", &Step::usage, honoured, "Tokens to report. Default: a word is a token."},
    {"delay", &Step::delay, formatted(Format::go_duration) | honoured, "Time before the first byte."},
    {"errors", &Step::errors, honoured, "Errors to answer with first, one per request."},
    {"stream_errors", &Step::stream_errors, honoured, "Errors to tell in the middle of a stream that began with 200, one per request, after `errors`."},
    {"half_streams", &Step::half_streams, at_least(0) | honoured, "How many requests break off in the middle first."},
}};
constexpr Struct Conversation::table{"Conversation", &room<Conversation>, {
    {"task", &Conversation::task, honoured, "Text that the first user message must hold. Default: any."},
    {"steps", &Conversation::steps, required | honoured, "What is answered, turn by turn."},
    {"forever", &Conversation::forever, honoured, "Whether the last step answers all later turns."},
}};
constexpr Struct SimEmbeddings::table{"SimEmbeddings", &room<SimEmbeddings>, {
    {"dimensions", &SimEmbeddings::dimensions, by_default(64) | at_least(1) | at_most(4096) | honoured, "Length of a vector, unless the request asks for another."},
    {"delay", &SimEmbeddings::delay, formatted(Format::go_duration) | honoured, "Time before the answer."},
    {"errors", &SimEmbeddings::errors, honoured, "Errors to answer with first, one per request."},
}};
constexpr Struct Script::table{"Script", &room<Script>, {
    {"conversations", &Script::conversations, required | honoured, "The first that fits answers."},
    {"embeddings", &Script::embeddings, honoured, "How embeddings are answered."},
}};

// clang-format on

Script parse_script(std::string_view yaml, std::string_view source) {
  auto documents = kube::parse_yaml(yaml, source);
  if (documents.size() != 1)
    throw base::Error(base::Code::invalid,
                      base::cat(source, ": expected one YAML document with `conversations`, found ",
                                documents.size()));
  Script script;
  base::Issues issues = decode(script, documents[0].value, Unknown::refuse);
  auto check_delay = [&](const std::string& delay) {
    if (!delay.empty() && !base::parse_duration(delay))
      issues.push_back({"delay", base::cat("\"", delay, "\" is no duration such as 200ms")});
  };
  check_delay(script.embeddings.delay);
  for (const auto& conversation : script.conversations)
    for (const auto& step : conversation.steps) check_delay(step.delay);
  if (!issues.empty())
    throw base::Error(base::Code::invalid, base::cat(source, ": ", base::format(issues)));
  return script;
}

const Step* find_step(const Script& script, const Question& question) {
  for (const auto& conversation : script.conversations) {
    if (question.task.find(conversation.task) == std::string::npos) continue;
    std::int64_t place = 0;
    for (const auto& step : conversation.steps) {
      ++place;
      if ((step.turn != 0 ? step.turn : place) != question.turn) continue;
      if (question.last.find(step.last) == std::string::npos) continue;
      return &step;
    }
    if (conversation.forever && !conversation.steps.empty() && question.turn > place)
      return &conversation.steps.back();
  }
  return nullptr;
}

}  // namespace modelsim
