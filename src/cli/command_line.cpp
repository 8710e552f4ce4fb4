#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "base/time.h"

namespace cli {

namespace {

const std::map<std::string, Output> outputs{
    {"wide", Output::wide}, {"json", Output::json}, {"yaml", Output::yaml}, {"name", Output::name}};

// `-o` of a command: the forms that it knows.
void add_output(CLI::App& command, Output& place, std::vector<std::string> forms) {
  const std::string known = base::join(forms, "|");
  command
      .add_option_function<std::string>(
          "-o,--output",
          [&place, forms, known](const std::string& word) {
            if (std::ranges::find(forms, word) == forms.end())
              throw CLI::ValidationError("-o", base::cat("\"", word, "\" is no form of output of ",
                                                         "this command; take one of ", known));
            place = outputs.at(word);
          },
          "How to print")
      ->type_name(known);
}

CLI::App& add(CLI::App& app, std::string name, std::string summary, const char* examples) {
  CLI::App& command = *app.add_subcommand(std::move(name), std::move(summary));
  command.footer(std::string("\nExamples:\n") + examples);
  command.fallthrough();
  return command;
}

std::string check_duration(const std::string& text) {
  auto duration = base::parse_duration(text);
  return duration && duration->count() > 0
             ? ""
             : base::cat("\"", text, "\" is no duration; write it as 90s, 10m or 1h30m");
}

std::string check_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://")
             ? ""
             : base::cat("\"", text, "\" is no URL; write it as https://api.example.com/v1");
}

std::string check_since(const std::string& text) {
  return base::parse_time(text) ? "" : check_duration(text);
}

double parse_speed(const std::string& text) {
  if (text == "max") return std::numeric_limits<double>::infinity();
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (error != std::errc() || end != text.data() + text.size() || !(speed > 0) ||
      !std::isfinite(speed))
    throw CLI::ValidationError("--speed",
                               base::cat("\"", text, "\" is no speed; take 0.5, 10 or max"));
  return speed;
}

void add_run(CLI::App& app, RunOptions& run, Output& output) {
  CLI::App& command =
      add(app, "run", "Run an agent: watch it work, print its answer",
          "  sympozium run writer --task \"Write a haiku about containers\"\n"
          "  git diff | sympozium run reviewer --task - > review.txt\n\n"
          "The answer goes to standard output, all else to standard error. Exit code: 0 the agent\n"
          "succeeded, 1 it failed, 124 it ran out of time, 130 you left (the run goes on).");
  command.add_option("AGENT", run.agent, "Name of the Agent; may be left out when there is one");
  command.add_option("--task", run.task, "What to do; - reads it from standard input")
      ->type_name("TEXT")
      ->required();
  command.add_option("--name", run.name, "Name of the run; default: made from the agent's");
  auto optional = [&](const char* flag, std::optional<std::string>& place, const char* type,
                      const char* doc) {
    return command.add_option(flag, place, doc)->type_name(type);
  };
  optional("--model", run.model, "MODEL", "Model instead of the agent's");
  optional("--base-url", run.base_url, "URL", "Provider's URL instead of the agent's")
      ->check(check_url);
  optional("--provider", run.provider, "ID", "Provider instead of the agent's: openai, …");
  optional("--secret", run.secret, "NAME", "Secret with the provider's key instead of the agent's");
  optional("--system", run.system, "TEXT", "System prompt instead of the agent's");
  optional("--timeout", run.timeout, "DURATION", "How long the run may take; default 10m")
      ->check(check_duration);
  command.add_flag("--detach", run.detach, "Start it, print its name and leave");
  add_output(command, output, {"json", "yaml"});
}

void add_get(CLI::App& app, GetOptions& get, Output& output) {
  CLI::App& command = add(app, "get", "List objects, or print some",
                          "  sympozium get runs\n"
                          "  sympozium get agents first -o yaml\n"
                          "  sympozium get runs -A -w");
  command
      .add_option("KIND", get.kind, "agents, runs, skillpacks, runrecords, jobs, pods, secrets, …")
      ->required();
  command.add_option("NAME", get.names, "Only these");
  command.add_option("-l,--selector", get.selector, "Only objects with these labels: a=b,c!=d");
  command.add_flag("-A,--all-namespaces", get.all_namespaces, "Of every namespace");
  command.add_flag("-w,--watch", get.watch, "Go on and print what changes");
  add_output(command, output, {"wide", "json", "yaml", "name"});
}

void add_describe(CLI::App& app, DescribeOptions& describe) {
  CLI::App& command = add(app, "describe", "Tell everything about one object, for people",
                          "  sympozium describe run first-x7f2k\n"
                          "  sympozium describe agent first");
  command.add_option("KIND", describe.kind, "agent, run, skillpack, job, pod, …")->required();
  command.add_option("NAME", describe.name, "Its name")->required();
}

void add_logs(CLI::App& app, LogsOptions& logs, Output& output) {
  CLI::App& command =
      add(app, "logs", "Print what a run did: its pod's log, or the journal's transcript",
          "  sympozium logs first-x7f2k -f\n"
          "  sympozium logs first-x7f2k --raw | jq .tool\n"
          "  sympozium logs first-x7f2k --steps\n\n"
          "--steps needs neither the pod nor the AgentRun any more; then RUN may be a UID, too.");
  command.add_option("RUN", logs.run, "Name of the AgentRun")->required();
  auto follow = command.add_flag("-f,--follow", logs.follow, "Go on until the run has ended");
  auto raw =
      command.add_flag("--raw", logs.raw, "The lines as they are: JSON, one object per step");
  auto container = command.add_option("-c,--container", logs.container,
                                      "Another container of the pod, raw: ipc-bridge, skill-NAME");
  command
      .add_flag(
          "--steps", logs.steps,
          "From the journal: task, turns, tool calls, results, what is unknown; -o json: whole")
      ->excludes(raw)
      ->excludes(follow)
      ->excludes(container);
  add_output(command, output, {"json"});
}

void add_events(CLI::App& app, EventsOptions& events, Output& output) {
  CLI::App& command = add(
      app, "events", "Print what happened in a namespace, from the journal",
      "  sympozium events -f\n"
      "  sympozium events --run first-x7f2k\n"
      "  sympozium events --since 10m -o json | jq -r .type\n\n"
      "-o json prints each as a CloudEvent. -f begins with what is new, unless --since or --run\n"
      "says otherwise, and goes on behind a lost connection; with --run until that run has ended.");
  command.add_flag("-f,--follow", events.follow, "Go on with what comes");
  command.add_option("--run", events.run, "Of this run only, by name or UID")->type_name("RUN");
  command.add_option("--agent", events.agent, "Of this Agent's runs that still exist")
      ->type_name("AGENT");
  command.add_option("--since", events.since, "Not older than 10m, or than 2026-01-02T03:04:05Z")
      ->type_name("TIME")
      ->check(check_since);
  add_output(command, output, {"json"});
}

void add_replay(CLI::App& app, ReplayOptions& replay, Output& output) {
  CLI::App& command =
      add(app, "replay", "Play a recorded run again, with its pauses; nothing is asked or paid",
          "  sympozium replay first-x7f2k\n"
          "  sympozium replay first-x7f2k --speed 10 --until 2");
  command.add_option("RUN", replay.run, "Its name or UID")->required();
  command
      .add_option("--until", replay.until,
                  "Stop behind a step: the answer of turn 2, or the result of call 2.0")
      ->type_name("STEP");
  command
      .add_option_function<std::string>(
          "--speed", [&replay](const std::string& text) { replay.speed = parse_speed(text); },
          "How much faster than it was; max: without pauses")
      ->type_name("X");
  add_output(command, output, {"json"});
}

void add_fork(CLI::App& app, ForkOptions& fork, Output& output) {
  CLI::App& command = add(
      app, "fork", "Make a new run that shares the beginning of a recorded one",
      "  sympozium fork first-x7f2k --at 2\n"
      "  sympozium fork first-x7f2k --at 3 --task \"Now say it in French\"\n"
      "  sympozium fork first-x7f2k --at 1 --model bigger --name second-try\n\n"
      "What is shared costs nothing, and stays when RUN is deleted or forgotten. RUN may be\n"
      "a UID, may still be running, or may be imported. Tool calls that have a result are\n"
      "not executed again, but files that were written are made again in the new pod's\n"
      "/workspace; what else was changed there is gone, and the model is told.\n\n"
      "--task    what the user says next, behind the shared steps; with --at 0 the task\n"
      "--system  from there on the model sees this system prompt in place of the recorded one,\n"
      "          then the shared conversation\n"
      "--model   asked for everything new\n\n"
      "An agent of a harness begins again from its start and is answered from the shared\n"
      "record wherever it asks the same; another task, model or system prompt makes other\n"
      "questions, and those are paid.");
  command.add_option("RUN", fork.run, "Its name or UID")->required();
  command
      .add_option("--at", fork.at,
                  "The last model turn that is shared, as logs --steps counts; 0: none")
      ->type_name("STEP")
      ->check(CLI::NonNegativeNumber)
      ->required();
  command.add_option("--task", fork.task, "What comes next; - reads it from standard input")
      ->type_name("TEXT");
  command.add_option("--model", fork.model, "Model instead of the recorded run's")
      ->type_name("MODEL");
  command.add_option("--system", fork.system, "System prompt instead of the recorded run's")
      ->type_name("TEXT");
  command.add_option("--name", fork.name, "Name of the new run; default: made from RUN's");
  command.add_flag("--detach", fork.detach, "Start it, print its name and leave");
  add_output(command, output, {"json", "yaml"});
}

void add_diff(CLI::App& app, DiffOptions& diff, Output& output) {
  CLI::App& command =
      add(app, "diff", "Compare two recorded runs: requests, answers, tool calls, tokens",
          "  sympozium diff first-x7f2k first-9qk4d\n"
          "  sympozium diff first-x7f2k first-9qk4d -o json | jq .differences\n\n"
          "Exit code: 0 they did the same, 1 they did not.");
  command.add_option("RUN", diff.first, "Name or UID of the first")->required();
  command.add_option("OTHER", diff.second, "Name or UID of the second")->required();
  add_output(command, output, {"json"});
}

void add_export(CLI::App& app, ExportOptions& options) {
  CLI::App& command = add(app, "export", "Write a recorded run to standard output, as one file",
                          "  sympozium export first-x7f2k > run.ndjson\n"
                          "  sympozium export first-x7f2k | gzip > run.ndjson.gz");
  command.add_option("RUN", options.run, "Its name or UID")->required();
}

void add_import(CLI::App& app, ImportOptions& options, Output& output) {
  CLI::App& command =
      add(app, "import", "Take in a run that was exported, to be read and never to go on",
          "  sympozium import run.ndjson\n"
          "  sympozium import run.ndjson -n evidence -o name");
  command.add_option("FILE", options.file, "What `sympozium export` wrote; - for standard input")
      ->required();
  add_output(command, output, {"json", "yaml", "name"});
}

void add_erase(CLI::App& app, EraseOptions& options) {
  CLI::App& command = add(
      app, "erase", "Erase what was said in recorded runs; that it happened stays, and verifies",
      "  sympozium erase first-x7f2k");
  command.add_option("RUN", options.runs, "Their names or UIDs")->required();
}

void add_forget(CLI::App& app, ForgetOptions& options) {
  CLI::App& command = add(app, "forget", "Remove recorded runs, with all that there is of them",
                          "  sympozium forget first-x7f2k\n"
                          "  sympozium forget --ended-before 720h -n demo");
  auto* runs = command.add_option("RUN", options.runs, "Their names or UIDs");
  auto* age = command.add_option("--ended-before", options.ended_before,
                                 "All of the namespace that ended longer ago, as 720h");
  age->type_name("DURATION")->excludes(runs);
  command.require_option(1);
}

void add_audit(CLI::App& app, VerifyOptions& options, Output& output) {
  CLI::App& audit = add(app, "audit", "Verify what was recorded",
                        "  sympozium audit verify run.ndjson\n"
                        "  sympozium audit verify -n team-a --key audit.pub");
  audit.require_subcommand(1);
  CLI::App& verify =
      add(audit, "verify", "Look for changes: in an exported run, or in all of a namespace",
          "  sympozium audit verify run.ndjson --key audit.pub\n"
          "  sympozium audit verify -n team-a --key audit.pub\n"
          "  sympozium audit verify run.ndjson -o json\n\n"
          "With FILE no server is asked. Exit code: 0 nothing was changed, removed or put\n"
          "in another place since it was written, 1 otherwise, and what was is named.\n"
          "Signatures say who wrote it: with --key, that it was somebody who has the\n"
          "private key of one of those public keys; without, of the keys that come with\n"
          "it, which whoever forges the rest could have made, too.");
  verify.add_option("FILE", options.file,
                    "What `sympozium export` wrote, - for standard input; without: the "
                    "namespace's runs and checkpoints, from the server");
  verify
      .add_option("--key", options.key,
                  "File with the public keys (PEM) to trust: a home's audit.pub")
      ->type_name("FILE");
  add_output(verify, output, {"json"});
}

void add_delete(CLI::App& app, DeleteOptions& remove) {
  CLI::App& command = add(app, "delete", "Delete objects; a run's work stops with it",
                          "  sympozium delete run first-x7f2k\n"
                          "  sympozium delete agents first second");
  command.add_option("KIND", remove.kind, "agent, run, skillpack, secret, …")->required();
  command.add_option("NAME", remove.names, "Their names")->required();
}

void add_apply(CLI::App& app, ApplyOptions& apply, Output& output) {
  CLI::App& command = add(app, "apply", "Create objects from YAML or JSON, or change them to it",
                          "  sympozium apply -f examples/first-run/agent.yaml\n"
                          "  sympozium apply -f agents/ --dry-run");
  command.add_option("-f,--filename", apply.files, "A file, a folder, or - for standard input")
      ->type_name("FILE")
      ->required();
  command.add_flag("--dry-run", apply.dry_run, "Let the server check everything and keep nothing");
  add_output(command, output, {"json", "yaml", "name"});
}

std::string describe_others(const std::vector<Command>& others) {
  std::size_t width = 0;
  for (const Command& other : others)
    if (other.shown == Command::Shown::in_help) width = std::max(width, other.name.size());
  std::string text;
  for (const Command& other : others)
    if (other.shown == Command::Shown::in_help)
      text += base::cat("  ", other.name, std::string(width - other.name.size() + 3, ' '),
                        other.summary, "\n");
  return text.empty() ? "" : "\nThe embedded home:\n" + text;
}

// Where the first word stands that is no flag and no value of one.
std::size_t find_word(const std::vector<std::string>& arguments) {
  static constexpr std::array with_value{"--kubeconfig", "--context", "-n", "--namespace"};
  std::size_t at = 0;
  while (at < arguments.size() && arguments[at].starts_with('-'))
    at += std::ranges::find(with_value, arguments[at]) == with_value.end() ? 1 : 2;
  return at;
}

bool knows(const CLI::App& app, const std::string& command) {
  return std::ranges::any_of(app.get_subcommands(nullptr),
                             [&](const CLI::App* known) { return known->get_name() == command; });
}

// A mistake in one line, and where to read how it is done.
std::string explain(const std::string& what, const CLI::App& app) {
  std::string name = "sympozium";
  for (const CLI::App* command : app.get_subcommands()) name += " " + command->get_name();
  return base::cat("sympozium: ", base::trim(what), "; see `", name, " --help`\n");
}

}  // namespace

