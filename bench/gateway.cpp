// Model calls through the running gateway, as a pod's bridge makes them, against the same requests
// straight to the model: until the first byte of the answer's body. Requests start at a fixed rate,
// whether or not earlier ones have been answered.
#include "protocol/gateway.h"

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "llm/request.h"
#include "process_events.h"
#include "protocol/codec.h"

namespace bench {

namespace {

using base::cat;
using namespace protocol;

constexpr base::Duration patience{30'000};
constexpr std::int64_t first_turn = 1000;  // the run's own agent waits in turn 1

std::string question(int number) { return cat("bench: question ", number); }

// One of the two ways.
struct Way {
  io::HttpClient client;
  std::function<io::Request(int number)> ask;
  std::vector<double> samples;
};

io::Task<> ask_once(Way& way, int number, double began) {
  io::Request request = way.ask(number);
  auto answer = co_await way.client.open(std::move(request), patience);
  const auto piece = co_await answer->next();
  way.samples.push_back(now_ms() - began);
  const std::string rest = co_await answer->rest(1 << 20);
  if (answer->status() != 200 || !piece || (*piece + rest).contains("\"error\""))
    throw base::Error(base::Code::internal, "a model call failed: " + piece.value_or("") + rest);
}

io::Task<> ask_at_rate(io::Loop& loop, base::Clock& clock, Way& way, int first, int count,
                       int per_second) {
  io::TaskGroup group(loop);
  const double began = now_ms();
  for (int i = 0; i < count; ++i) {
    const double due = began + i * 1000.0 / per_second;
    while (now_ms() + 0.5 < due) co_await io::sleep(clock, base::Duration(1));
    // What counts begins with the sending: the pacing is in whole milliseconds.
    group.spawn("call", ask_once(way, first + i, now_ms()));
  }
  co_await group.join();
}

io::Task<std::string> say_hello(io::HttpClient& gateway, io::Headers headers) {
  io::Request request{"POST", "/v1/hello", std::move(headers), to_text(Hello{"sympozium-bench"})};
  const io::Response answer = co_await gateway.send(std::move(request), patience);
  if (answer.status != 200) throw base::Error(base::Code::denied, "hello: " + answer.body);
  const auto welcome = from_text<Welcome>(answer.body);
  co_return cat(welcome.attempt, ".", welcome.execution);
}

}  // namespace

void measure_gateway(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  const std::string& model = flags.get("model");  // 127.0.0.1:PORT
  const auto port = base::parse_int(std::string_view(model).substr(model.find(':') + 1));
  const io::ClientLimits many{.connections = 256};
  Way direct{{loop, clock, io::tcp_dialer("127.0.0.1", static_cast<std::uint16_t>(port.value())),
              model, many},
             [](int number) {
               const std::vector<Message> messages{{Role::user, question(number), {}, ""}};
               return io::Request{
                   "POST",
                   "/v1/chat/completions",
                   {{"Content-Type", "application/json"}},
                   llm::make_request("sim-1", messages, {}, llm::Delivery::streamed)};
             },
             {}};
  io::Headers headers{{"Content-Type", "application/json"},
                      {"Authorization", "Bearer " + flags.get("token")},
                      {std::string(header_protocol), std::to_string(protocol_version)}};
  Way through{{loop, clock, io::unix_dialer(flags.get("socket")), "gateway", many},
              [&headers](int number) {
                const Turn turn{.turn = first_turn + number,
                                .append = {{Role::user, question(number), {}, ""}}};
                return io::Request{"POST", "/v1/turn", headers, to_text(turn)};
              },
              {}};
  headers.set(header_execution, loop.run(say_hello(through.client, headers)));

  // Turn about, so that what disturbs the machine disturbs both.
  const int rate = flags.number("rate"), rounds = 4;
  const int count = rate * flags.number("seconds") / rounds;
  for (int round = -1; round < rounds; ++round) {
    const int calls = round < 0 ? rate / 4 : count, first = (round + 1) * count + rate;
    loop.run(ask_at_rate(loop, clock, direct, first, calls, rate));
    loop.run(ask_at_rate(loop, clock, through, first, calls, rate));
    if (round >= 0) continue;
    direct.samples.clear();  // connections
    through.samples.clear();
  }
  print_samples("gateway_first_byte_ms", "ms", through.samples);
  print_samples("model_first_byte_ms", "ms", direct.samples);
}

}  // namespace bench
