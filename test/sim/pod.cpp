#include "sim/pod.h"

#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "io/sync.h"

namespace sim {

using base::cat;
using base::Json;

namespace {

constexpr std::string_view sidecar = "skill-tools";
constexpr std::string_view request_prefix = "exec-request-";

}  // namespace

std::string memory_place() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

struct Pod::BridgeProcess {
  BridgeProcess(Pod& pod, bridge::Config config)
      : courier(pod.loop_, pod.clock_, pod.log_, pod.gateway_.dialer("bridge"), std::move(config)),
        http(pod.loop_, pod.clock_, pod.log_, {}, courier.handler()),
        tasks(pod.loop_) {
    tasks.spawn("bridge", courier.run());
  }
  bridge::Bridge courier;
  io::HttpServer http;
  io::TaskGroup tasks;
};

struct Pod::AgentProcess {
  explicit AgentProcess(Pod& pod)
      : client(pod.loop_, pod.clock_, pod.port_.dialer("agent")), tasks(pod.loop_) {
    tasks.spawn("agent", pod.run_agent(client));
  }
  agent::BridgeClient client;
  io::TaskGroup tasks;
};

Pod::Pod(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log, Port& gateway,
         ToolBox& tools, PodFacts facts, std::function<void(int)> exited)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      gateway_(gateway),
      tools_(tools),
      facts_(std::move(facts)),
      exited_(std::move(exited)),
      folder_(memory_place()),
      port_(clock),
      sidecar_(loop) {
  io::make_directories(cat(folder_ / "ipc", "/", sidecar, "/tools"), 0700);
  io::make_directories(folder_ / "workspace", 0700);
  io::write_file(folder_ / "token", facts_.token, 0600);
  sidecar_.spawn("sidecar", serve_tools());
}

Pod::~Pod() {
  kill_agent();
  kill_bridge();
  sidecar_.stop();
  loop_.run(sidecar_.join());
}

void Pod::start_bridge() {
  bridge_ = std::make_unique<BridgeProcess>(*this,
                                            bridge::Config{.token_file = folder_ / "token",
                                                           .ipc_root = folder_ / "ipc",
                                                           .run_uid = facts_.run,
                                                           .sidecars = {std::string(sidecar)},
                                                           .instance = base::random_uuid(random_)});
  port_.open(bridge_->http, bridge_->tasks);
}

void Pod::kill_bridge() {
  if (!bridge_) return;
  port_.shut();
  bridge_->tasks.stop();
  loop_.run(bridge_->tasks.join());
  bridge_.reset();
}

void Pod::start_agent() { agents_.push_back(std::make_unique<AgentProcess>(*this)); }

void Pod::kill_agent() {
  for (const auto& agent : agents_) {
    agent->tasks.stop();
    loop_.run(agent->tasks.join());
  }
  agents_.clear();
}

io::Task<> Pod::run_agent(agent::BridgeClient& client) {
  int code = 0;
  try {
    if (facts_.agent == Agent::runner) {
      const std::string workspace = folder_ / "workspace";
      agent::Runner runner(loop_, clock_, client, agent::FileTools({{workspace}, {workspace}}),
                           [](const protocol::Step&) {});
      co_await runner.run();
    } else {
      co_await run_foreign(loop_, clock_, client, port_.dialer("agent"), facts_.agent);
    }
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    log_.warn("agent failed", {{"run", facts_.run}, {"error", error.what()}});
    code = 1;
  }
  exited_(code);
}

// ---- the sidecar ----

io::Task<> Pod::serve_tools() {
  const std::string folder = cat(folder_ / "ipc", "/", sidecar, "/tools");
  io::DirectoryWatch requests(loop_, folder);
  io::TaskGroup commands(loop_);
  for (;;) {
    auto changes = co_await requests.next();
    for (const auto& change : changes)
      if (change.what == io::DirectoryWatch::Change::What::appeared &&
          change.name.starts_with(request_prefix))
        commands.spawn("command", answer(cat(folder, "/", change.name)));
  }
}

io::Task<> Pod::answer(std::string file) {
  const Json request = base::parse_json(io::read_file(file));
  const std::string id = base::text_at(request, {"_meta", "callId"});
  Executed executed{id.substr(0, id.find('/')), id.substr(id.find('/') + 1), "execute_command"};
  if (const auto& argv = request.at("argv").get_array(); !argv.empty())
    executed.tool = std::string(argv[0].get_string());
  tools_.executed.push_back(executed);
  if (tools_.on_executed) tools_.on_executed(executed);
  const auto time = tools_.delay ? tools_.delay() : base::Duration(0);
  if (time > base::Duration(0)) co_await io::sleep(clock_, time);
  const base::JsonObject result{{"id", request.at("id")},
                                {"exitCode", 0},
                                {"stdout", cat(executed.tool, " ", executed.call, "\n")},
                                {"stderr", ""},
                                {"timedOut", false}};
  std::string answer = file;
  answer.replace(answer.rfind(request_prefix), request_prefix.size(), "exec-result-");
  io::write_file(answer, base::to_text(result), 0600);
}

}  // namespace sim
