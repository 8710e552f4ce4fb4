#include "gateway/foreign.h"

#include "base/text.h"
#include "llm/completion.h"

namespace gateway {

using base::cat;
using base::Json;
using base::JsonObject;
using protocol::Failure;

namespace {

constexpr char request_member[] = "request";  // of an intent's parameters

// The hash of the request that a foreign agent made, "" for a turn.
std::string request_of(const journal::ModelIntent& intent) {
  return base::text_at(intent.parameters, {request_member});
}

// OpenAI's clients repeat 429 and 5xx by themselves unless they are told not to; here the gateway
// has done so already.
io::Response refusal(const Failure& failure) {
  const int status = failure.code == "rate_limited"                                          ? 429
                     : failure.code == "provider_unauthorized"                               ? 401
                     : failure.code == "context_length" || failure.code == "invalid_request" ? 400
                                                                                             : 500;
  return {status,
          {{"Content-Type", "application/json"}, {"x-should-retry", "false"}},
          llm::make_error(failure)};
}

io::Task<PlannedCall> plan_call(RunPtr run, std::int64_t turn, Json body, std::string hash) {
  const auto request = llm::read_completion_request(body);
  PlannedCall out;
  out.intent.turn = turn;
  auto keep = [&](const Json& content) {
    std::string bytes = base::to_text(content);
    std::string name = blob_name(bytes);
    out.blobs.push_back({name, std::move(bytes)});
    return name;
  };
  for (const auto& message : request.messages) out.intent.appended.push_back(keep(message));
  if (!request.tools.empty()) out.intent.tools = keep(request.tools);
  out.intent.parameters = JsonObject{{"provider", run->spec.model.provider},
                                     {"model", run->spec.model.model},
                                     {"given", keep(request.parameters)},
                                     {request_member, hash}};
  out.request = llm::make_request(run->spec.model.model, request);
  co_return out;
}

// Whether the agent has the whole answer.
enum class Given : bool { no, yes };

// Forwards pieces as they come, then what is left of the answer.
io::Task<Given> stream(io::Exchange& exchange, ModelCall& call, const llm::CompletionHead& head,
                       const llm::CompletionRequest& request) {
  std::string sent;
  std::size_t count = 0;
  // The status is known with the first piece.
  auto piece = co_await call.piece(count);
  if (!piece && call.last().error) {
    co_await exchange.respond(refusal(*call.last().error));
    co_return Given::no;
  }
  co_await exchange.begin(200, {{"Content-Type", "text/event-stream"}});
  const std::string first = llm::first_event(head);
  co_await exchange.send(first);
  while (piece) {
    const std::string event = llm::text_event(head, *piece);
    co_await exchange.send(event);
    sent += *piece;
    piece = co_await call.piece(++count);
  }
  std::string last;
  Given given = Given::no;
  const auto& result = call.last().result;
  if (!result) {
    last = llm::error_event(*call.last().error);
  } else if (!result->message.content.starts_with(sent)) {
    last = llm::error_event({"provider_unavailable",
                             "the provider broke its answer off and gave another one when it was "
                             "asked again; repeat the request to get that one"});
  } else {
    last = llm::last_events(head, *result, result->message.content.substr(sent.size()), request);
    given = Given::yes;
  }
  co_await exchange.send(last);
  co_await exchange.end();
  co_return given;
}

io::Task<Given> respond(io::Exchange& exchange, ModelCall& call, const llm::CompletionHead& head) {
  std::size_t count = 0;
  while (co_await call.piece(count)) ++count;
  const auto& result = call.last().result;
  io::Response response = refusal(call.last().error.value_or(Failure{}));
  if (result)
    response = {200, {{"Content-Type", "application/json"}}, llm::make_completion(head, *result)};
  co_await exchange.respond(std::move(response));
  co_return result ? Given::yes : Given::no;
}

}  // namespace

bool is_foreign(const journal::ModelIntent& intent) { return !request_of(intent).empty(); }

Manner manner_of(const Session& session) {
  bool foreign = false;
  if (const auto& calls = session.calls; !calls.empty())
    foreign = !calls.begin()->second->request.empty();
  else if (const auto& turns = session.record().turns; !turns.empty())
    foreign = is_foreign(turns.begin()->second.intent);
  else
    return Manner::unknown;
  return foreign ? Manner::completions : Manner::turns;
}

void check_manner(const Session& session, Manner wanted) {
  const Manner known = manner_of(session);
  if (known == Manner::unknown || known == wanted) return;
  throw base::Error(
      base::Code::invalid,
      known == Manner::turns
          ? "this run's agent speaks in turns; there are no chat completions beside them"
          : "this run's agent speaks chat completions; there are no turns beside them");
}

std::string list_models(const objects::AgentRun& run) {
  const auto& model = run.spec.model;
  return base::to_text(
      JsonObject{{"object", "list"},
                 {"data", base::JsonArray{JsonObject{{"id", model.model},
                                                     {"object", "model"},
                                                     {"created", 0},
                                                     {"owned_by", model.provider}}}}});
}

ForeignAgents::ForeignAgents(base::Clock& clock, ModelCalls& model_calls)
    : clock_(clock), model_calls_(model_calls) {}

io::Task<> ForeignAgents::complete(io::Exchange& exchange, RunPtr run,
                                   std::shared_ptr<Session> session, std::string body) {
  const Json json = base::parse_json(body);
  const auto request = llm::read_completion_request(json);
  check_manner(*session, Manner::completions);
  if (session->record().outcome)
    throw base::Error(base::Code::gone, "the run has its outcome; there are no more model calls");

  auto call = co_await find_or_start(run, session, json, blob_name(base::canonical(json)));
  const llm::CompletionHead head{cat("chatcmpl-", run->metadata.uid, "-", call->turn),
                                 run->spec.model.model,
                                 clock_.now().time_since_epoch().count() / 1000};
  Given given = Given::no;
  if (request.delivery == llm::Delivery::streamed)
    given = co_await stream(exchange, *call, head, request);
  else
    given = co_await respond(exchange, *call, head);
  if (given == Given::yes) session->answered.insert(call->turn);
}

io::Task<std::shared_ptr<ModelCall>> ForeignAgents::find_or_start(RunPtr run,
                                                                  std::shared_ptr<Session> session,
                                                                  const Json& body,
                                                                  std::string request) {
  for (const auto& [number, call] : session->calls)
    if (call->request == request) co_return call;
  std::int64_t next = 1;
  for (const auto& [number, call] : session->calls) next = std::max(next, number + 1);
  for (const auto& [number, turn] : session->record().turns) {
    next = std::max(next, number + 1);
    if (!turn.outcome || turn.outcome->error || request_of(turn.intent) != request) continue;
    if (session->answered.contains(number)) continue;
    auto call = std::make_shared<ModelCall>(number, request);
    auto result = co_await session->result(number);
    call->end({.result = std::move(result)});
    co_return call;
  }
  auto call = std::make_shared<ModelCall>(next, request);
  auto plan = plan_call(run, next, body, request);
  co_return model_calls_.start(std::move(run), std::move(session), std::move(call),
                               std::move(plan));
}

}  // namespace gateway
