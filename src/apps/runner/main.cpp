// sympozium-runner: the agent container (`sympozium-runner`), the executor of tool sidecars
// (`sympozium-runner tools`), the parent of a foreign agent (`sympozium-runner init -- PROGRAM …`),
// and what puts that parent beside the foreign image's files (`sympozium-runner install FILE`).
//
// Exit codes: 0 the outcome is committed (success or failure), 1 it could not be: start me again, 2
// usage, 143 stopped; of `init` also the program's own.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "agent/launcher.h"
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

io::Task<> stop_program_at_signal(agent::Launcher& launcher) {
  for (;;) launcher.stop(co_await io::next_signal({SIGTERM, SIGINT}));
}

io::Task<> launch(agent::Launcher& launcher, io::TaskGroup& signals, int& code) {
  code = co_await launcher.run();
  signals.stop();
}

int run_foreign(io::Loop& loop, io::SystemClock& clock, base::Log& log,
                std::vector<std::string> argv) {
  auto dialer = bridge_dialer(environment(protocol::env_bridge));
  if (!dialer) {
    log.error(base::cat(protocol::env_bridge, ": expected http://127.0.0.1:PORT"));
    return exit_usage;
  }
  agent::LauncherConfig config;
  config.argv = std::move(argv);
  for (char** variable = environ; *variable; ++variable) config.env.emplace_back(*variable);
  config.workspace = protocol::mount_workspace;
  config.temporary = protocol::mount_tmp;
  config.result_file = environment(protocol::env_result_file);
  config.progress_file = base::cat(protocol::mount_ipc, "/.progress");
  agent::BridgeClient bridge(loop, clock, std::move(dialer));
  const auto write_to = [](int fd) {
    return [fd](std::string_view bytes) {
      while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(written));
      }
    };
  };
  agent::Launcher launcher(loop, clock, bridge, std::move(config),
                           {print_step, write_to(STDOUT_FILENO), write_to(STDERR_FILENO)});
  int code = 1;
  try {
    io::TaskGroup group(loop);
    group.spawn("signals", stop_program_at_signal(launcher));
    group.spawn("program", launch(launcher, group, code));
    loop.run(group.join());
  } catch (const std::exception& error) {
    log.error("cannot go on", {{"error", error.what()}});
    return 1;
  }
  return code;
}

int install(const std::string& path, base::Log& log) {
  constexpr unsigned program_mode = 0555;
  try {
    io::write_file(path, io::read_file("/proc/self/exe"), program_mode);
    return 0;
  } catch (const base::Error& error) {
    log.error("cannot install the launcher", {{"error", error.what()}});
    return 1;
  }
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
  if (argc > 3 && role == "init" && std::string_view(argv[2]) == "--")
    return run_foreign(loop, clock, log, {argv + 3, argv + argc});
  if (argc == 3 && role == "install") return install(argv[2], log);
  std::fputs(
      "usage: sympozium-runner                      the agent loop of a run's pod\n"
      "       sympozium-runner tools                the command executor of a tool sidecar\n"
      "       sympozium-runner init -- PROGRAM …    the parent of a foreign agent\n"
      "       sympozium-runner install FILE         a copy of this program\n",
      stderr);
  return exit_usage;
}
