#include "bridge/bridge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "bridge/room.h"
#include "bridge/sidecars.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/tls.h"
#include "io/while_client_stays.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"

namespace bridge {

using base::cat;

namespace {

constexpr std::size_t body_bytes_max = 32 * 1024 * 1024;
constexpr std::size_t small_bytes = 4 * 1024 * 1024;
constexpr std::size_t call_bytes_max = 1024 * 1024;  // it is parsed here
constexpr base::Duration body_limit{20'000};         // the agent is no network away
constexpr base::Duration answer_limit{600'000};      // of one try; a model may think for long
constexpr base::Duration give_up_after{
    600'000};  // of all tries: the run's own time limit comes first, usually
constexpr base::Duration first_pause{50}, longest_pause{5'000};

io::Response json_error(int status, std::string_view code, std::string_view message) {
  const base::Json body{{"error", {{"code", code}, {"message", message}}}};
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}

io::Response json_answer(std::string text) {
  return {200, {{"Content-Type", "application/json"}}, std::move(text)};
}

// Of the gateway's answer, what the agent is told beside the body.
io::Headers kept_of(const io::Headers& said) {
  io::Headers kept;
  for (const char* name : {"Content-Type", "Retry-After", "x-should-retry"})
    if (said.has(name)) kept.set(name, std::string(said.get(name)));
  return kept;
}

// What a foreign agent's own client asks for; a query may follow.
bool is_foreign(std::string_view path) {
  return path == "/v1/chat/completions" || path == "/v1/responses" || path == "/v1/embeddings" ||
         path == "/v1/messages";
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::string joined(const std::set<std::string>& all) {
  return base::join(std::vector<std::string>(all.begin(), all.end()), ",");
}

// 403 with Retry-After: the pod may be recorded as its run's later.
bool try_again(const io::ResponseStream& answer) {
  const int status = answer.status();
  return status == 502 || status == 503 || status == 504 ||
         (status == 403 && answer.headers().has("Retry-After"));
}

// "1.2" and call "3.0" → "1-2-3-0": a file name that no other execution uses.
std::string file_id(std::string_view execution, std::string_view call) {
  std::string id = cat(execution, "-", call);
  std::ranges::replace(id, '.', '-');
  for (char c : id)
    if (!((c >= '0' && c <= '9') || c == '-'))
      throw base::Error(base::Code::invalid, cat("\"", id, "\" is no call id"));
  return id;
}

}  // namespace

struct Bridge::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Log& g, std::unique_ptr<io::Dialer> gateway_,
       Config config_)
      : loop(l),
        clock(c),
        log(g),
        config(std::move(config_)),
        gateway(l, c, std::move(gateway_), "gateway"),
        sidecars(l, c, g, config.ipc_root, config.sidecars) {}

  // A call under way, for those who ask for it again.
  struct Execution {
    std::string body;
    std::optional<io::Response> answer;
    bool unrecorded = false;  // it ran, and the gateway has not noted what came of it
    io::Event ended;
  };

  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  Config config;
  io::HttpClient gateway;
  Sidecars sidecars;
  // For one of the largest each, beside small ones that wait for the model. A request is there
  // twice while it is sent.
  Room requests{body_bytes_max + small_bytes}, answers{body_bytes_max};
  std::map<std::string, std::shared_ptr<Execution>> executions;  // by file id
  // Of a foreign agent, whose clients know nothing of executions: the latest hello's, "" when this
  // bridge heard none, and the calls whose answers it has, as long as the gateway was not told.
  std::string foreign_execution;
  std::set<std::string> used;

  struct Body {
    std::string bytes;
    Room::Lease room;
  };
  struct Answer {
    io::Response response;
    Room::Lease room;
  };

  // How long a body may become. One that is too long is refused before it is read.
  static std::size_t length_of(const io::Headers& headers, std::size_t limit) {
    const auto length = base::parse_int(headers.get("Content-Length"));
    if (headers.has("Transfer-Encoding")) return limit;
    if (!length || *length < 0 || *length > static_cast<std::int64_t>(limit)) return 0;
    return static_cast<std::size_t>(*length);
  }

  io::Task<Body> read_body(io::Exchange& exchange, std::size_t limit) {
    Body body;
    body.room = co_await requests.take(length_of(exchange.headers(), limit));
    auto reading = exchange.body(limit);
    body.bytes =
        co_await io::within(clock, body_limit, "reading the request's body", std::move(reading));
    co_return body;
  }

  // `ours`: headers that are not the agent's to set.
  io::Request to_gateway(const io::Exchange& from, std::string path, std::string body,
                         const io::Headers& ours) {
    io::Request request{from.method(), std::move(path), {}, std::move(body)};
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Authorization",
                        cat("Bearer ", base::trim(io::read_file(config.token_file, 64 * 1024))));
    request.headers.set(protocol::header_protocol, std::to_string(protocol::protocol_version));
    request.headers.set(protocol::header_bridge, config.instance);
    for (const auto name :
         {protocol::header_execution, std::string_view("Accept"),
          std::string_view("anthropic-version"), std::string_view("anthropic-beta")})
      if (const auto value = from.headers().get(name); !value.empty())
        request.headers.set(name, std::string(value));
    for (const auto& [name, value] : ours.fields()) request.headers.set(name, value);
    return request;
  }

  // Opens the answer, repeating while the gateway is away. The caller holds the body.
  io::Task<std::unique_ptr<io::ResponseStream>> open(const io::Exchange& from, std::string path,
                                                     const std::string& body,
                                                     io::Headers ours = {}) {
    const auto until = clock.steady() + give_up_after;
    for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
      std::string why;
      try {
        io::Request request = to_gateway(from, path, body, ours);
        auto stream = co_await gateway.open(std::move(request), answer_limit);
        if (!try_again(*stream) || clock.steady() >= until) co_return stream;
        why = cat("status ", stream->status());
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable || clock.steady() >= until) throw;
        why = error.what();
      }
      log.warn("gateway away, trying again", {{"path", path}, {"why", why}});
      co_await io::sleep(clock, pause);
    }
  }

