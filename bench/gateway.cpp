// Model calls of many runs on several ways: through gateways that differ in their journal alone,
// as bridges make them; through a reverse proxy, and straight to the model, as the gateway makes
// them. Turn about, so that what disturbs the machine disturbs all.
#include "protocol/gateway.h"

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "llm/request.h"
#include "pods.h"
#include "process_events.h"
#include "protocol/codec.h"

namespace bench {

namespace {

using base::cat;
using namespace protocol;

constexpr base::Duration patience{30'000};
constexpr int runs = 64;
constexpr std::size_t question_bytes = 400;
constexpr io::ClientLimits many{.connections = 128};

class Way {
 public:
  Way(io::Loop& loop, base::Clock& clock, std::string name, std::unique_ptr<io::Dialer> dialer)
      : name(std::move(name)), client(loop, clock, std::move(dialer), "localhost", many) {}
  virtual ~Way() = default;
  // The request of this run for what follows its conversation, which ends with a question.
  virtual io::Request ask(std::size_t run, const std::vector<Message>& conversation) = 0;

  const std::string name;
  io::HttpClient client;
  std::vector<double> first_byte_ms;
};

class PlainWay final : public Way {
 public:
  using Way::Way;
  io::Request ask(std::size_t, const std::vector<Message>& conversation) override {
    return {"POST",
            "/v1/chat/completions",
            {{"Content-Type", "application/json"}},
            llm::make_request("sim-1", conversation, {}, llm::Delivery::streamed)};
  }
};

class GatewayWay final : public Way {
 public:
  using Way::Way;
  io::Task<> say_hello(const RunPod& pod) {
    Asker asker{{{"Content-Type", "application/json"},
                 {"Authorization", "Bearer " + pod.token},
                 {std::string(header_protocol), std::to_string(protocol_version)}},
                0};
    io::Request request{"POST", "/v1/hello", asker.headers, to_text(Hello{"sympozium-bench"})};
    const io::Response answer = co_await client.send(std::move(request), patience);
    if (answer.status != 200) throw base::Error(base::Code::denied, "hello: " + answer.body);
    const auto welcome = from_text<Welcome>(answer.body);
    asker.headers.set(header_execution, cat(welcome.attempt, ".", welcome.execution));
    askers_.push_back(std::move(asker));
  }
  io::Request ask(std::size_t run, const std::vector<Message>& conversation) override {
    Asker& asker = askers_[run];
    const std::int64_t before = asker.turn++;
    const Turn turn{.turn = asker.turn,
                    .parent = conversation.size() == 1 ? 0 : before,
                    .append = {conversation.back()}};
    return {"POST", "/v1/turn", asker.headers, to_text(turn)};
  }

 private:
  struct Asker {
    io::Headers headers;
    std::int64_t turn;  // the latest
  };
  std::vector<Asker> askers_;
};

using Ways = std::vector<std::unique_ptr<Way>>;

// No two questions are the same: contents that are there already are kept once.
Message next_question() {
  static int number = 0;
  return {Role::user, cat("bench: question ", ++number, std::string(question_bytes, '.')), {}, ""};
}

io::Task<> ask_once(Way& way, std::size_t run, const std::vector<Message>& conversation) {
  io::Request request = way.ask(run, conversation);
  const double began = now_ms();
  auto answer = co_await way.client.open(std::move(request), patience);
  const auto piece = co_await answer->next();
  way.first_byte_ms.push_back(now_ms() - began);
  const std::string rest = co_await answer->rest(1 << 20);
  if (answer->status() != 200 || !piece || (*piece + rest).contains("\"error\""))
    throw base::Error(base::Code::internal,
                      cat("a model call by ", way.name, ": ", piece.value_or(""), rest));
}

io::Task<> converse(Way& way, std::size_t run, int steps) {
  std::vector<Message> conversation;
  for (int i = 0; i < steps; ++i) {
    conversation.push_back(next_question());
    co_await ask_once(way, run, conversation);
    conversation.push_back({Role::assistant, "An answer of a few words.", {}, ""});
  }
}

void measure_steps(io::Loop& loop, Ways& ways, int rounds) {
  for (const int at_once : {1, 8, runs}) {
    const int steps = at_once == 1 ? 50 : 20;
    std::map<std::string, std::vector<double>> rates;
    for (int round = -1; round < rounds; ++round)
      for (auto& way : ways) {
        io::TaskGroup group(loop);
        const double began = now_ms();
        for (int run = 0; run < at_once; ++run)
          group.spawn("run", converse(*way, static_cast<std::size_t>(run), steps));
        loop.run(group.join());
        if (round < 0) continue;  // connections
        rates[way->name].push_back(at_once * steps * 1000 / (now_ms() - began));
      }
    for (const auto& way : ways)
      print_samples(cat(way->name, "_", at_once, "_steps_per_s"), "steps/s", rates[way->name]);
  }
}

io::Task<> ask_first(Way& way, std::size_t run) {
  const std::vector<Message> conversation{next_question()};
  co_await ask_once(way, run, conversation);
}

// Requests start at a fixed rate, whether or not earlier ones have been answered.
io::Task<> ask_at_rate(io::Loop& loop, base::Clock& clock, Way& way, int count, int per_second) {
  io::TaskGroup group(loop);
  const double began = now_ms();
  for (int i = 0; i < count; ++i) {
    const double due = began + i * 1000.0 / per_second;
    while (now_ms() + 0.5 < due) co_await io::sleep(clock, base::Duration(1));
    group.spawn("call", ask_first(way, static_cast<std::size_t>(i % runs)));
  }
  co_await group.join();
}

void measure_first_byte(io::Loop& loop, base::Clock& clock, Ways& ways, int rate, int seconds) {
  for (auto& way : ways) way->first_byte_ms.clear();
  constexpr int rounds = 4;
  for (int round = 0; round < rounds; ++round)
    for (auto& way : ways) loop.run(ask_at_rate(loop, clock, *way, rate * seconds / rounds, rate));
  for (auto& way : ways) print_samples(way->name + "_first_byte_ms", "ms", way->first_byte_ms);
}

// CPU time of its threads.
double cpu_ms(const std::string& pid) {
  double ns = 0;
  const std::string tasks = cat("/proc/", pid, "/task");
  for (const auto& task : io::list_directory(tasks)) {
    const std::string spent = io::read_file(cat(tasks, "/", task, "/schedstat"));
    ns += static_cast<double>(base::parse_int(spent.substr(0, spent.find(' '))).value_or(0));
  }
  return ns / 1e6;
}

}  // namespace

void measure_gateway(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  const RunMaker maker(loop, api, flags);
  const auto pods = make_pods(loop, clock, api, maker, "asking", runs);

  Ways ways;
  std::map<std::string, std::string> pids;
  for (const std::string& word : base::split(flags.get("gateways"), ',')) {
    const auto parts = base::split(word, '=');
    auto way = std::make_unique<GatewayWay>(loop, clock, parts.at(0), io::unix_dialer(parts.at(1)));
    for (const auto& pod : pods) loop.run(way->say_hello(pod));
    pids[way->name] = parts.at(2);
    ways.push_back(std::move(way));
  }
  const std::string& model = flags.get("model");  // 127.0.0.1:PORT
  const auto port = base::parse_int(std::string_view(model).substr(model.find(':') + 1));
  ways.push_back(
      std::make_unique<PlainWay>(loop, clock, "nginx", io::unix_dialer(flags.get("nginx"))));
  ways.push_back(std::make_unique<PlainWay>(
      loop, clock, "model", io::tcp_dialer("127.0.0.1", static_cast<std::uint16_t>(*port))));

  measure_steps(loop, ways, flags.number("rounds"));
  std::map<std::string, double> spent;
  for (const auto& [name, pid] : pids) spent[name] = cpu_ms(pid);
  measure_first_byte(loop, clock, ways, flags.number("rate"), flags.number("seconds"));
  const int calls = flags.number("rate") * flags.number("seconds");
  for (const auto& [name, pid] : pids)
    print_samples(name + "_cpu_ms_per_call", "ms", {(cpu_ms(pid) - spent[name]) / calls});
}

}  // namespace bench
