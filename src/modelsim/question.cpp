#include "modelsim/question.h"

namespace modelsim {

using base::Json;
using base::JsonArray;
using llm::Endpoint;

namespace {

[[noreturn]] void refuse(const char* what) { throw base::Error(base::Code::invalid, what); }

const JsonArray& list_at(const Json& request, std::string_view name, const char* otherwise) {
  const Json* list = base::find(request, {name});
  if (!list || !list->is_array() || list->get_array().empty()) refuse(otherwise);
  return list->get_array();
}

// A text, or the texts of a list of parts; of Anthropic's tool results the last one's.
std::string text_of(const Json* content) {
  if (!content) return {};
  if (content->is_string()) return std::string(content->get_string());
  std::string out;
  if (content->is_array())
    for (const Json& part : content->get_array()) {
      if (base::text_at(part, {"type"}) == "tool_result")
        out = text_of(base::find(part, {"content"}));
      else
        out += base::text_at(part, {"text"});
    }
  return out;
}

// What the model said itself, as an item of a response or a message of a conversation.
bool is_of_the_model(const Json& item) {
  const std::string type = base::text_at(item, {"type"});
  return base::text_at(item, {"role"}) == "assistant" || type == "function_call" ||
         type == "reasoning";
}

Question read_items(const JsonArray& items) {
  Question question;
  bool has_task = false, model_spoke = false;
  for (const Json& item : items) {
    const bool of_the_model = is_of_the_model(item);
    // One turn of the model may be several items of a response in a row.
    if (model_spoke && !of_the_model) ++question.turn;
    model_spoke = of_the_model;
    const bool result = base::text_at(item, {"type"}) == "function_call_output";
    question.last = text_of(base::find(item, {result ? "output" : "content"}));
    if (base::text_at(item, {"role"}) != "user" || has_task) continue;
    question.task = question.last;
    has_task = true;
  }
  if (model_spoke) ++question.turn;
  return question;
}

}  // namespace

Question read_question(Endpoint endpoint, const Json& request) {
  if (endpoint == Endpoint::responses) {
    if (const auto text = base::find_string(request, {"input"})) return {*text, *text, 1};
    return read_items(list_at(request, "input", "input: must be a text or a list of items"));
  }
  if (endpoint == Endpoint::messages && base::find_int(request, {"max_tokens"}).value_or(0) < 1)
    refuse("max_tokens: Field required");
  return read_items(
      list_at(request, "messages", "messages: must be a list with at least one message"));
}

std::vector<std::string> read_inputs(const Json& request) {
  const Json* input = base::find(request, {"input"});
  if (!input) refuse("input: is required");
  if (!input->is_array()) return {text_of(input)};
  std::vector<std::string> out;
  const JsonArray& list = input->get_array();
  if (!list.empty() && list[0].is_number()) return {base::to_text(*input)};
  for (const Json& one : list)
    out.push_back(one.is_string() ? std::string(one.get_string()) : base::to_text(one));
  return out;
}

}  // namespace modelsim
