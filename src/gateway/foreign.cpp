#include "gateway/foreign.h"

#include <algorithm>

#include "base/text.h"

namespace gateway {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::Failure;

namespace {

bool is_completed(const journal::TurnRecord& turn) {
  return turn.outcome && !turn.outcome->error && !turn.outcome->contentType.empty();
}

// What two requests are compared by: the canonical body, but results of tools that ran side by side
// are a set: some frameworks write them down in the order in which they ended.
std::string matched_text(llm::Endpoint endpoint, Json body) {
  const bool chat = endpoint == llm::Endpoint::chat_completions;
  Json* list =
      body.is_object() ? body.get_object().if_contains(chat ? "messages" : "input") : nullptr;
  if (!list || !list->is_array()) return base::canonical(body);
  const auto result_of = [chat](const Json& item) {
    const bool is_result = chat ? base::text_at(item, {"role"}) == "tool"
                                : base::text_at(item, {"type"}) == "function_call_output";
    return is_result ? base::text_at(item, {chat ? "tool_call_id" : "call_id"}) : std::string();
  };
  JsonArray& items = list->get_array();
  for (auto begin = items.begin(); begin != items.end();) {
    auto end = begin;
    while (end != items.end() && !result_of(*end).empty()) ++end;
    std::stable_sort(begin, end, [&](const Json& one, const Json& other) {
      return result_of(one) < result_of(other);
    });
    begin = end == items.end() ? end : std::next(end);
  }
  return base::canonical(body);
}

// The clients repeat 429 and 5xx by themselves unless they are told not to; here the gateway has
// done so already.
io::Response refusal(llm::Endpoint endpoint, const Failure& failure) {
  const int status = failure.code == "rate_limited"                                          ? 429
                     : failure.code == "provider_unauthorized"                               ? 401
                     : failure.code == "context_length" || failure.code == "invalid_request" ? 400
                                                                                             : 500;
  return {status,
          {{"Content-Type", "application/json"}, {"x-should-retry", "false"}},
          llm::make_error(endpoint, failure)};
}

}  // namespace

std::string_view conversation_member(llm::Endpoint endpoint) {
  switch (endpoint) {
    case llm::Endpoint::responses: return "input";
    case llm::Endpoint::embeddings: return "";
    case llm::Endpoint::chat_completions:
    case llm::Endpoint::messages: break;
  }
  return "messages";
}

ForeignKey key_of(const journal::ModelIntent& intent) { return {intent.endpoint, intent.request}; }

bool is_foreign(const journal::ModelIntent& intent) {
  constexpr char request_of_version_1[] = "request";
  return !intent.endpoint.empty() ||
         !base::text_at(intent.parameters, {request_of_version_1}).empty();
}

Manner manner_of(const Session& session) {
  bool foreign = false;
  if (const auto& calls = session.calls; !calls.empty())
    foreign = calls.begin()->second->key != ForeignKey{};
  else if (const auto& turns = session.record().turns; !turns.empty())
    foreign = is_foreign(turns.begin()->second.intent);
  else
    return Manner::unknown;
  return foreign ? Manner::foreign : Manner::turns;
}

void check_manner(const Session& session, Manner wanted) {
  const Manner known = manner_of(session);
  if (known == Manner::unknown || known == wanted) return;
  throw base::Error(base::Code::invalid,
                    known == Manner::turns
                        ? "this run's agent speaks in turns; there are no requests beside them"
                        : "this run's agent asks with a client of its own; there are no turns "
                          "beside that");
}

void note_used(Session& session, std::string_view header) {
  for (const std::string& number : base::split(header, ','))
    if (const auto turn = base::parse_int(number);
        turn && session.record().turns.contains(*turn) && session.torn.erase(*turn) == 0)
      session.used.insert(*turn);
}

std::int64_t count_completed(const Session& session) {
  return std::ranges::count_if(session.record().turns, [](const auto& entry) {
    return is_foreign(entry.second.intent) && is_completed(entry.second);
  });
}

std::string list_models(const objects::AgentRun& run) {
  const std::string& id = run.spec.model.model;
  const JsonObject model{{"id", id},
                         {"object", "model"},
                         {"created", 0},
                         {"owned_by", run.spec.model.provider},
                         {"type", "model"},
                         {"display_name", id},
                         {"created_at", "1970-01-01T00:00:00Z"}};
  return base::to_text(JsonObject{{"object", "list"},
                                  {"data", JsonArray{model}},
                                  {"has_more", false},
                                  {"first_id", id},
                                  {"last_id", id}});
}

// ---- a request ----

struct ForeignAgents::Asked {
  ForeignKey key;
  Json body;             // as the client wrote it
  PassedRequest passed;  // as the provider gets it
};

namespace {

io::Task<PlannedCall> plan_call(RunPtr run, std::shared_ptr<Session> session, std::int64_t turn,
                                ForeignKey key, Json body, PassedRequest passed) {
  PlannedCall out;
  auto& intent = out.intent;
  intent.turn = turn;
  intent.endpoint = key.endpoint;
  intent.request = key.request;
  auto keep = [&](const Json& content) {
    std::string bytes = base::to_text(content);
    std::string name = blob_name(bytes);
    out.blobs.push_back({name, std::move(bytes)});
    return name;
  };
  JsonObject& rest = body.as_object();
  const std::string_view member = conversation_member(passed.endpoint);
  if (const auto at = member.empty() ? rest.end() : rest.find(member);
      at != rest.end() && at->value().is_array()) {
    for (const auto& item : at->value().get_array()) intent.appended.push_back(keep(item));
    rest.erase(at);
    const auto [parent, known] = session->find_parent(key.endpoint, intent.appended);
    intent.parent = parent;
    const auto end = static_cast<std::ptrdiff_t>(known);
    intent.appended.erase(intent.appended.begin(), intent.appended.begin() + end);
    out.blobs.erase(out.blobs.begin(), out.blobs.begin() + end);
  }
  if (const auto at = rest.find("tools"); at != rest.end()) {
    intent.tools = keep(at->value());
    rest.erase(at);
  }
  intent.given = keep(rest);
  JsonObject parameters{{"provider", run->spec.model.provider}, {"model", run->spec.model.model}};
  if (!passed.query.empty()) parameters["query"] = passed.query;
  for (const auto& [name, value] : passed.headers) parameters[name] = value;
  intent.parameters = std::move(parameters);
  out.passed = std::move(passed);
  co_return out;
}

constexpr char broken_off[] =
    "the provider broke its answer off and gave another one when it was asked again; repeat the "
    "request to get that one";

// Forwards pieces as they come, this one first, then what is left of the answer.
io::Task<> forward(io::Exchange& exchange, Session& session, ModelCall& call,
                   llm::Endpoint endpoint, std::optional<std::string> piece) {
  const std::string number = std::to_string(call.turn);
  std::string sent;
  if (piece) {
    co_await exchange.begin(
        200, {{"Content-Type", call.content_type}, {std::string(protocol::header_call), number}});
    for (std::size_t count = 0; piece; piece = co_await call.piece(++count)) {
      co_await exchange.send(*piece);
      sent += *piece;
    }
    const auto& answer = call.answer();
    std::string last;
    if (!answer) {
      last = llm::error_event(endpoint, *call.last().error);
    } else if (!answer->bytes.starts_with(sent)) {
      session.torn.insert(call.turn);
      last = llm::error_event(endpoint, {"provider_unavailable", broken_off});
    } else {
      last = answer->bytes.substr(sent.size());
    }
    co_await exchange.send(last);
    co_await exchange.end();
    co_return;
  }
  if (!call.answer()) {
    co_await exchange.respond(refusal(endpoint, *call.last().error));
    co_return;
  }
  io::Response response{200, {{"Content-Type", call.answer()->content_type}}, call.answer()->bytes};
  response.headers.set(protocol::header_call, number);
  co_await exchange.respond(std::move(response));
}

}  // namespace

ForeignAgents::ForeignAgents(base::Log& log, ModelCalls& model_calls, Others& others)
    : log_(log), model_calls_(model_calls), others_(others) {}

ForeignAgents::Asked ForeignAgents::prepare(const io::Exchange& exchange,
                                            const objects::AgentRun& run, llm::Endpoint endpoint,
                                            const std::string& body) {
  Asked asked;
  asked.body = base::parse_json(body);
  // Refused before it is written down.
  auto prepared = llm::prepare_request(endpoint, asked.body, run.spec.model.model);
  asked.passed = {endpoint, base::to_text(prepared.body), prepared.usage_chunk, {}, {}};
  asked.key = {llm::served_path(endpoint), blob_name(matched_text(endpoint, asked.body))};
  const std::string& target = exchange.target();
  if (const auto query = target.find('?'); query != std::string::npos)
    asked.passed.query = target.substr(query + 1);
  for (const char* name : {"anthropic-version", "anthropic-beta"})
    if (const auto value = exchange.headers().get(name); !value.empty())
      asked.passed.headers.emplace_back(name, value);
  return asked;
}

io::Task<> ForeignAgents::complete(io::Exchange& exchange, RunPtr run,
                                   std::shared_ptr<Session> session, llm::Endpoint endpoint,
                                   std::string fence, std::string body) {
  std::optional<Failure> refused;
  try {
    std::shared_ptr<ModelCall> call;
    std::optional<std::string> piece;
    std::function<io::Task<std::shared_ptr<ModelCall>>()> find = [&] {
      if (!fence.empty()) session->check_fence(fence);
      check_manner(*session, Manner::foreign);
      if (session->record().outcome)
        throw base::Error(base::Code::invalid, "the run has its outcome; there are no more calls");
      return find_or_start(run, session, prepare(exchange, *run, endpoint, body));
    };
    do {
      call = co_await decide_in_time(find);
      piece = co_await call->piece(0);
    } while (call->is_outdated());
    co_await forward(exchange, *session, *call, endpoint, std::move(piece));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::invalid || exchange.answered()) throw;
    refused = Failure{"invalid_request", error.what()};
  }
  if (refused) co_await exchange.respond(refusal(endpoint, *refused));
}

