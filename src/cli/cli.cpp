#include "cli/cli.h"

#include <csignal>

#include "base/text.h"
#include "cli/connect.h"
#include "cli/render.h"
#include "cli/session.h"
#include "io/crypto.h"
#include "kube/client.h"
#include "kube/status.h"

namespace cli {

namespace {

io::Task<> wait_for_interrupt() { co_await io::next_signal({SIGINT, SIGTERM}); }

int code_of(const base::Error& error) {
  return error.code() == base::Code::invalid ? exit_usage : exit_error;
}

int execute(const CommandLine& line, const Environment& environment, Terminal& terminal) {
  if (std::holds_alternative<VersionOptions>(line.command))
    terminal.print(base::cat("sympozium  ", environment.version, "\n"));
  if (const auto* offline = std::get_if<VerifyOptions>(&line.command);
      offline && !offline->file.empty())
    return verify(terminal, *offline, line.common.output);
  const Server server = find_server(line.common, environment.variables);
  io::init_crypto();
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  base::StreamLog log(clock, "cli", environment.err, base::StreamLog::Form::text,
                      base::Level::warn);
  kube::Client api(loop, clock, kube::make_endpoint(server.config),
                   {.user_agent = "sympozium/" + environment.version});
  const bool ns_given = !line.common.ns.empty();
  Session session{loop,
                  clock,
                  random,
                  log,
                  api,
                  api,
                  terminal,
                  ns_given ? line.common.ns : server.config.ns,
                  ns_given,
                  line.common.output,
                  wait_for_interrupt};
  try {
    auto task =
        std::visit([&](const auto& options) { return execute(session, options); }, line.command);
    return loop.run(std::move(task));
  } catch (const kube::StatusError&) {
    throw;  // somebody answered
  } catch (const base::Error& error) {
    if (error.code() != base::Code::unavailable && error.code() != base::Code::timeout) throw;
    terminal.note("sympozium: " + explain_unreachable(server, error.what()));
    return exit_error;
  }
}

}  // namespace

std::map<std::string, std::string> read_variables(char** environ) {
  std::map<std::string, std::string> variables;
  for (; environ && *environ; ++environ) {
    const std::string_view entry = *environ;
    if (const auto equals = entry.find('='); equals != entry.npos)
      variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

int run(int argc, char** argv, const Environment& environment) {
  Terminal terminal(environment.in, environment.out, environment.err);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  try {
    for (const Command& command : environment.commands)
      if (!arguments.empty() && command.name == arguments.front()) {
        arguments.erase(arguments.begin());
        return command.run(arguments);
      }
    const Parsed parsed = parse(std::move(arguments), environment.commands);
    terminal.print(parsed.out);
    if (!parsed.err.empty()) terminal.note(base::trim(parsed.err));
    return parsed.line ? execute(*parsed.line, environment, terminal) : parsed.code;
  } catch (const OutputClosed&) {
    return exit_error;
  } catch (const base::Error& error) {
    terminal.note(base::cat("sympozium: ", printable(error.what())));
    return code_of(error);
  }
}

}  // namespace cli
