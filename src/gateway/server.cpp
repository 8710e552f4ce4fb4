#include "gateway/server.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/beginning.h"
#include "gateway/deltas.h"
#include "gateway/foreign.h"
#include "gateway/identity.h"
#include "gateway/model_calls.h"
#include "gateway/others.h"
#include "gateway/patient_journal.h"
#include "gateway/reporter.h"
#include "gateway/runs.h"
#include "gateway/session.h"
#include "gateway/tool_calls.h"
#include "gateway/workspace.h"
#include "io/while_client_stays.h"
#include "llm/family.h"
#include "policy/tools.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"

namespace gateway {

using base::cat;
using base::Json;
using base::JsonObject;
using namespace protocol;

namespace {

constexpr auto idle_session = std::chrono::minutes(30);
constexpr auto between_sweeps = std::chrono::minutes(1);
constexpr std::size_t error_bytes_max =
    32 * 1024;                                // of an agent's last word: it goes into a status
constexpr std::size_t agent_bytes_max = 256;  // of what an agent calls itself

io::Response answer(std::string json) {
  return {200, {{"Content-Type", "application/json"}}, std::move(json)};
}

io::Response refusal(const base::Error& error) {
  int status = 500;
  switch (error.code()) {
    case base::Code::denied: status = 403; break;
    case base::Code::gone: status = 409; break;
    case base::Code::invalid: status = 400; break;
    case base::Code::not_found: status = 404; break;
    case base::Code::unavailable:
    case base::Code::timeout: status = 503; break;
    default: break;
  }
  const JsonObject body{
      {"error", JsonObject{{"code", base::name(error.code())}, {"message", error.what()}}}};
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}

Place place_of(policy::ToolPlace place) {
  return place == policy::ToolPlace::runner    ? Place::runner
         : place == policy::ToolPlace::gateway ? Place::gateway
                                               : Place::sidecar;
}

OfferedTool offer(const policy::DeclaredTool& tool) {
  OfferedTool out{tool.name, place_of(tool.place), tool.targets, {}, nullptr};
  if (!tool.own) return out;
  out.description = tool.own->description;
  if (!tool.own->parameters.empty()) out.parameters = tool.own->parameters;
  return out;
}

// What decides about a run's calls, as text to be hashed: its lists and the tools that it declares.
std::string policy_text(const objects::AgentRun& run,
                        const std::vector<policy::DeclaredTool>& declared) {
  JsonObject out{{"toolPolicy", schema::encode(run.spec.toolPolicy)}};
  base::JsonArray names;
  for (const auto& tool : declared) names.emplace_back(tool.name);
  out["tools"] = std::move(names);
  return base::canonical(out);
}

// The system prompt, and where the instructions of the packs lie.
std::string system_prompt(const objects::AgentRun& run,
                          const std::vector<objects::SkillPack>& packs) {
  std::string out = run.spec.systemPrompt;
  std::string skills;
  for (const auto& pack : packs)
    for (const auto& skill : pack.spec.skills)
      skills += cat("- /skills/", skill.name, ".md", skill.description.empty() ? "" : ": ",
                    skill.description, "\n");
  if (skills.empty()) return out;
  if (!out.empty()) out += "\n\n";
  return out + "Instructions that you can read with read_file when they help:\n" + skills;
}

// There is a past, and nothing of it was asked by this run.
bool is_all_recalled(const Session& session, const std::vector<PastTurn>& past) {
  return !past.empty() && std::ranges::all_of(past, [&](const PastTurn& turn) {
    return session.record().turns.at(turn.turn).recalled;
  });
}

std::string event_line(TurnEvent event) { return to_text(event) + "\n"; }

}  // namespace

struct Gateway::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Random& r, base::Log& g, journal::Journal& j,
       kube::Api& a, Settings s, journal::Writers* w)
      : clock(c),
        log(g),
        loop(l),
        journal(c, g, j),
        settings(std::move(s)),
        verifier(c, g, a),
        runs(l, c, r, g, a),
        providers(l, c, r, g, a, settings.provider),
        reporter(c, g, journal, a),
        writers(w ? *w : sole_writer),
        others(c, writers),
        model_calls(l, g, providers, deltas, writers.self()),
        foreign(g, model_calls, others),
        tool_calls(l, c, runs, settings.fetch) {}

  base::Clock& clock;
  base::Log& log;
  io::Loop& loop;
  PatientJournal journal;
  Settings settings;
  TokenVerifier verifier;
  Runs runs;
  Providers providers;
  Reporter reporter;
  struct Held {
    std::shared_ptr<Session> session;
    base::Instant used;
  };
  std::map<std::string, Held> sessions;  // by run uid
  base::Instant swept{};                 // idle ones were let go
  journal::SoleWriter sole_writer;
  journal::Writers& writers;
  Others others;
  Deltas deltas;
  ModelCalls model_calls;  // its tasks use all of the above
  ForeignAgents foreign;
  ToolCalls tool_calls;

  std::shared_ptr<Session> session_of(const std::string& uid) {
    const auto now = clock.steady();
    if (now - swept > between_sweeps) {
      std::erase_if(sessions, [&](const auto& entry) {
        return now - entry.second.used > idle_session && entry.second.session.use_count() == 1;
      });
      swept = now;
    }
    auto& held = sessions[uid];
    if (!held.session) held.session = std::make_shared<Session>(journal, uid);
    held.used = now;
    return held.session;
  }

  // ---- hello ----

  io::Task<std::string> hello(RunPtr run, std::string body) {
    const auto said = from_text<Hello>(body);
    co_await runs.wait_for_packs(run);
    const auto packs = runs.packs_of(*run);
    const auto declared = policy::declared_tools(packs);
    auto session = session_of(run->metadata.uid);
    auto turn = co_await session->writing.acquire();
    const std::string agent(base::clip(said.agent, agent_bytes_max));
    std::function<io::Task<>()> begin = [&] {
      return begin_execution(*run, *session, declared, agent);
    };
    co_await decide_in_time(std::move(begin));
    Welcome welcome;
    welcome.ns = run->metadata.ns;
    welcome.name = run->metadata.name;
    welcome.uid = run->metadata.uid;
    welcome.attempt = session->fence().attempt;
    welcome.execution = session->fence().execution;
    welcome.model = run->spec.model.model;
    welcome.system = system_prompt(*run, packs);
    welcome.task = run->spec.task;
    welcome.iterations = settings.iterations;
    welcome.contextBytes = settings.context_bytes;
    for (const auto& tool : policy::offered_tools(run->spec.toolPolicy, declared))
      welcome.tools.push_back(offer(tool));
    welcome.past = co_await session->past();
    welcome.workspace = co_await find_lost(*session, declared, packs);
    welcome.completed = count_completed(*session);
    welcome.outcome = co_await session->outcome();
    if (const auto& fork = run->spec.fork; fork && is_all_recalled(*session, welcome.past)) {
      if (fork->newTask) welcome.say = run->spec.task;
      if (fork->newSystemPrompt) welcome.newSystem = welcome.system;
    }
    co_return to_text(welcome);
  }

  // For as long as the agent is there: one that died while it waited begins no execution.
  io::Task<> greet(RunPtr run, std::string body, std::string& out) {
    out = co_await hello(std::move(run), std::move(body));
  }

  io::Task<> begin_execution(const objects::AgentRun& run, Session& session,
                             const std::vector<policy::DeclaredTool>& declared, std::string agent) {
    co_await session.catch_up();
    if (!session.record().begun) {
      std::string policy_hash = blob_name(policy_text(run, declared));
      journal::Batch first = co_await plan_beginning(journal, run, std::move(policy_hash));
      co_await session.begin(std::move(first));
    }
    co_await session.begin_execution(run.status.attempt, std::move(agent), run.status.podUID);
    log.info("execution begun", {{"namespace", run.metadata.ns},
                                 {"run", run.metadata.name},
                                 {"attempt", std::to_string(session.fence().attempt)},
                                 {"execution", std::to_string(session.fence().execution)}});
  }

  // ---- turn ----

  io::Task<> turn(io::Exchange& exchange, RunPtr run, std::shared_ptr<Session> session,
                  std::string fence, std::string body) {
    const auto asked = from_text<Turn>(body);
    if (asked.turn < 1 || asked.parent >= asked.turn || asked.parent < 0)
      throw base::Error(base::Code::invalid,
                        cat("turn ", asked.turn, " cannot continue turn ", asked.parent));
    auto call = co_await find_or_start(run, session, fence, asked);
    co_await exchange.begin(200, {{"Content-Type", "application/x-ndjson"}});
    auto piece = co_await call->piece(0);
    while (call->is_outdated()) {
      call = co_await find_or_start(run, session, fence, asked);
      piece = co_await call->piece(0);
    }
    for (std::size_t sent = 0; piece; piece = co_await call->piece(++sent)) {
      const std::string line = event_line({.text = std::move(piece)});
      co_await exchange.send(line);
    }
    const std::string last = event_line(call->last());
    co_await exchange.send(last);
    co_await exchange.end();
  }

  io::Task<std::shared_ptr<ModelCall>> find_or_start(RunPtr run, std::shared_ptr<Session> session,
                                                     std::string fence, Turn asked) {
    co_await others.wait_for(session, asked.turn);
    session->check_fence(fence);
    if (session->record().outcome)
      throw base::Error(base::Code::gone, "the run has its outcome; there are no more turns");
    check_manner(*session, Manner::turns);
    if (auto known = co_await session->result(asked.turn)) {
      auto call = std::make_shared<ModelCall>(asked.turn);
      call->end({.result = std::move(known)});
      co_return call;
    }
    if (const auto under_way = session->calls.find(asked.turn); under_way != session->calls.end())
      co_return under_way->second;
    auto call = std::make_shared<ModelCall>(asked.turn);
    auto plan = plan_turn(run, session, std::move(asked));
    co_return model_calls.start(std::move(run), std::move(session), std::move(call),
                                std::move(plan));
  }

  io::Task<PlannedCall> plan_turn(RunPtr run, std::shared_ptr<Session> session, Turn asked) {
    auto messages = co_await session->conversation(asked.parent);
    auto tools = asked.tools;
    if (tools.empty()) tools = co_await session->tools(asked.parent);
    PlannedCall out;
    out.intent = {.turn = asked.turn, .parent = asked.parent};
    auto keep = [&](std::string bytes) {
      std::string name = blob_name(bytes);
      out.blobs.push_back({name, std::move(bytes)});
      return name;
    };
    for (const auto& message : asked.append) out.intent.appended.push_back(keep(to_text(message)));
    if (!asked.tools.empty()) {
      base::JsonArray list;
      for (const auto& tool : asked.tools) list.push_back(schema::encode(tool));
      out.intent.tools = keep(base::to_text(list));
    }
    const auto& model = run->spec.model;
    out.intent.parameters = JsonObject{{"provider", model.provider}, {"model", model.model}};
    for (auto& message : asked.append) messages.push_back(std::move(message));
    out.request = llm::make_request(llm::family_of(model.provider), model.model, messages, tools,
                                    llm::Delivery::streamed);
    co_return out;
  }

  // ---- end ----

  io::Task<> finish(std::shared_ptr<Session> session, std::string fence, Outcome outcome) {
    auto turn = co_await session->writing.acquire();
    std::function<io::Task<>()> once = [&] { return finish_once(session, fence, outcome); };
    co_await decide_in_time(std::move(once));
  }

  io::Task<> finish_once(std::shared_ptr<Session> session, std::string fence, Outcome outcome) {
    session->check_fence(fence);
    if (session->record().outcome) co_return;
    std::vector<journal::Batch::Blob> blobs;
    journal::RunOutcome body{.status = outcome.status,
                             .text = "",
                             .error = std::string(base::clip(outcome.error, error_bytes_max))};
    if (!outcome.text.empty()) {
      body.text = blob_name(outcome.text);
      blobs.push_back({body.text, std::move(outcome.text)});
    }
    co_await session->append(std::move(body), std::move(blobs));
  }

  // ---- requests ----

  // A foreign agent without our launcher says no hello: its first request in a pod begins an
  // execution.
  io::Task<> enter_foreign(const objects::AgentRun& run, Session& session) {
    co_await session.catch_up();
    if (has_begun(run, session)) co_return;
    auto turn = co_await session.writing.acquire();
    std::function<io::Task<>()> begin = [&] { return begin_foreign(run, session); };
    co_await decide_in_time(std::move(begin));
  }
  static bool has_begun(const objects::AgentRun& run, const Session& session) {
    return session.fence() >= journal::Fence{run.status.attempt, 1};
  }
  io::Task<> begin_foreign(const objects::AgentRun& run, Session& session) {
    if (has_begun(run, session)) co_return;
    const auto declared = policy::declared_tools(runs.packs_of(run));
    co_await begin_execution(run, session, declared, "foreign");
  }

  // A run that is over asks for nothing more, and neither does whoever holds the token of its pod.
  // An agent that was not yet seen to end well may hear again, or say again, what its last word
  // was.
  io::Task<> check_not_over(const objects::AgentRun& run, std::string_view path) {
    if (!is_terminal(run.status.phase)) co_return;
    bool is_last_word = path == "/v1/hello" || path == "/v1/outcome";
    if (is_last_word && run.status.exitCode != 0) {
      auto session = session_of(run.metadata.uid);
      co_await session->catch_up();
      is_last_word = session->record().outcome.has_value();
    }
    if (!is_last_word || run.status.exitCode == 0)
      throw base::Error(base::Code::gone, cat("run ", run.metadata.name, " is over"));
  }

  io::Task<> serve(io::Exchange& exchange) {
    const std::string version(exchange.headers().get(header_protocol));
    if (version != std::to_string(protocol_version)) {
      co_await exchange.respond(
          {426, {{header_protocol.data(), std::to_string(protocol_version)}}, ""});
      co_return;
    }
    const PodIdentity pod =
        co_await verifier.verify(std::string(exchange.headers().get("Authorization")));
    const RunPtr run = co_await runs.of_pod(pod);
    if (!run) {
      io::Response refused =
          refusal(base::Error(base::Code::denied, cat("pod ", pod.ns, "/", pod.pod,
                                                      " is not the recorded pod of a run")));
      refused.headers.set("Retry-After", "1");  // its controller may be away
      log.warn("pod refused", {{"namespace", pod.ns}, {"pod", pod.pod}});
      co_await exchange.respond(std::move(refused));
      co_return;
    }
    // Only where clients of their own send one is there a query.
    std::string target = exchange.target().substr(0, exchange.target().find('?'));
    if (!llm::find_endpoint(target) && target != "/v1/models") target = exchange.target();
    const std::string path = exchange.method() == "POST" ? target : "";
    co_await check_not_over(*run, path);
    std::string body = co_await exchange.body(settings.body_bytes);
    if (path == "/v1/hello") {
      std::string welcome;
      auto greeting = greet(run, std::move(body), welcome);
      const bool stayed = co_await io::while_client_stays(loop, exchange, std::move(greeting));
      if (stayed) co_await exchange.respond(answer(std::move(welcome)));
      co_return;
    }
    if (exchange.method() == "GET" && target == "/v1/models") {
      co_await exchange.respond(answer(list_models(*run)));
      co_return;
    }
    auto session = session_of(run->metadata.uid);
    const std::string fence(exchange.headers().get(header_execution));
    const ToolCalls::Asker asker{fence, std::string(exchange.headers().get(header_bridge))};
    const auto endpoint = llm::find_endpoint(path);
    if (endpoint && fence.empty()) {
      co_await enter_foreign(*run, *session);
    } else {
      co_await session->catch_up();
      session->check_fence(fence);
    }
    note_used(*session, exchange.headers().get(header_used));
    if (path == "/v1/turn") {
      co_await turn(exchange, run, session, fence, std::move(body));
    } else if (endpoint) {
      co_await foreign.complete(exchange, run, session, *endpoint, fence, std::move(body));
    } else if (path == "/v1/tools/decide") {
      auto call = from_text<ToolCall>(body);
      const Decision decision = co_await tool_calls.decide(run, session, std::move(call), asker);
      co_await exchange.respond(answer(to_text(decision)));
    } else if (path == "/v1/tools/outcome") {
      auto outcome = from_text<ToolOutcome>(body);
      co_await tool_calls.record_outcome(session, fence, std::move(outcome));
      co_await exchange.respond(answer("{}"));
    } else if (path == "/v1/fetch") {
      auto call = from_text<ToolCall>(body);
      const ToolResult result = co_await tool_calls.fetch(run, session, std::move(call), asker);
      co_await exchange.respond(answer(to_text(result)));
    } else if (path == "/v1/outcome") {
      auto outcome = from_text<Outcome>(body);
      co_await finish(session, fence, std::move(outcome));
      co_await exchange.respond(answer("{}"));
    } else {
      throw base::Error(base::Code::not_found,
                        cat("no such endpoint: ", exchange.method(), " ", exchange.target()));
    }
  }

  io::Task<> handle(io::Exchange& exchange) {
    std::optional<io::Response> refused;
    try {
      co_await serve(exchange);
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled || exchange.answered()) throw;
      log.warn("request refused", {{"target", exchange.target()}, {"error", error.what()}});
      refused = refusal(error);
    }
    if (refused) co_await exchange.respond(std::move(*refused));
  }

  io::Task<> run() {
    io::TaskGroup group(loop);
    group.spawn("watching", runs.watch());
    group.spawn("reporting", reporter.run());
    co_await group.join();
  }
};

Gateway::Gateway(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                 journal::Journal& journal, kube::Api& api, Settings settings,
                 journal::Writers* writers)
    : impl_(std::make_unique<Impl>(loop, clock, random, log, journal, api, std::move(settings),
                                   writers)) {}

Gateway::~Gateway() = default;

io::Handler Gateway::handler() {
  return [this](io::Exchange& exchange) { return impl_->handle(exchange); };
}

Deltas& Gateway::deltas() { return impl_->deltas; }

io::Task<> Gateway::run() { return impl_->run(); }

}  // namespace gateway
