#include "agent/bridge_client.h"

#include <algorithm>

#include "base/text.h"
#include "protocol/codec.h"

namespace agent {

using base::cat;

namespace {

constexpr base::Duration answer_limit{1'200'000};  // the run's own time limit comes first
constexpr base::Duration bridge_away_max{120'000};
constexpr base::Duration first_pause{20}, longest_pause{2'000};
constexpr std::size_t line_bytes_max = 32 * 1024 * 1024;

[[noreturn]] void throw_status(int status, const std::string& body) {
  std::string message;
  try {
    message = base::text_at(base::parse_json(body), {"error", "message"});
  } catch (const base::Error&) {
    message = body;
  }
  const base::Code code = status == 409                    ? base::Code::gone
                          : status == 401 || status == 403 ? base::Code::denied
                          : status == 429 || status >= 500 ? base::Code::unavailable
                                                           : base::Code::invalid;
  throw base::Error(code, cat("the gateway answered ", status, ": ", message));
}

}  // namespace

BridgeClient::BridgeClient(io::Loop& loop, base::Clock& clock, std::unique_ptr<io::Dialer> dialer)
    : clock_(clock), http_(loop, clock, std::move(dialer), "127.0.0.1") {}

io::Request BridgeClient::request(const std::string& path, const std::string& body) const {
  io::Request out{"POST", path, {{"Content-Type", "application/json"}}, body};
  if (!execution_.empty()) out.headers.set(protocol::header_execution, execution_);
  return out;
}

io::Task<std::string> BridgeClient::post(std::string path, std::string body) {
  const auto until = clock_.steady() + bridge_away_max;
  for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    try {
      io::Request asked = request(path, body);
      io::Response answer = co_await http_.send(std::move(asked), answer_limit);
      if (answer.status == 200) co_return std::move(answer.body);
      throw_status(answer.status, answer.body);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::unavailable || clock_.steady() >= until) throw;
    }
    co_await io::sleep(clock_, pause);
  }
}

io::Task<protocol::Welcome> BridgeClient::hello(protocol::Hello hello) {
  const std::string body = co_await post("/v1/hello", protocol::to_text(hello));
  auto welcome = protocol::from_text<protocol::Welcome>(body);
  execution_ = cat(welcome.attempt, ".", welcome.execution);
  co_return welcome;
}

io::Task<protocol::TurnResult> BridgeClient::turn(protocol::Turn turn) {
  const std::string body = protocol::to_text(turn);
  const auto until = clock_.steady() + bridge_away_max;
  for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    try {
      io::Request asked = request("/v1/turn", body);
      auto stream = co_await http_.open(std::move(asked), answer_limit);
      if (stream->status() != 200) {
        const std::string why = co_await stream->rest(line_bytes_max);
        throw_status(stream->status(), why);
      }
      io::LineSplitter lines(line_bytes_max);
      while (auto piece = co_await stream->next()) {
        lines.add(*piece);
        while (auto line = lines.next()) {
          if (line->empty()) continue;
          // A line that a broken connection cut short is followed by the repeated ones.
          if (!line->ends_with('}')) continue;
          auto event = protocol::from_text<protocol::TurnEvent>(*line);
          if (event.error) throw TurnFailed{std::move(*event.error)};
          if (event.result) co_return std::move(*event.result);
        }
      }
      throw base::Error(base::Code::unavailable, "the answer ended without a result");
    } catch (const base::Error& error) {
      if (error.code() != base::Code::unavailable || clock_.steady() >= until) throw;
    }
    co_await io::sleep(clock_, pause);
  }
}

io::Task<protocol::Decision> BridgeClient::decide(protocol::ToolCall call) {
  const std::string body = co_await post("/v1/tools/decide", protocol::to_text(call));
  co_return protocol::from_text<protocol::Decision>(body);
}

io::Task<> BridgeClient::report(protocol::ToolOutcome outcome) {
  co_await post("/v1/tools/outcome", protocol::to_text(outcome));
}

io::Task<protocol::ToolResult> BridgeClient::execute(protocol::ToolCall call) {
  const std::string body = co_await post("/v1/tools/execute", protocol::to_text(call));
  co_return protocol::from_text<protocol::ToolResult>(body);
}

io::Task<protocol::ToolResult> BridgeClient::fetch(protocol::ToolCall call) {
  const std::string body = co_await post("/v1/fetch", protocol::to_text(call));
  co_return protocol::from_text<protocol::ToolResult>(body);
}

io::Task<> BridgeClient::finish(protocol::Outcome outcome) {
  co_await post("/v1/outcome", protocol::to_text(outcome));
}

}  // namespace agent
