// The `sympozium` command line.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cli {

// A command that somebody else brings (the roles of the embedded home). It reads its own flags and
// prints its own help; `hidden` ones are for programs, not for people, and stay out of the help.
struct Command {
  enum class Shown : unsigned char { in_help, hidden };
  std::string name, summary;
  std::function<int(const std::vector<std::string>& arguments)> run;
  Shown shown = Shown::in_help;
};

// The process as the command line sees it.
struct Environment {
  int in = 0, out = 1, err = 2;  // descriptors; not closed
  std::map<std::string, std::string> variables;
  std::string version;            // of this program
  std::vector<Command> commands;  // besides our own
};

// "A=b" strings, as the process has them.
std::map<std::string, std::string> read_variables(char** environ);

// Exit codes.
inline constexpr int exit_ok = 0, exit_error = 1, exit_usage = 2, exit_refused = 3,
                     exit_timeout = 124, exit_interrupted = 130;

// Reads the arguments, does what they say, returns the exit code. Answers go to `out`, everything
// else to `err`; an error is one line there.
int run(int argc, char** argv, const Environment&);

}  // namespace cli
