// Commands to tool sidecars as files (shapes are upstream's; see executor/executor.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/sync.h"
#include "protocol/gateway.h"

namespace bridge {

struct Command {
  std::string command, work_dir;  // a line for the shell, or else argv
  int timeout_seconds = 30;
  std::string target;  // a pack; empty: the default
  std::vector<std::string> argv;
  std::string input;  // standard input
  bool idempotent = false;
};

// The arguments of execute_command. Error(invalid) that names the parameter.
Command parse_command(const std::string& arguments);
// A pack's own tool; it may take as long as a command can.
Command make_command(protocol::SidecarCommand);
// What the model reads of a result file.
protocol::ToolResult format_result(const base::Json& result);

// A sidecar shares its folder with us and may do to it what it likes: we keep hold of the directory
// itself, so that no name leads elsewhere. What a sidecar breaks is its own.
class Sidecars {
 public:
  Sidecars(io::Loop&, base::Clock&, base::Log&, std::string ipc_root,
           std::vector<std::string> names);

  // Puts the request before its sidecar, unless an earlier bridge did and the answer is there, and
  // waits for the answer: timeout of the command and ten seconds more. Error(not_found) for a
  // target that is not there, Error(timeout) when the sidecar does not answer.
  io::Task<protocol::ToolResult> execute(std::string id, std::string call_id, Command);
  io::Task<> run();  // watches for answers until cancelled

 private:
  struct Folder {
    std::string pack;
    io::Fd directory;  // none: the sidecar has put something else in its place
    // The path of the directory that is held, whatever its name leads to now.
    std::string path() const { return base::cat("/proc/self/fd/", directory.get()); }
  };
  const Folder& folder_of(const std::string& target) const;
  io::Task<> watch(const Folder&);
  void wake(const Folder&, const std::string& file);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Log& log_;
  std::vector<Folder> folders_;
  std::map<std::pair<const Folder*, std::string>, std::shared_ptr<io::Event>>
      waiting_;  // by result file
};

}  // namespace bridge