  // The whole answer, repeating when it breaks off.
  io::Task<Answer> ask(const io::Exchange& from, std::string path, const std::string& body) {
    for (;;) {
      auto stream = co_await open(from, path, body);
      Answer answer;
      answer.room = co_await answers.take(length_of(stream->headers(), body_bytes_max));
      try {
        io::Response& response = answer.response;
        response.status = stream->status();
        response.headers = kept_of(stream->headers());
        response.body = co_await stream->rest(body_bytes_max);
        co_return answer;
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        log.warn("answer broke off, asking again", {{"path", path}});
      }
    }
  }

  io::Task<> relay(io::Exchange& exchange) {
    const Body body = co_await read_body(exchange, body_bytes_max);
    Answer answer = co_await ask(exchange, exchange.target(), body.bytes);
    co_await exchange.respond(std::move(answer.response));
  }

  // As long as the agent is there: that of one which died meanwhile would end its successor's
  // execution.
  io::Task<> relay_hello(io::Exchange& exchange) {
    const Body body = co_await read_body(exchange, body_bytes_max);
    Answer answer;
    auto asking = [](Impl& self, const io::Exchange& from, const std::string& said,
                     Answer& out) -> io::Task<> {
      out = co_await self.ask(from, from.target(), said);
    };
    auto asked = asking(*this, exchange, body.bytes, answer);
    const bool stayed = co_await io::while_client_stays(loop, exchange, std::move(asked));
    if (!stayed) co_return;
    if (answer.response.status == 200) {
      const base::Json welcome = base::parse_json(answer.response.body);
      foreign_execution = cat(base::find_int(welcome, {"attempt"}).value_or(0), ".",
                              base::find_int(welcome, {"execution"}).value_or(0));
      used.clear();
    }
    co_await exchange.respond(std::move(answer.response));
  }

