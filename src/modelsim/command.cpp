#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/text.h"
#include "io/file.h"
#include "modelsim/server.h"

namespace modelsim {

namespace {

constexpr int exit_ok = 0, exit_error = 1, exit_usage = 2;
constexpr char usage[] =
    "usage: sympozium model-sim --script FILE [--listen IP:PORT]\n"
    "\n"
    "A scripted stand-in for a model provider: OpenAI chat completions, responses and embeddings\n"
    "and Anthropic messages, answered from a YAML script. No model, no key, no cost. Port 0\n"
    "(default 127.0.0.1:0) takes any free port.\n"
    "\n"
    "example: sympozium model-sim --script examples/first-run/model.yaml\n";

void print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

io::Task<> wait_for_end(io::TaskGroup& group) {
  co_await io::next_signal({SIGTERM, SIGINT});
  group.stop();
}

int serve(const std::string& script_file, const std::string& ip, std::uint16_t port) {
  io::Loop loop;
  io::SystemClock clock(loop);
  base::StreamLog log(
      clock, "model-sim", STDERR_FILENO,
      ::isatty(STDERR_FILENO) ? base::StreamLog::Form::text : base::StreamLog::Form::json,
      base::Level::error);
  Script script;
  std::unique_ptr<io::Listener> listener;
  try {
    script = parse_script(io::read_file(script_file, 16 * 1024 * 1024), script_file);
    listener = io::listen_tcp(loop, ip, port);
  } catch (const base::Error& error) {
    std::fprintf(stderr, "model-sim: %s\n", error.what());
    return exit_error;
  }
  Simulator simulator(clock, std::move(script), print);
  // A broken-off answer is part of the play: the server's own log line about it is not shown.
  struct Quiet final : base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  } quiet;
  io::HttpServer server(loop, clock, quiet, {.connections_per_peer = 1024}, simulator.handler());
  print(base::cat("model-sim: this is a simulator, not a model: it answers from ", script_file));
  print(base::cat("model-sim: base URL http://", ip, ":", listener->port(), "/v1"));
  io::TaskGroup group(loop);
  group.spawn("server", server.serve(*listener, nullptr));
  group.spawn("signals", wait_for_end(group));
  try {
    loop.run(group.join());
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) return exit_ok;
    log.error(error.what());
    return exit_error;
  }
  return exit_ok;
}

}  // namespace

int run(const std::vector<std::string>& args) {
  std::string script, listen = "127.0.0.1:0";
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--help" || args[i] == "-h") {
      std::fputs(usage, stdout);
      return exit_ok;
    }
    const bool known = args[i] == "--script" || args[i] == "--listen";
    if (!known || i + 1 == args.size()) {
      std::fprintf(stderr, "model-sim: %s %s\n%s", known ? "no value for" : "unknown argument",
                   args[i].c_str(), usage);
      return exit_usage;
    }
    (args[i] == "--script" ? script : listen) = args[i + 1];
    ++i;
  }
  const auto colon = listen.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : base::parse_int(std::string_view(listen).substr(colon + 1));
  if (script.empty() || !port || *port < 0 || *port > 65535) {
    std::fprintf(stderr, "model-sim: %s\n%s",
                 script.empty() ? "--script FILE is needed" : "--listen wants IP:PORT", usage);
    return exit_usage;
  }
  return serve(script, listen.substr(0, colon), static_cast<std::uint16_t>(*port));
}

}  // namespace modelsim
