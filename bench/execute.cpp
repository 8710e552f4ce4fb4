// execute_command through the shipped bridge and executor, in a root and a network of their own;
// the gateway behind the bridge is played here and grants everything, without a journal.
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "pod_root.h"
#include "process_events.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "protocol/names.h"

namespace bench {

namespace {

using base::cat;
using namespace protocol;

constexpr base::Duration patience{10'000};
constexpr char execution[] = "1.1";

io::Task<> grant_everything(io::Exchange& exchange) {
  const std::string body = co_await exchange.body(1 << 20);
  std::string answer = "{}";
  if (exchange.target() == "/v1/tools/decide") {
    const auto call = from_text<ToolCall>(body);
    Decision decision{.verdict = Verdict::allow};
    decision.grant = Grant{call.call, io::sha256_hex(call.arguments), "2100-01-01T00:00:00Z"};
    answer = to_text(decision);
  }
  co_await exchange.respond({200, {{"Content-Type", "application/json"}}, std::move(answer)});
}

double spawn_busybox_true() {
  char program[] = "/bin/busybox", applet[] = "true";
  char* argv[] = {program, applet, nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  int status = 0;
  const double began = now_ms();
  if (::posix_spawn(&pid, program, nullptr, nullptr, argv, environment) != 0)
    io::throw_errno("starting", program);
  ::waitpid(pid, &status, 0);
  return now_ms() - began;
}

io::Task<> measure(io::HttpClient& bridge, base::Clock& clock, int count) {
  std::vector<double> through, floor;
  co_await wait_for_bridge(bridge, clock);
  for (int i = 0; i < count + 5; ++i) {
    const ToolCall call{cat("1.", i), "execute_command", R"({"command":"true"})"};
    io::Request request{"POST", "/v1/tools/execute", {}, to_text(call)};
    request.headers.set(header_execution, execution);
    const double began = now_ms();
    const io::Response answer = co_await bridge.send(std::move(request), patience);
    const double took = now_ms() - began;
    if (answer.status != 200 || from_text<ToolResult>(answer.body).exitCode != 0)
      throw base::Error(base::Code::internal, "execute_command: " + answer.body);
    if (i < 5) continue;  // connections, page cache
    through.push_back(took);
    floor.push_back(spawn_busybox_true());
  }
  print_samples("execute_command_ms", "ms", through);
  print_samples("busybox_true_ms", "ms", floor);
}

}  // namespace

void measure_execute(const Flags& flags) {
  PodRoot root(flags);
  root.leave_network();
  io::Loop loop;
  io::SystemClock clock(loop);
  SilentLog log;
  auto listener = io::listen_unix(loop, root / "run/gateway.sock", 0600);
  io::HttpServer gateway(loop, clock, log, {}, grant_everything);

  const io::Process bridge_process(
      loop,
      root.program({"/bin/bridge"}, {cat(env_gateway, "=unix:/run/gateway.sock"),
                                     cat(env_run_uid, "=uid"), cat(env_sidecars, "=skill-tools")}));
  const io::Process tools(
      loop, root.program({"/bin/runner", "tools"}, {cat(env_skill_pack, "=tools"), "PATH=/bin"}));
  io::TaskGroup group(loop);
  group.spawn("gateway", gateway.serve(*listener, nullptr));
  io::HttpClient bridge(loop, clock, io::tcp_dialer("127.0.0.1", bridge_port), "127.0.0.1");
  loop.run(measure(bridge, clock, flags.number("count")));
  bridge_process.kill(SIGKILL);
  tools.kill(SIGKILL);
  group.stop();
  loop.run(group.join());
}

}  // namespace bench
