#include "modelsim/server.h"

#include <algorithm>

#include "base/text.h"

namespace modelsim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

constexpr std::size_t body_bytes_max = 32 * 1024 * 1024;
constexpr std::string_view label = "sympozium model-sim (a simulator, not a model)";

io::Response json(int status, const Json& body) {
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}
io::Response failure(int status, std::string_view message, std::string_view code) {
  return json(
      status,
      JsonObject{
          {"error", JsonObject{{"message", message}, {"type", "model_sim"}, {"code", code}}}});
}

std::int64_t words(std::string_view text) {
  std::int64_t count = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space && !inside) ++count;
    inside = !space;
  }
  return count;
}

std::string fill(std::string text, const std::string& last) {
  constexpr std::string_view mark = "${last}";
  const std::string value(base::trim(last));
  for (std::size_t at = text.find(mark); at != std::string::npos;
       at = text.find(mark, at + value.size()))
    text.replace(at, mark.size(), value);
  return text;
}

JsonArray encode_calls(const std::vector<std::pair<std::string, std::string>>& calls,
                       bool with_index) {
  JsonArray out;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    JsonObject call{
        {"id", cat("call_sim_", i)},
        {"type", "function"},
        {"function", JsonObject{{"name", calls[i].first}, {"arguments", calls[i].second}}}};
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

}  // namespace

Simulator::Simulator(base::Clock& clock, Script script, Sink sink)
    : clock_(clock), script_(std::move(script)), sink_(std::move(sink)) {}

io::Handler Simulator::handler() {
  return [this](io::Exchange& exchange) { return handle(exchange); };
}

void Simulator::note(const Question& question, std::string_view what) {
  sink_(base::to_text(JsonObject{{"time", base::format_time_millis(clock_.now())},
                                 {"request", stats_.requests},
                                 {"turn", question.turn},
                                 {"task", base::clip(question.task, 80)},
                                 {"answer", what}}));
}

io::Task<> Simulator::handle(io::Exchange& exchange) {
  const std::string path = io::parse_target(exchange.target()).path;
  if (exchange.method() == "POST" && path.ends_with("/chat/completions")) {
    co_await complete(exchange);
    co_return;
  }
  io::Response response;
  if (exchange.method() == "GET" && path.ends_with("/models"))
    response = json(
        200,
        JsonObject{{"object", "list"},
                   {"data", JsonArray{JsonObject{
                                {"id", "model-sim"}, {"object", "model"}, {"owned_by", label}}}}});
  else if (exchange.method() == "GET" && path == "/stats")
    response = json(200, JsonObject{{"requests", stats_.requests},
                                    {"completions", stats_.completions},
                                    {"errors", stats_.errors},
                                    {"halves", stats_.halves},
                                    {"unmatched", stats_.unmatched}});
  else
    response =
        failure(404, cat(label, ": no such endpoint: ", exchange.method(), " ", path), "not_found");
  co_await exchange.respond(std::move(response));
}