io::Task<std::shared_ptr<ModelCall>> ForeignAgents::find_or_start(RunPtr run,
                                                                  std::shared_ptr<Session> session,
                                                                  Asked asked) {
  co_await others_.wait_for(session, asked.key);
  auto turn = co_await session->writing.acquire();
  for (const auto& [number, call] : session->calls)
    if (call->key == asked.key) co_return call;
  std::int64_t next = 1;
  for (const auto& [number, call] : session->calls) next = std::max(next, number + 1);
  for (const auto& [number, known] : session->record().turns) {
    next = std::max(next, number + 1);
    if (!is_completed(known) || session->used.contains(number) || key_of(known.intent) != asked.key)
      continue;
    auto call = std::make_shared<ModelCall>(number, asked.key);
    ForeignAnswer answer = co_await session->foreign_answer(call->turn);
    call->end(std::move(answer));
    co_return call;
  }
  co_await note_divergence(*run, *session, asked, next);
  auto call = std::make_shared<ModelCall>(next, asked.key);
  auto plan =
      plan_call(run, session, next, asked.key, std::move(asked.body), std::move(asked.passed));
  co_return model_calls_.start(std::move(run), std::move(session), std::move(call),
                               std::move(plan));
}

// A first execution has nothing to keep to, and a fork owes nothing to the run whose beginning it
// shares; a call that failed or is unknown was asked before.
io::Task<> ForeignAgents::note_divergence(const objects::AgentRun& run, Session& session,
                                          const Asked& asked, std::int64_t turn) {
  const auto& record = session.record();
  if (session.fence() <= journal::Fence{1, 1} || record.diverged == session.fence()) co_return;
  std::optional<std::int64_t> expected;
  for (const auto& [number, known] : record.turns) {
    if (key_of(known.intent) == asked.key) co_return;
    const bool left = is_completed(known) && !known.recalled && !session.used.contains(number);
    if (!expected && left) expected = number;
  }
  if (!expected) co_return;
  journal::Diverged diverged{.turn = turn, .recorded = *expected};
  if (record.turns.at(*expected).intent.endpoint == asked.key.endpoint) {
    const Json before = co_await session.foreign_request(*expected);
    diverged.pointer = base::first_difference(before, asked.body).value_or("");
  }
  log_.warn("agent diverged", {{"namespace", run.metadata.ns},
                               {"run", run.metadata.name},
                               {"turn", std::to_string(turn)},
                               {"recorded", std::to_string(*expected)},
                               {"pointer", diverged.pointer}});
  const std::string error =
      cat("the agent, run again, asked something else than in its recorded call ", *expected,
          "; they first differ at ", diverged.pointer.empty() ? "the endpoint" : diverged.pointer,
          " (spec.resume.onDivergence: fail)");
  co_await session.append(std::move(diverged), {});
  if (!run.spec.resume || run.spec.resume->onDivergence != objects::OnDivergence::fail) co_return;
  co_await session.append_fact(
      journal::RunOutcome{.status = protocol::RunStatus::error, .text = "", .error = error}, {});
  throw base::Error(base::Code::invalid, error);
}

}  // namespace gateway
