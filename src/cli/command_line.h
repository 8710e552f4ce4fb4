// What is typed → what is meant. Pure: nothing is read or asked here.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/cli.h"

namespace cli {

enum class Output : unsigned char { text, wide, json, yaml, name };

// Flags that every command takes.
struct Common {
  std::string kubeconfig, context, ns;  // "" when not given
  Output output = Output::text;
};

struct RunOptions {
  std::string agent;  // "": the only one there is
  std::string task;   // "-": from standard input
  std::string name;   // "": the server makes one
  std::optional<std::string> model, base_url, provider, secret, system, timeout;
  bool detach = false;
};
struct GetOptions {
  std::string kind;
  std::vector<std::string> names;
  std::string selector;
  bool all_namespaces = false, watch = false;
};
struct DescribeOptions {
  std::string kind, name;
};
struct LogsOptions {
  std::string run;
  std::string container;  // "": the agent
  bool follow = false, raw = false;
  bool steps = false;  // what the journal recorded, not what the pod wrote
};
struct EventsOptions {
  std::string run, agent;  // "": of all
  std::string since;       // a duration, or an RFC 3339 time; "": from the beginning
  bool follow = false;
};
struct ReplayOptions {
  std::string run;
  std::string until;  // "2" or "2.0"; "": to the end
  double speed = 1;   // infinity: without pauses
};
struct ForkOptions {
  std::string run;
  std::int64_t at = 0;              // the last turn that is shared
  std::optional<std::string> task;  // "-": from standard input
  std::string name;                 // "": the server makes one
  std::optional<std::string> model, system;
  bool detach = false;
};
struct DiffOptions {
  std::string first, second;
};
struct ExportOptions {
  std::string run;
};
struct ImportOptions {
  std::string file;  // "-": standard input
};
// Of recorded runs.
struct EraseOptions {
  std::vector<std::string> runs;  // names or UIDs
};
struct ForgetOptions {
  std::vector<std::string> runs;
  std::string ended_before;  // a duration: also those that ended longer ago; "": none
};
struct VerifyOptions {
  std::string file;  // "-": standard input; "": all of the namespace, from the server
  std::string key;   // file with the public keys that may have signed; "": those that come with it
};
struct DeleteOptions {
  std::string kind;
  std::vector<std::string> names;
};
struct ApplyOptions {
  std::vector<std::string> files;  // files, folders, "-"
  bool dry_run = false;
};
struct VersionOptions {};

struct CommandLine {
  Common common;
  std::variant<RunOptions, GetOptions, DescribeOptions, LogsOptions, DeleteOptions, ApplyOptions,
               EventsOptions, ReplayOptions, ForkOptions, DiffOptions, ExportOptions, ImportOptions,
               EraseOptions, ForgetOptions, VerifyOptions, VersionOptions>
      command;
};

// Either a command, or what to print and the exit code: help, or a mistake and how to mend it.
struct Parsed {
  std::optional<CommandLine> line;
  int code = exit_ok;
  std::string out, err;
};
Parsed parse(std::vector<std::string> arguments, const std::vector<Command>& others);

// Upstream's plural nouns in our words: {"runs", "list", "-A"} → {"get", "runs", "-A"}. Anything
// else stays as it is.
std::vector<std::string> expand_nouns(std::vector<std::string> arguments);

}  // namespace cli
