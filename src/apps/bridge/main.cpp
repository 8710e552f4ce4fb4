// sympozium-bridge: the sidecar `ipc-bridge` of a run's pod. Configured by its environment alone
// (protocol/names.h).
//
// Exit codes: 0 stopped, 1 cannot go on, 2 the environment is wrong.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "bridge/bridge.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "protocol/names.h"

namespace {

std::string environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value ? value : "";
}

io::Task<> stop_at_signal(io::TaskGroup& group) {
  co_await io::next_signal({SIGTERM, SIGINT});
  group.stop();
}

// Large bodies go back to the system when they are done with: the container's memory is for the
// next ones. Left to itself, glibc would keep as much as it has once seen.
void give_memory_back() {
  constexpr int large_bytes = 128 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, large_bytes);
  ::mallopt(M_TRIM_THRESHOLD, large_bytes);
}

}  // namespace

int main() {
  give_memory_back();
  io::init_crypto();
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  base::StreamLog log(clock, "bridge", STDERR_FILENO, base::StreamLog::Form::json);
  try {
    bridge::Config config;
    config.token_file = base::cat(protocol::mount_token, "/token");
    config.ipc_root = std::string(protocol::mount_bridge_ipc);
    config.run_uid = environment(protocol::env_run_uid);
    config.instance = base::random_suffix(random, 32);
    config.sidecars = base::split(environment(protocol::env_sidecars), ',');
    auto gateway = bridge::gateway_dialer(environment(protocol::env_gateway),
                                          environment(protocol::env_gateway_ca));
    bridge::Bridge bridge(loop, clock, log, std::move(gateway), std::move(config));

    auto listener = io::listen_tcp(loop, "127.0.0.1", protocol::bridge_port);
    io::HttpServer server(loop, clock, log, io::ServerLimits{}, bridge.handler());
    io::TaskGroup group(loop);
    group.spawn("signals", stop_at_signal(group));
    group.spawn("sidecars", bridge.run());
    group.spawn("agent endpoint", server.serve(*listener, nullptr));
    loop.run(group.join());
    return 0;
  } catch (const base::Error& error) {
    log.error("cannot go on", {{"error", error.what()}});
    return error.code() == base::Code::invalid ? 2 : 1;
  }
}
