// Child processes by pidfd.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/file.h"
#include "io/loop.h"

namespace io {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is an absolute path
  std::vector<std::string> env;   // "A=b"; the parent's is not inherited
  std::string directory = "/";
  std::vector<std::pair<int, int>>
      fds;  // {ours, the child's number}; 0–2 not named are /dev/null; all others are closed
  std::optional<std::pair<unsigned, unsigned>> user;  // uid, gid; no supplementary groups
  int parent_death_signal = 0;                        // PR_SET_PDEATHSIG
  bool session_leader = false;  // setsid(2): it and its descendants can be killed together
};

class Process {
 public:
  Process(Loop&, const ProcessSpec&);  // starts it; Error when it cannot be executed
  ~Process();  // does not kill; a child that was not waited for is reaped when it ends
  Process(const Process&) = delete;
  int pid() const;
  void kill(int signal) const;  // by pidfd, so never somebody else; fine when it has ended
  // It and the descendants that stayed in its session; for a session leader that was not waited for
  // yet.
  void kill_session(int signal) const;
  // Ended: exit code, or 128 + signal as shells say it. May be awaited by one task.
  Task<int> wait();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

struct CommandResult {
  int code;
  std::string out, err;  // each cut at 1 MiB
};
// Runs to the end; past the deadline, or when the task is cancelled, it is killed with its
// descendants. Error(timeout) then.
Task<CommandResult> run_command(Loop&, base::Clock&, ProcessSpec, std::string input,
                                base::Duration deadline);

}  // namespace io
