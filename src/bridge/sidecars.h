// Commands to tool sidecars as files (shapes are upstream's; see executor/executor.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
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
};

// The arguments of execute_command. Error(invalid) that names the parameter.
Command parse_command(const std::string& arguments);
// A pack's own tool; it may take as long as a command can.
Command make_command(protocol::SidecarCommand);
// What the model reads of a result file.
protocol::ToolResult format_result(const base::Json& result);

class Sidecars {
 public:
  Sidecars(io::Loop&, base::Clock&, std::string ipc_root, std::vector<std::string> names);

  // Puts the request before its sidecar and waits for the answer: timeout of the command and ten
  // seconds more. Error(not_found) for a target that is not there, Error(timeout) when the sidecar
  // does not answer.
  io::Task<protocol::ToolResult> execute(std::string id, std::string call_id, Command);
  io::Task<> run();  // watches for answers until cancelled

 private:
  const std::string& folder_of(const std::string& target) const;
  io::Task<> watch(std::string folder);
  void wake(const std::string& folder, const std::string& file);

  io::Loop& loop_;
  base::Clock& clock_;
  std::vector<std::pair<std::string, std::string>> folders_;  // pack, its tools folder
  std::map<std::pair<std::string, std::string>, std::shared_ptr<io::Event>>
      waiting_;  // folder, result file
};

}  // namespace bridge
