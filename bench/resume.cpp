// A run that is begun again: from its start until the first call that its model has not answered
// yet arrives there, beside the same run live. Bridge, runner and gateway are the shipped programs;
// the model answers at once and is in this process, which also plays the foreign agent.
#include <csignal>

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "io/sync.h"
#include "modelsim/server.h"
#include "pod_root.h"
#include "pods.h"
#include "process_events.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "protocol/names.h"

namespace bench {

namespace {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using namespace protocol;

constexpr base::Duration patience{60'000};
// The runner ends after 50 turns.
constexpr int turns_of_runner = 49, calls_of_foreign = 100;
constexpr std::size_t result_bytes = 400;

// Asks for one read_file in each answer but the last.
modelsim::Script script_of(int turns, const std::string& file) {
  modelsim::Conversation all;
  for (int turn = 1; turn <= turns; ++turn) {
    modelsim::Step step;
    step.text = "I look.";
    step.tool_calls.push_back({"read_file", JsonObject{{"path", file}}});
    all.steps.push_back(std::move(step));
  }
  all.steps.emplace_back().text = "That is all.";
  return {{std::move(all)}, {}};
}

// Refuses what comes behind the recorded turns as long as there is somebody to be interrupted.
class Model {
 public:
  Model(io::Loop& loop, base::Clock& clock, io::Listener& listener)
      : clock_(clock),
        server_(loop, clock, log_, {}, [this](io::Exchange& exchange) { return answer(exchange); }),
        tasks_(loop) {
    tasks_.spawn("model", server_.serve(listener, nullptr));
  }
  void begin(int turns, const std::string& file) {
    simulator_.emplace(clock_, script_of(turns, file), [](std::string_view) {});
  }
  // Waits for the `number`th request from now on: when it came.
  void expect(int number, bool refuse) {
    left_ = number;
    refuse_ = refuse;
    came_ = std::make_shared<io::Event>();
    let_go_ = std::make_shared<io::Event>();
  }
  io::Task<double> came() {
    const auto came = came_;
    auto waiting = came->wait();
    co_await io::within(clock_, patience, "the model is asked", std::move(waiting));
    co_return at_;
  }
  void let_go() { let_go_->set(); }  // the refused one, which waits until then
  bool asked_more() const { return left_ < 0; }

 private:
  io::Task<> answer(io::Exchange& exchange) {
    if (--left_ != 0) {
      co_await simulator_->handler()(exchange);
      co_return;
    }
    at_ = now_ms();
    came_->set();
    if (refuse_) {
      const auto let_go = let_go_;
      co_await let_go->wait();
      io::Response refused{400,
                           {{"Content-Type", "application/json"}},
                           R"({"error": {"message": "not now", "type": "invalid_request_error"}})"};
      co_await exchange.respond(std::move(refused));
    } else {
      co_await simulator_->handler()(exchange);
    }
  }

  base::Clock& clock_;
  SilentLog log_;
  std::optional<modelsim::Simulator> simulator_;
  int left_ = 0;
  bool refuse_ = false;
  double at_ = 0;
  std::shared_ptr<io::Event> came_, let_go_;
  io::HttpServer server_;
  io::TaskGroup tasks_;
};

// Live until it is interrupted, and again.
struct Took {
  std::vector<double> live, again;
};

io::Task<> run_runner(io::Loop& loop, base::Clock& clock, Model& model, io::ProcessSpec spec,
                      Took& took) {
  model.expect(turns_of_runner + 1, true);
  double began = now_ms();
  {
    io::Process runner(loop, spec);
    const double came = co_await model.came();
    took.live.push_back(came - began);
    runner.kill(SIGKILL);
    co_await runner.wait();
  }
  model.let_go();
  // A call under way is joined: let the gateway write down that this one was refused.
  co_await io::sleep(clock, base::Duration(200));
  model.expect(1, false);
  began = now_ms();
  io::Process runner(loop, spec);
  const double came = co_await model.came();
  took.again.push_back(came - began);
  const int code = co_await runner.wait();
  if (code != 0 || model.asked_more())
    throw base::Error(base::Code::internal, "the runner did not go on where it was");
}

// An agent that begins anew each time, until the model refuses or comes to an end.
io::Task<> run_foreign(io::HttpClient& client) {
  JsonArray conversation{JsonObject{{"role", "user"}, {"content", "Read."}}};
  for (;;) {
    const JsonObject body{{"model", "sim-1"}, {"messages", conversation}};
    io::Request request{"POST",
                        "/v1/chat/completions",
                        {{"Content-Type", "application/json"}},
                        base::to_text(body)};
    const io::Response response = co_await client.send(std::move(request), patience);
    if (response.status == 400) co_return;
    const Json answer = base::parse_json(response.body);
    const Json& message = answer.at("choices").at(0).at("message");
    const auto* calls = message.as_object().if_contains("tool_calls");
    if (!calls) co_return;
    conversation.push_back(message);
    conversation.push_back(JsonObject{{"role", "tool"},
                                      {"tool_call_id", calls->at(0).at("id")},
                                      {"content", std::string(result_bytes, 'x')}});
  }
}

io::Task<double> run_foreign_timed(io::HttpClient& client, Model& model, int number, bool refuse,
                                   bool greet) {
  model.expect(number, refuse);
  model.let_go();
  const double began = now_ms();
  if (greet) {
    io::Request hello{"POST", "/v1/hello", {}, to_text(Hello{"sympozium-bench"})};
    const io::Response welcome = co_await client.send(std::move(hello), patience);
    if (welcome.status != 200) throw base::Error(base::Code::denied, "hello: " + welcome.body);
  }
  co_await run_foreign(client);
  const double came = co_await model.came();
  if (model.asked_more())
    throw base::Error(base::Code::internal, "the model was asked for what it had answered");
  co_return came - began;
}

}  // namespace

void measure_resume(const Flags& flags) {
  PodRoot root(flags);
  root.mount_gateway(flags.get("gateway"));
  const std::string file = root / "workspace/words.txt";
  io::write_file(file, std::string(result_bytes, 'x'), 0644);
  io::Loop loop;
  io::SystemClock clock(loop);
  const int rounds = flags.number("rounds");
  auto listener =
      io::listen_tcp(loop, "127.0.0.1", static_cast<std::uint16_t>(flags.number("port")));
  Model model(loop, clock, *listener);
  std::vector<RunPod> pods;
  {
    kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
    const RunMaker maker(loop, api, flags);
    pods = make_pods(loop, clock, api, maker, "resumed", 2 * rounds);
  }
  root.leave_network();

  io::ProcessSpec runner;
  runner.argv = {flags.get("runner")};
  runner.env = {cat(env_bridge, "=http://127.0.0.1:", bridge_port)};
  io::HttpClient nginx(loop, clock, io::unix_dialer(flags.get("nginx")), "localhost");
  Took of_runner, of_foreign;
  std::vector<double> paid_again;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    root.write_token(pods[i].token);
    io::Process bridge_process(
        loop, root.program({"/bin/bridge"}, {cat(env_gateway, "=unix:/run/gateway/gateway.sock"),
                                             cat(env_run_uid, "=", pods[i].run)}));
    io::HttpClient bridge(loop, clock, io::tcp_dialer("127.0.0.1", bridge_port), "127.0.0.1");
    loop.run(wait_for_bridge(bridge, clock));
    if (i % 2 == 0) {
      model.begin(turns_of_runner, file);
      loop.run(run_runner(loop, clock, model, runner, of_runner));
    } else {
      constexpr int next = calls_of_foreign + 1;
      model.begin(calls_of_foreign, file);
      of_foreign.live.push_back(loop.run(run_foreign_timed(bridge, model, next, true, true)));
      of_foreign.again.push_back(loop.run(run_foreign_timed(bridge, model, 1, false, true)));
      paid_again.push_back(loop.run(run_foreign_timed(nginx, model, next, true, false)));
    }
    bridge_process.kill(SIGKILL);
    loop.run(bridge_process.wait());  // the next one takes its port
  }
  print_samples("live_runner_ms", "ms", of_runner.live);
  print_samples("resume_runner_ms", "ms", of_runner.again);
  print_samples("live_foreign_ms", "ms", of_foreign.live);
  print_samples("resume_foreign_ms", "ms", of_foreign.again);
  print_samples("nginx_again_ms", "ms", paid_again);
}

}  // namespace bench
