// A foreign agent's parent in its container: says when an execution begins, starts the program, and
// says how it ended.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/bridge_client.h"
#include "io/process.h"
#include "protocol/steps.h"

namespace agent {

struct LauncherConfig {
  std::vector<std::string> argv;     // the program: a path, or a name to be looked up in PATH
  std::vector<std::string> env;      // "A=b"
  std::string workspace, temporary;  // emptied before a program is run again
  std::string result_file;           // what the program writes there is its result
  std::string progress_file;         // ours, kept between executions of one pod
};

// Where the program's lines and our steps go.
struct LauncherSinks {
  std::function<void(const protocol::Step&)> step;
  std::function<void(std::string_view)> out, err;
};

// The program finds TASK and SYSTEM_PROMPT in its environment, and $(TASK) and $(SYSTEM_PROMPT) in
// its arguments are replaced by them.
//
// A program that ends with 0 has succeeded; its result is what it wrote to the result file, else
// the last 256 KiB of its standard output. Any other end is a crash, and the container is started
// again and the program with it, answered from the record: unless it ended by an exit code (no
// signal) and already did so in its execution before, and no model call was completed in between.
// Then the run has failed.
class Launcher {
 public:
  Launcher(io::Loop&, base::Clock&, BridgeClient&, LauncherConfig, LauncherSinks);

  // 0 when the outcome is committed, else the program's exit code.
  io::Task<int> run();
  // To the program, whose end is then no outcome any more.
  void stop(int signal);

 private:
  struct End {
    int code = 0;
    std::string out, err;  // the last of each
  };
  void tell_task(const protocol::Welcome&);
  io::Task<End> run_program(std::string program);
  io::Task<> relay(int fd, const std::function<void(std::string_view)>& sink, std::string& tail);
  io::Task<> commit(protocol::Outcome);
  protocol::Outcome success(std::string out) const;
  // Notes how many calls were completed when this execution began; says whether the one before
  // ended with as many.
  bool is_stuck(std::int64_t completed) const;
  void note(protocol::StepType, std::string text, bool failed = false);

  io::Loop& loop_;
  base::Clock& clock_;
  BridgeClient& bridge_;
  LauncherConfig config_;
  LauncherSinks sinks_;
  io::Process* process_ = nullptr;  // while it runs
  int stopped_by_ = 0;
};

}  // namespace agent
