// sympozium-runner: the agent container (`sympozium-runner`) and the executor of tool sidecars
// (`sympozium-runner tools`).
//
// Exit codes: 0 the outcome is committed (success or failure), 1 it could not be: start me again, 2
// usage, 143 stopped.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/runner.h"
#include "base/text.h"
#include "executor/executor.h"
#include "io/conn.h"
#include "protocol/codec.h"
#include "protocol/names.h"

namespace {

constexpr int exit_usage = 2, exit_stopped = 143;

std::string environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value ? value : "";
}

// Ends the other task of the group at SIGTERM or SIGINT.
io::Task<> stop_at_signal(io::TaskGroup& group, bool& stopped) {
  co_await io::next_signal({SIGTERM, SIGINT});
  stopped = true;
  group.stop();
}

io::Task<> then_stop(io::TaskGroup& group, io::Task<> work) {
  co_await std::move(work);
  group.stop();
}

// Runs `work` until it ends or a signal asks to stop.
int run_until_signal(io::Loop& loop, base::Log& log, io::Task<> work) {
  bool stopped = false;
  try {
    io::TaskGroup group(loop);
    group.spawn("signals", stop_at_signal(group, stopped));
    group.spawn("work", then_stop(group, std::move(work)));
    loop.run(group.join());
  } catch (const std::exception& error) {
    log.error("cannot go on", {{"error", error.what()}});
    return 1;
  }
  return stopped ? exit_stopped : 0;
}

void print_step(const protocol::Step& step) {
  const std::string line = protocol::to_text(step) + "\n";
  [[maybe_unused]] auto written = ::write(STDOUT_FILENO, line.data(), line.size());
}

std::unique_ptr<io::Dialer> bridge_dialer(const std::string& url) {
  constexpr std::string_view scheme = "http://127.0.0.1:";
  const auto port = url.starts_with(scheme)
                        ? base::parse_int(std::string_view(url).substr(scheme.size()))
                        : std::nullopt;
  if (!port || *port < 1 || *port > 65535) return nullptr;
  return io::tcp_dialer("127.0.0.1", static_cast<std::uint16_t>(*port));
}

int run_agent(io::Loop& loop, io::SystemClock& clock, base::Log& log) {
  const std::string url = environment(protocol::env_bridge);
  auto dialer = bridge_dialer(url);
  if (!dialer) {
    log.error(base::cat(protocol::env_bridge, "=\"", url, "\": expected http://127.0.0.1:PORT"));
    return exit_usage;
  }
  agent::BridgeClient bridge(loop, clock, std::move(dialer));
  agent::Runner runner(loop, clock, bridge, agent::FileTools(agent::Roots{}), print_step);
  return run_until_signal(loop, log, runner.run());
}

int run_tools(io::Loop& loop, io::SystemClock& clock, base::Log& log) {
  executor::Config config;
  config.target = environment(protocol::env_skill_pack);
  for (char** variable = environ; *variable; ++variable) config.environment.emplace_back(*variable);
  return run_until_signal(loop, log, executor::run(loop, clock, log, std::move(config)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view role = argc > 1 ? argv[1] : "";
  io::Loop loop;
  io::SystemClock clock(loop);
  base::StreamLog log(clock, role.empty() ? "runner" : std::string(role), STDERR_FILENO,
                      base::StreamLog::Form::json);
  if (argc <= 1) return run_agent(loop, clock, log);
  if (argc == 2 && role == "tools") return run_tools(loop, clock, log);
  std::fputs(
      "usage: sympozium-runner          the agent loop of a run's pod\n"
      "       sympozium-runner tools    the command executor of a tool sidecar\n",
      stderr);
  return exit_usage;
}