  // A foreign agent's client. One that hears only a part asks again by itself, and is answered from
  // the record; one that heard nothing yet does not notice.
  io::Task<> relay_foreign(io::Exchange& exchange) {
    const Body body = co_await read_body(exchange, body_bytes_max);
    const std::string asked_in = foreign_execution;
    const std::set<std::string> told = used;
    const io::Headers ours{{std::string(protocol::header_execution), asked_in},
                           {std::string(protocol::header_used), joined(told)}};
    std::unique_ptr<io::ResponseStream> stream;
    std::optional<std::string> piece;
    for (bool broken = true; std::exchange(broken, false);) {
      stream = co_await open(exchange, exchange.target(), body.bytes, ours);
      try {
        piece = co_await stream->next();
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        log.warn("answer broke off, asking again", {{"path", exchange.target()}});
        broken = true;
      }
    }
    if (asked_in == foreign_execution)
      for (const std::string& call : told) used.erase(call);
    co_await exchange.begin(stream->status(), kept_of(stream->headers()));
    for (; piece; piece = co_await stream->next()) co_await exchange.send(*piece);
    co_await exchange.end();
    const std::string call(stream->headers().get(protocol::header_call));
    if (!call.empty() && asked_in == foreign_execution) used.insert(call);
  }

  // Forwards pieces as they come. A turn that breaks off is asked for again: its deltas may then
  // come twice, its last line once.
  io::Task<> relay_stream(io::Exchange& exchange) {
    const Body body = co_await read_body(exchange, body_bytes_max);
    bool begun = false;
    for (;;) {
      auto stream = co_await open(exchange, exchange.target(), body.bytes);
      if (!begun) {
        co_await exchange.begin(stream->status(), kept_of(stream->headers()));
        begun = true;
      }
      bool broken = false;
      try {
        while (auto piece = co_await stream->next()) co_await exchange.send(*piece);
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        broken = true;
      }
      if (!broken) break;
      // The repeated stream starts on a line of its own.
      static constexpr std::string_view line_end = "\n";
      co_await exchange.send(line_end);
    }
    co_await exchange.end();
  }

  io::Task<> execute(io::Exchange& exchange) {
    const Body request = co_await read_body(exchange, call_bytes_max);
    const std::string& body = request.bytes;
    const auto call = protocol::from_text<protocol::ToolCall>(body);
    const std::string id = file_id(exchange.headers().get(protocol::header_execution), call.call);
    auto& known = executions[id];
    const bool joins = known != nullptr;
    if (!joins) known = std::make_shared<Execution>();
    const auto execution = known;
    if (joins && execution->body != body)
      throw base::Error(base::Code::invalid, cat("call ", call.call, " is another one already"));
    if (joins) {
      co_await execution->ended.wait();
    } else {
      execution->body = body;
      co_await settle(exchange, id, call, execution);
    }
    if (!execution->answer)
      throw base::Error(base::Code::unavailable, cat("call ", call.call, " came to no end"));
    io::Response answer = *execution->answer;
    co_await exchange.respond(std::move(answer));
  }

  // What ran is never run again by us: the entry of a call that the gateway has not noted stays.
  io::Task<> settle(io::Exchange& exchange, std::string id, protocol::ToolCall call,
                    std::shared_ptr<Execution> execution) {
    std::exception_ptr error;
    try {
      execution->answer = co_await decide_and_run(exchange, id, std::move(call), execution);
    } catch (...) {
      error = std::current_exception();
    }
    if (!execution->unrecorded) executions.erase(id);
    execution->ended.set();
    if (error) std::rethrow_exception(error);
  }

  io::Task<io::Response> decide_and_run(io::Exchange& exchange, std::string id,
                                        protocol::ToolCall call,
                                        std::shared_ptr<Execution> execution) {
    Answer decided = co_await ask(exchange, "/v1/tools/decide", execution->body);
    if (decided.response.status != 200) co_return std::move(decided.response);
    const auto decision = protocol::from_text<protocol::Decision>(decided.response.body);
    protocol::ToolResult result;
    if (decision.verdict == protocol::Verdict::done && decision.result) {
      result = *decision.result;
    } else if (decision.verdict != protocol::Verdict::allow) {
      result = {decision.reason, true, {}, {}};
    } else {
      execution->unrecorded = true;
      result = co_await granted(std::move(id), call, decision);
      const protocol::ToolOutcome outcome{call.call, result};
      const std::string told = protocol::to_text(outcome);
      Answer noted = co_await ask(exchange, "/v1/tools/outcome", told);
      if (noted.response.status != 200) co_return std::move(noted.response);
      execution->unrecorded = false;
    }
    co_return json_answer(protocol::to_text(result));
  }

