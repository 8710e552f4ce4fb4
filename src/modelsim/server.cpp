#include "modelsim/server.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace modelsim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using llm::Endpoint;

namespace {

constexpr std::size_t body_bytes_max = 32 * 1024 * 1024;

struct Known {
  std::string_view path;  // its end
  Endpoint endpoint;
};
constexpr std::array<Known, 4> endpoints{{{"/chat/completions", Endpoint::chat_completions},
                                          {"/responses", Endpoint::responses},
                                          {"/embeddings", Endpoint::embeddings},
                                          {"/messages", Endpoint::messages}}};

io::Response json(int status, const Json& body) {
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}

std::string fill(std::string text, const std::string& last) {
  constexpr std::string_view mark = "${last}";
  const std::string value(base::trim(last));
  for (std::size_t at = text.find(mark); at != std::string::npos;
       at = text.find(mark, at + value.size()))
    text.replace(at, mark.size(), value);
  return text;
}

Reply make_reply(const Step& step, const Question& question, std::int64_t words_of_request) {
  Reply reply;
  reply.text = fill(step.text, question.last);
  std::int64_t said = count_words(reply.text);
  for (const auto& [name, given] : step.tool_calls) {
    std::string arguments = given.is_string() ? std::string(given.get_string())
                            : given.is_null() ? "{}"
                                              : base::to_text(given);
    said += 1 + count_words(arguments);
    reply.calls.emplace_back(name, std::move(arguments));
  }
  reply.usage = step.usage.value_or(SimUsage{words_of_request, said});
  return reply;
}

Json list_models() {
  return JsonObject{{"object", "list"},
                    {"data", JsonArray{JsonObject{
                                 {"id", "model-sim"}, {"object", "model"}, {"owned_by", label}}}}};
}

Json encode_stats(const Stats& stats) {
  JsonObject by_endpoint;
  for (const auto& [name, count] : stats.endpoints) by_endpoint[name] = count;
  return JsonObject{{"requests", stats.requests},   {"completions", stats.completions},
                    {"errors", stats.errors},       {"halves", stats.halves},
                    {"unmatched", stats.unmatched}, {"endpoints", std::move(by_endpoint)}};
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
  const auto known =
      std::ranges::find_if(endpoints, [&](const Known& one) { return path.ends_with(one.path); });
  if (exchange.method() == "POST" && known != endpoints.end()) {
    ++stats_.requests;
    ++stats_.endpoints[std::string(known->path)];
    if (known->endpoint == Endpoint::embeddings)
      co_await embed(exchange);
    else
      co_await complete(exchange, known->endpoint);
    co_return;
  }
  io::Response response;
  if (exchange.method() == "GET" && path.ends_with("/models"))
    response = json(200, list_models());
  else if (exchange.method() == "GET" && path == "/stats")
    response = json(200, encode_stats(stats_));
  else
    response =
        json(404, encode_error(Endpoint::chat_completions, 404,
                               cat(label, ": no such endpoint: ", exchange.method(), " ", path),
                               "not_found"));
  co_await exchange.respond(std::move(response));
}

io::Task<> Simulator::refuse(io::Exchange& exchange, Endpoint endpoint, const Question& question,
                             std::string why) {
  ++stats_.unmatched;
  note(question, why);
  const std::string_view code = endpoint == Endpoint::messages ? "" : "no_step";
  io::Response response = json(400, encode_error(endpoint, 400, why, code));
  co_await exchange.respond(std::move(response));
}

io::Task<> Simulator::answer_error(io::Exchange& exchange, Endpoint endpoint,
                                   const Question& question, SimError error) {
  ++stats_.errors;
  note(question, cat("status ", error.status));
  io::Response response = json(static_cast<int>(error.status),
                               encode_error(endpoint, error.status, error.message, error.code));
  for (const auto& [name, value] : error.headers) response.headers.set(name, value);
  co_await exchange.respond(std::move(response));
}

io::Task<> Simulator::wait(std::string delay) {
  if (delay.empty()) co_return;
  const base::Duration duration = base::parse_duration(delay).value_or(base::Duration(0));
  co_await io::sleep(clock_, duration);
}

io::Task<> Simulator::complete(io::Exchange& exchange, Endpoint endpoint) {
  const std::string body = co_await exchange.body(body_bytes_max);
  Json request;
  Question question;
  std::string bad;
  try {
    request = base::parse_json(body);
    question = read_question(endpoint, request);
    if (!base::text_at(request, {"previous_response_id"}).empty())
      bad = cat(label, ": it keeps no responses: previous_response_id is not found");
  } catch (const base::Error& error) {
    bad = error.what();
  }
  const Step* step = bad.empty() ? find_step(script_, question) : nullptr;
  if (!step) {
    if (bad.empty())
      bad = cat(label, ": the script has no step for turn ", question.turn, " of the task \"",
                base::clip(question.task, 80), "\"");
    co_await refuse(exchange, endpoint, question, bad);
    co_return;
  }
  const std::size_t before = asked_[{step, question.task}]++;
  co_await wait(step->delay);
  if (before < step->errors.size()) {
    co_await answer_error(exchange, endpoint, question, step->errors[before]);
    co_return;
  }

  const Reply reply = make_reply(*step, question, count_words(body));
  const Head head{base::text_at(request, {"model"}), clock_.now().time_since_epoch().count() / 1000,
                  question.turn};
  const std::size_t n = before - step->errors.size();
  const std::size_t errors = step->stream_errors.size();
  const End end = n < errors                                                  ? End::error
                  : n - errors < static_cast<std::size_t>(step->half_streams) ? End::broken_off
                                                                              : End::whole;
  note(question, end == End::error ? "an error in the stream"
                 : end == End::broken_off
                     ? "half a stream"
                     : cat(reply.calls.size(), " tool calls, ", count_words(reply.text), " words"));
  if (end != End::whole || base::find_bool(request, {"stream"}).value_or(false)) {
    auto events = encode_stream(endpoint, head, reply);
    if (end != End::whole) events.resize(std::max<std::size_t>(1, (events.size() - 3) / 2));
    if (end == End::error) {
      const SimError& error = step->stream_errors[n];
      events.push_back(encode_error_event(endpoint, error.status, error.message, error.code));
    }
    co_await stream(exchange, std::move(events), end);
    co_return;
  }
  ++stats_.completions;
  io::Response response = json(200, encode_whole(endpoint, head, reply));
  co_await exchange.respond(std::move(response));
}

io::Task<> Simulator::stream(io::Exchange& exchange, std::vector<std::string> events, End end) {
  co_await exchange.begin(200, {{"Content-Type", "text/event-stream"}});
  for (std::size_t i = 0; i < events.size(); ++i) co_await exchange.send(events[i]);
  if (end == End::broken_off) {
    ++stats_.halves;
    throw base::Error(base::Code::unavailable, "the script breaks this answer off");
  }
  ++(end == End::error ? stats_.errors : stats_.completions);
  co_await exchange.end();
}

io::Task<> Simulator::embed(io::Exchange& exchange) {
  const std::string body = co_await exchange.body(body_bytes_max);
  const auto& script = script_.embeddings;
  Json request;
  std::vector<std::string> texts;
  std::string bad;
  try {
    request = base::parse_json(body);
    texts = read_inputs(request);
  } catch (const base::Error& error) {
    bad = error.what();
  }
  const auto dimensions = base::find_int(request, {"dimensions"}).value_or(script.dimensions);
  if (bad.empty() && (dimensions < 1 || dimensions > 4096)) bad = "dimensions: must be 1 to 4096";
  const Question question;
  if (!bad.empty()) {
    co_await refuse(exchange, Endpoint::embeddings, question, bad);
    co_return;
  }
  const std::size_t before = embeddings_asked_++;
  co_await wait(script.delay);
  if (before < script.errors.size()) {
    co_await answer_error(exchange, Endpoint::embeddings, question, script.errors[before]);
    co_return;
  }
  ++stats_.completions;
  note(question, cat(texts.size(), " vectors"));
  io::Response response =
      json(200, encode_vectors(base::text_at(request, {"model"}), texts, dimensions,
                               base::text_at(request, {"encoding_format"})));
  co_await exchange.respond(std::move(response));
}

}  // namespace modelsim
