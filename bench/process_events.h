// Forks and execs of the whole machine as the kernel tells them, with its own time stamps: the proc
// connector (linux/cn_proc.h). Needs root in the machine's first namespaces.
#pragma once

#include <string>

#include "io/file.h"

namespace bench {

double now_ms();  // CLOCK_MONOTONIC, the clock of the kernel's time stamps

struct ProcessEvent {
  enum class What : unsigned char { fork, exec } what;
  int pid = 0;
  int parent = 0;  // fork: the process that did it
  double at_ms = 0;
};

// Told from its like elsewhere on the machine by its control group.
struct Program {
  std::string command_line;  // words joined by blanks
  std::string group;         // a part of the name of its control group: "/sympozium/n1/"
};
bool is(const Program&, const ProcessEvent&);  // false also for one that has ended

class ProcessEvents {
 public:
  ProcessEvents();  // Error(denied) when the kernel does not tell us
  // The next fork of a process (not of a thread) or exec, in order; Error(timeout) at `until_ms`,
  // Error(internal) when the kernel had to drop some.
  ProcessEvent next(double until_ms);
  // Waits for the exec of one program, which must live long enough to be looked at.
  ProcessEvent next_exec(const Program&, double until_ms);
  void forget();  // what happened until now

 private:
  io::Fd socket_;
};

}  // namespace bench
