// What the commands that make a run share: run and fork.
#pragma once

#include "cli/session.h"

namespace cli {

// `--task` as given, or from standard input for "-". Error(invalid) when there is nothing in it.
std::string read_task(Session&, const std::string& task);

// Creates a run, and watches it to its end unless the user detaches; the command's exit code.
// Error(invalid) that names the flags whose values no server would take.
enum class Attached : bool { no, yes };
io::Task<int> start(Session&, base::Json run, Attached);

}  // namespace cli
