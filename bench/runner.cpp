// The runner as a program: how soon it asks the model, what a turn costs it, how much it holds.
//
// It speaks to a bridge that this process plays: hello, then `turns` answers of which all but the
// last ask for one read_file of 400 bytes, so that 50 turns stay below 32 KiB of conversation. CPU
// time is read from the process' own clock while it waits for an answer.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "io/process.h"
#include "process_events.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "protocol/names.h"
#include "support/temp_directory.h"

namespace bench {

namespace {

using base::cat;
using namespace protocol;

double cpu_ms(int pid) {
  clockid_t clock{};
  timespec spent{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &spent) != 0)
    throw base::Error(base::Code::internal, "the process has no clock any more");
  return static_cast<double>(spent.tv_sec) * 1e3 + static_cast<double>(spent.tv_nsec) / 1e6;
}

double most_resident_mib(int pid) {
  const std::string status = io::read_file(cat("/proc/", pid, "/status"));
  const auto at = status.find("VmHWM:");
  const auto line = std::string_view(status).substr(at + 6, status.find(" kB", at) - at - 6);
  return static_cast<double>(base::parse_int(base::trim(line)).value_or(0)) / 1024;
}

struct Seen {
  double first_turn_at = 0, first_cpu = 0, last_cpu = 0, resident = 0;
};

// The bridge and all behind it. `pid` is the agent of the moment.
struct Bridge {
  int turns = 1, pid = 0;
  std::string file;
  Seen seen;

  std::string answer(const Turn& turn) {
    const double now = now_ms();
    if (turn.turn == 1) seen.first_turn_at = now;
    if (turns > 1 && turn.turn == 2) seen.first_cpu = cpu_ms(pid);
    TurnResult result;
    result.usage = {100, 10};
    if (turn.turn < turns) {
      result.finish = Finish::tool_calls;
      result.message = {Role::assistant, "", {}, ""};
      result.message.toolCalls.push_back(
          {cat("call-", turn.turn), "read_file", cat(R"({"path":")", file, R"("})")});
    } else {
      seen.last_cpu = cpu_ms(pid);
      seen.resident = most_resident_mib(pid);
      result.message = {Role::assistant, "That is all.", {}, ""};
    }
    return to_text(TurnEvent{.text = {}, .result = std::move(result), .error = {}}) + "\n";
  }

  io::Task<> handle(io::Exchange& exchange) {
    const std::string body = co_await exchange.body(1 << 22);
    const std::string& path = exchange.target();
    std::string text = "{}";
    if (path == "/v1/hello") {
      Welcome welcome{.ns = "default", .name = "bench", .uid = "u", .model = "m", .task = "Read."};
      welcome.tools.push_back({.name = "read_file"});
      text = to_text(welcome);
    } else if (path == "/v1/turn") {
      text = answer(from_text<Turn>(body));
    } else if (path == "/v1/tools/decide") {
      text = to_text(Decision{.verdict = Verdict::allow});
    }
    co_await exchange.respond({200, {{"Content-Type", "application/json"}}, std::move(text)});
  }
};

io::Task<Seen> run_agent(io::Loop& loop, Bridge& bridge, io::ProcessSpec spec) {
  bridge.seen = {};
  io::Process process(loop, spec);
  bridge.pid = process.pid();
  const int code = co_await process.wait();
  if (code != 0)
    throw base::Error(base::Code::internal, cat(spec.argv.back(), ": exit code ", code));
  co_return bridge.seen;
}

io::Task<> measure(io::Loop& loop, Bridge& bridge, io::ProcessSpec agent, std::string name,
                   int starts, int conversations) {
  std::vector<double> start, turn, resident;
  for (int i = 0; i < starts; ++i) {
    bridge.turns = 1;
    const double began = now_ms();
    const Seen seen = co_await run_agent(loop, bridge, agent);
    start.push_back(seen.first_turn_at - began);
  }
  constexpr int turns = 50;
  for (int i = 0; i < conversations; ++i) {
    bridge.turns = turns;
    const Seen seen = co_await run_agent(loop, bridge, agent);
    turn.push_back((seen.last_cpu - seen.first_cpu) / (turns - 2));
    resident.push_back(seen.resident);
  }
  print_samples(name + "_start_ms", "ms", start);
  print_samples(name + "_cpu_ms_per_turn", "ms", turn);
  print_samples(name + "_rss_mib", "MiB", resident);
}

// From the order to start a program that does nothing to its end.
io::Task<> measure_floor(io::Loop& loop, std::string program, int times) {
  std::vector<double> all;
  io::ProcessSpec spec;
  spec.argv = {std::move(program)};
  for (int i = 0; i < times; ++i) {
    const double began = now_ms();
    io::Process process(loop, spec);
    co_await process.wait();
    all.push_back(now_ms() - began);
  }
  print_samples("exec_floor_ms", "ms", all);
}

}  // namespace

void measure_runner(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  SilentLog log;
  test::TempDirectory folder;
  Bridge bridge;
  bridge.file = folder / "words.txt";
  io::write_file(bridge.file, std::string(400, 'x'), 0644);
  auto listener = io::listen_tcp(loop, "127.0.0.1", 0);
  io::HttpServer server(loop, clock, log, {},
                        [&bridge](io::Exchange& exchange) { return bridge.handle(exchange); });
  io::TaskGroup group(loop);
  group.spawn("bridge", server.serve(*listener, nullptr));

  io::ProcessSpec runner, script;
  runner.env = {cat(env_bridge, "=http://127.0.0.1:", listener->port())};
  script.env = runner.env;
  runner.argv = {flags.get("runner")};
  script.argv = {"/usr/bin/python3", flags.get("script")};
  const int starts = flags.number("starts"), conversations = flags.number("conversations");
  loop.run(measure_floor(loop, flags.get("nothing"), starts));
  loop.run(measure(loop, bridge, runner, "runner", starts, conversations));
  loop.run(measure(loop, bridge, script, "python_agent", starts / 4, conversations / 4));
  group.stop();
  loop.run(group.join());
}

}  // namespace bench