std::vector<std::string> expand_nouns(std::vector<std::string> arguments) {
  static const std::map<std::string_view, std::string> nouns{
      {"agents", "agents"},     {"instances", "agents"}, {"runs", "agentruns"},
      {"skills", "skillpacks"}, {"skill", "skillpacks"}, {"agent", "agents"}};
  const std::size_t at = find_word(arguments);
  if (at >= arguments.size()) return arguments;
  const auto noun = nouns.find(arguments[at]);
  if (noun == nouns.end()) return arguments;
  std::string verb = at + 1 < arguments.size() ? arguments[at + 1] : "list";
  const bool known = verb == "list" || verb == "get" || verb == "delete" || verb == "describe" ||
                     (verb == "logs" && noun->second == "agentruns");
  if (!known && at + 1 < arguments.size()) return arguments;
  std::vector<std::string> out(arguments.begin(), arguments.begin() + std::ptrdiff_t(at));
  out.push_back(verb == "list" ? "get" : verb);
  if (verb != "logs") out.push_back(noun->second);
  for (std::size_t i = at + 2; i < arguments.size(); ++i) out.push_back(std::move(arguments[i]));
  return out;
}

Parsed parse(std::vector<std::string> arguments, const std::vector<Command>& others) {
  CLI::App app{"Sympozium runs AI agents as Kubernetes objects.", "sympozium"};
  Common common;
  RunOptions run;
  GetOptions get;
  DescribeOptions describe;
  LogsOptions logs;
  DeleteOptions remove;
  ApplyOptions apply;
  EventsOptions events;
  ReplayOptions replay;
  ForkOptions fork;
  DiffOptions diff;
  ExportOptions exporting;
  ImportOptions importing;
  EraseOptions erasing;
  ForgetOptions forgetting;
  VerifyOptions verifying;
  app.add_option("--kubeconfig", common.kubeconfig, "How to reach the API server")
      ->type_name("FILE");
  app.add_option("--context", common.context, "Context of the kubeconfig; default its current one");
  app.add_option("-n,--namespace", common.ns, "Namespace; default the context's");
  add_run(app, run, common.output);
  add_get(app, get, common.output);
  add_describe(app, describe);
  add_logs(app, logs, common.output);
  add_events(app, events, common.output);
  add_replay(app, replay, common.output);
  add_fork(app, fork, common.output);
  add_diff(app, diff, common.output);
  add_export(app, exporting);
  add_import(app, importing, common.output);
  add_audit(app, verifying, common.output);
  add_erase(app, erasing);
  add_forget(app, forgetting);
  add_delete(app, remove);
  add_apply(app, apply, common.output);
  add(app, "version", "Print the versions of this program and of the server",
      "  sympozium version\n"
      "  sympozium version --kubeconfig other.kubeconfig");
  app.require_subcommand(1);
  app.footer(describe_others(others) +
             "\nThe kubeconfig is the flag's, $SYMPOZIUM_KUBECONFIG, $KUBECONFIG, that of the\n"
             "embedded home, or ~/.kube/config.\n\nExamples:\n"
             "  sudo sympozium up --detach\n"
             "  sympozium run first --task \"Count the words of a haiku\"");

  arguments = expand_nouns(std::move(arguments));
  Parsed parsed;
  if (arguments.empty()) {
    parsed.code = exit_usage;
    parsed.err = app.help();
    return parsed;
  }
  if (const auto at = find_word(arguments); at < arguments.size() && !knows(app, arguments[at])) {
    parsed.code = exit_usage;
    parsed.err = explain(base::cat("there is no command \"", arguments[at], "\""), app);
    return parsed;
  }
  std::ranges::reverse(arguments);  // as this parser wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    const CLI::App* asked = &app;
    while (!asked->get_subcommands().empty()) asked = asked->get_subcommands().front();
    parsed.out = asked->help(asked == &app ? "" : "sympozium");
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.code = exit_usage;
    parsed.err = explain(error.what(), app);
    return parsed;
  }
  CommandLine line{common, VersionOptions{}};
  if (app.got_subcommand("run")) line.command = std::move(run);
  if (app.got_subcommand("get")) line.command = std::move(get);
  if (app.got_subcommand("describe")) line.command = std::move(describe);
  if (app.got_subcommand("logs")) line.command = std::move(logs);
  if (app.got_subcommand("delete")) line.command = std::move(remove);
  if (app.got_subcommand("apply")) line.command = std::move(apply);
  if (app.got_subcommand("events")) line.command = std::move(events);
  if (app.got_subcommand("replay")) line.command = std::move(replay);
  if (app.got_subcommand("fork")) line.command = std::move(fork);
  if (app.got_subcommand("diff")) line.command = std::move(diff);
  if (app.got_subcommand("export")) line.command = std::move(exporting);
  if (app.got_subcommand("import")) line.command = std::move(importing);
  if (app.got_subcommand("erase")) line.command = std::move(erasing);
  if (app.got_subcommand("forget")) line.command = std::move(forgetting);
  if (app.got_subcommand("audit")) line.command = std::move(verifying);
  parsed.line = std::move(line);
  return parsed;
}

}  // namespace cli
