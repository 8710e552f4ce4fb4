// What every command works with.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "io/loop.h"
#include "kube/api.h"
#include "kube/raw.h"

namespace cli {

struct Session {
  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  kube::Api& api;
  kube::RawApi& raw;
  Terminal& terminal;
  std::string ns;         // the flag's, else the context's
  bool ns_given = false;  // by the flag
  Output output = Output::text;
  std::function<io::Task<>()> interrupted;  // returns when the user wants to leave (Ctrl-C)
};

// The exit code of a command; throws base::Error for what is wrong.
io::Task<int> execute(Session&, RunOptions);
io::Task<int> execute(Session&, GetOptions);
io::Task<int> execute(Session&, DescribeOptions);
io::Task<int> execute(Session&, LogsOptions);
io::Task<int> execute(Session&, DeleteOptions);
io::Task<int> execute(Session&, ApplyOptions);
io::Task<int> execute(Session&, EventsOptions);
io::Task<int> execute(Session&, ReplayOptions);
io::Task<int> execute(Session&, ForkOptions);
io::Task<int> execute(Session&, DiffOptions);  // 0: the same, 1: different
io::Task<int> execute(Session&, ExportOptions);
io::Task<int> execute(Session&, ImportOptions);
io::Task<int> execute(Session&, EraseOptions);
io::Task<int> execute(Session&, ForgetOptions);
io::Task<int> execute(Session&, VerifyOptions);
int verify(Terminal&, const VerifyOptions&, Output);  // asks no server
io::Task<int> execute(Session&, VersionOptions);      // of the server; ours is known without asking

// "runs", "agent", "cm" → the kind; also "run" and "runs" for AgentRun. Error(invalid) that lists
// what there is.
const schema::KindInfo& kind_named(const std::string& word);
// "agentrun.sympozium.ai/x", "secret/x".
std::string name_of(const schema::KindInfo&, const std::string& name);
// The namespace to ask in: "" for kinds of the cluster.
std::string namespace_for(const Session&, const schema::KindInfo&);

// Objects as -o says (json, yaml, name); one as itself, several as a List. Without managedFields,
// which are the server's book-keeping.
std::string format_objects(std::vector<base::Json>, Output);

}  // namespace cli