io::Task<> Simulator::complete(io::Exchange& exchange) {
  const std::string body = co_await exchange.body(body_bytes_max);
  ++stats_.requests;
  Json request;
  Question question;
  std::string bad;
  try {
    request = base::parse_json(body);
    question = read_question(request);
  } catch (const base::Error& error) {
    bad = error.what();
  }
  const Step* step = bad.empty() ? find_step(script_, question) : nullptr;
  if (!step) {
    if (bad.empty())
      bad = cat(label, ": the script has no step for turn ", question.turn, " of the task \"",
                base::clip(question.task, 80), "\"");
    ++stats_.unmatched;
    note(question, bad);
    io::Response response = failure(400, bad, "no_step");
    co_await exchange.respond(std::move(response));
    co_return;
  }
  const std::size_t before = asked_[{step, question.task}]++;
  if (!step->delay.empty()) {
    const base::Duration delay = base::parse_duration(step->delay).value_or(base::Duration(0));
    co_await io::sleep(clock_, delay);
  }
  if (before < step->errors.size()) {
    const SimError& error = step->errors[before];
    ++stats_.errors;
    note(question, cat("status ", error.status));
    io::Response response = failure(static_cast<int>(error.status), error.message, error.code);
    for (const auto& [name, value] : error.headers) response.headers.set(name, value);
    co_await exchange.respond(std::move(response));
    co_return;
  }

  Reply reply;
  reply.text = fill(step->text, question.last);
  for (const auto& call : step->tool_calls)
    reply.calls.emplace_back(call.name, call.arguments.is_string()
                                            ? std::string(call.arguments.get_string())
                                        : call.arguments.is_null() ? "{}"
                                                                   : base::to_text(call.arguments));
  std::int64_t said = words(reply.text);
  for (const auto& [name, arguments] : reply.calls) said += 1 + words(arguments);
  reply.usage = step->usage.value_or(SimUsage{words(body), said});

  const std::string model = base::text_at(request, {"model"});
  const bool half = before - step->errors.size() <
                    static_cast<std::size_t>(std::max<std::int64_t>(0, step->half_streams));
  note(question, half ? "half a stream" : cat(reply.calls.size(), " tool calls, ", said, " words"));
  if (half || base::find_bool(request, {"stream"}).value_or(false)) {
    co_await stream(exchange, model, std::move(reply), half);
    co_return;
  }
  ++stats_.completions;
  io::Response response = whole(model, reply);
  co_await exchange.respond(std::move(response));
}

io::Response Simulator::whole(const std::string& model, const Reply& reply) const {
  JsonObject message{{"role", "assistant"}, {"content", reply.text}};
  if (!reply.calls.empty()) message["tool_calls"] = encode_calls(reply.calls, false);
  return json(
      200,
      JsonObject{{"id", "chatcmpl-sim"},
                 {"object", "chat.completion"},
                 {"created", clock_.now().time_since_epoch().count() / 1000},
                 {"model", model},
                 {"system_fingerprint", label},
                 {"choices", JsonArray{JsonObject{
                                 {"index", 0},
                                 {"message", std::move(message)},
                                 {"finish_reason", reply.calls.empty() ? "stop" : "tool_calls"}}}},
                 {"usage", encode_usage(reply.usage)}});
}

io::Task<> Simulator::stream(io::Exchange& exchange, std::string model, Reply reply,
                             bool break_off) {
  auto chunk = [&](JsonArray choices, Json usage) {
    JsonObject body{{"id", "chatcmpl-sim"},
                    {"object", "chat.completion.chunk"},
                    {"created", clock_.now().time_since_epoch().count() / 1000},
                    {"model", model},
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
  std::vector<std::string> chunks{delta({{"role", "assistant"}, {"content", ""}}, nullptr)};
  for (std::size_t at = 0; at < reply.text.size();) {
    std::size_t end = reply.text.find(' ', at);
    end = end == std::string::npos ? reply.text.size() : end + 1;
    chunks.push_back(delta({{"content", reply.text.substr(at, end - at)}}, nullptr));
    at = end;
  }
  for (Json& call : encode_calls(reply.calls, true))
    chunks.push_back(delta({{"tool_calls", JsonArray{std::move(call)}}}, nullptr));
  chunks.push_back(delta({}, reply.calls.empty() ? "stop" : "tool_calls"));
  chunks.push_back(chunk({}, encode_usage(reply.usage)));
  chunks.emplace_back("data: [DONE]\n\n");

  co_await exchange.begin(200, {{"Content-Type", "text/event-stream"}});
  const std::size_t count =
      break_off ? std::max<std::size_t>(1, (chunks.size() - 3) / 2) : chunks.size();
  for (std::size_t i = 0; i < count; ++i) co_await exchange.send(chunks[i]);
  if (break_off) {
    ++stats_.halves;
    throw base::Error(base::Code::unavailable, "the script breaks this answer off");
  }
  ++stats_.completions;
  co_await exchange.end();
}

}  // namespace modelsim
