// An agent of somebody else: a loop around its own client, which knows nothing of runs.
#include "base/text.h"
#include "io/loop.h"
#include "llm/passthrough.h"
#include "sim/model.h"
#include "sim/pod.h"

namespace sim {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using llm::Endpoint;

namespace {

constexpr base::Duration patience{900'000}, pause{100};
constexpr int tries = 4;  // of one request, as clients make them by themselves

Endpoint endpoint_of(Agent agent) {
  return agent == Agent::chat       ? Endpoint::chat_completions
         : agent == Agent::messages ? Endpoint::messages
                                    : Endpoint::responses;
}

JsonObject say(std::string_view role, std::string text) {
  return {{"role", role}, {"content", std::move(text)}};
}

// The whole conversation so far. The agent's own words for the model's answers are the model's.
std::string make_request(Endpoint endpoint, const JsonArray& conversation) {
  JsonObject body{{"model", "whatever"}, {"stream", true}};
  if (endpoint == Endpoint::messages) body["max_tokens"] = 100;
  body[endpoint == Endpoint::responses ? "input" : "messages"] = conversation;
  return base::to_text(body);
}

struct Client {
  base::Clock& clock;
  io::HttpClient http;
  Endpoint endpoint;

  // What the model said. A broken answer is asked for again, and so is a refusal that allows it.
  io::Task<std::string> ask(std::string body) {
    std::string why;
    for (int made = 0; made < tries; ++made) {
      if (made > 0) co_await io::sleep(clock, pause);
      try {
        io::Request request{
            "POST", llm::served_path(endpoint), {{"Content-Type", "application/json"}}, body};
        auto stream = co_await http.open(std::move(request), patience);
        if (stream->status() != 200) {
          why = co_await stream->rest(1 << 20);
          if (stream->headers().get("x-should-retry") == "false") break;
          continue;
        }
        llm::Passthrough answer(endpoint, stream->headers().get("Content-Type"));
        while (const auto piece = co_await stream->next()) answer.add(*piece);
        answer.finish();
        if (answer.whole()) co_return answer.text();
        why = "an answer was not whole";
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        why = error.what();
      }
    }
    throw base::Error(base::Code::unavailable, cat("no answer: ", why));
  }
};

}  // namespace

io::Task<> run_foreign(io::Loop& loop, base::Clock& clock, agent::BridgeClient& launcher,
                       std::unique_ptr<io::Dialer> bridge, Agent agent) {
  protocol::Hello hello{"foreign"};
  const protocol::Welcome welcome = co_await launcher.hello(std::move(hello));
  if (welcome.outcome) co_return;
  const Endpoint endpoint = endpoint_of(agent);
  Client client{clock, io::HttpClient(loop, clock, std::move(bridge), "127.0.0.1"), endpoint};
  JsonArray conversation{say("user", welcome.task)};
  std::string text;
  const auto [kind, turns] = parse_task(welcome.task);
  for (std::int64_t turn = 1; turn <= turns; ++turn) {
    std::string body = make_request(endpoint, conversation);
    text = co_await client.ask(std::move(body));
    conversation.push_back(say("assistant", text));
    conversation.push_back(say("user", cat("tool ", turn)));
  }
  // At the end two at once: which of them comes first is nobody's business.
  std::array<std::string, 2> both;
  {
    io::TaskGroup group(loop);
    const auto ask = [&](std::size_t at) -> io::Task<> {
      std::string body =
          make_request(endpoint, JsonArray{say("user", cat(welcome.task, " aside ", at))});
      both[at] = co_await client.ask(std::move(body));
    };
    for (std::size_t at = 0; at < both.size(); ++at) group.spawn("aside", ask(at));
    co_await group.join();
  }
  protocol::Outcome outcome{protocol::RunStatus::success, cat(text, both[0], both[1]), ""};
  co_await launcher.finish(std::move(outcome));
}

}  // namespace sim