  // Runs what has a grant for exactly these bytes. What goes wrong here is the call's result: the
  // model reads it.
  io::Task<protocol::ToolResult> granted(std::string id, protocol::ToolCall call,
                                         protocol::Decision decision) {
    const auto& grant = decision.grant;
    if (!grant || grant->call != call.call ||
        grant->argumentsSha256 != io::sha256_hex(call.arguments))
      throw base::Error(base::Code::denied,
                        cat("call ", call.call, " has no grant for these arguments"));
    protocol::ToolResult result;
    try {
      if (!decision.command && call.tool != "execute_command")
        throw base::Error(base::Code::not_found,
                          cat("no sidecar knows the tool \"", call.tool, "\""));
      Command command = decision.command ? make_command(std::move(*decision.command))
                                         : parse_command(call.arguments);
      result = co_await sidecars.execute(std::move(id), cat(config.run_uid, "/", call.call),
                                         std::move(command));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      result = {error.what(), true, {}, {}};
    }
    co_return result;
  }

  io::Task<> handle(io::Exchange& exchange) {
    io::Response refusal;
    try {
      // Only where clients of their own send one is there a query.
      const std::string path(path_of(exchange.target()));
      const std::string& target =
          is_foreign(path) || path == "/v1/models" ? path : exchange.target();
      const bool posted = exchange.method() == "POST";
      if (target == "/healthz") {
        co_await exchange.respond({200, {{"Content-Type", "text/plain"}}, "ok\n"});
      } else if (target == "/v1/models" && exchange.method() == "GET") {
        co_await relay(exchange);
      } else if (posted && target == "/v1/turn") {
        co_await relay_stream(exchange);
      } else if (posted && is_foreign(target)) {
        co_await relay_foreign(exchange);
      } else if (posted && target == "/v1/tools/execute") {
        co_await execute(exchange);
      } else if (posted && target == "/v1/hello") {
        co_await relay_hello(exchange);
      } else if (posted && (target == "/v1/tools/decide" || target == "/v1/tools/outcome" ||
                            target == "/v1/fetch" || target == "/v1/outcome")) {
        co_await relay(exchange);
      } else {
        refusal =
            json_error(404, "not_found", cat("no such endpoint: ", exchange.method(), " ", target));
      }
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled || exchange.answered()) throw;
      log.warn("request failed", {{"target", exchange.target()}, {"error", error.what()}});
      const int status = error.code() == base::Code::invalid  ? 400
                         : error.code() == base::Code::denied ? 403
                                                              : 503;
      refusal = json_error(status, base::name(error.code()), error.what());
    }
    if (!refusal.body.empty()) co_await exchange.respond(std::move(refusal));
  }
};

Bridge::Bridge(io::Loop& loop, base::Clock& clock, base::Log& log,
               std::unique_ptr<io::Dialer> gateway, Config config)
    : impl_(std::make_unique<Impl>(loop, clock, log, std::move(gateway), std::move(config))) {}

Bridge::~Bridge() = default;

io::Handler Bridge::handler() {
  return [this](io::Exchange& exchange) { return impl_->handle(exchange); };
}

io::Task<> Bridge::run() { return impl_->sidecars.run(); }

std::unique_ptr<io::Dialer> gateway_dialer(const std::string& address, const std::string& ca_file) {
  constexpr std::string_view unix_scheme = "unix:", tls_scheme = "https://";
  if (address.starts_with(unix_scheme)) return io::unix_dialer(address.substr(unix_scheme.size()));
  const auto colon = address.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : base::parse_int(std::string_view(address).substr(colon + 1));
  if (!address.starts_with(tls_scheme) || !port || *port < 1 || *port > 65535)
    throw base::Error(base::Code::invalid, cat("gateway address \"", address,
                                               "\": expected unix:/path or https://ip:port"));
  std::string ip = address.substr(tls_scheme.size(), colon - tls_scheme.size());
  io::TlsClient tls;
  tls.ca_pem = io::read_file(ca_file);
  tls.server_name = ip;
  return io::tls_dialer(io::tcp_dialer(ip, static_cast<std::uint16_t>(*port)),
                        io::make_context(tls));
}

}  // namespace bridge
