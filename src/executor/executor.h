// The tool executor in our sidecars: takes granted requests as files, runs them, answers as files.
//
//   <ipc>/tools/exec-request-<id>.json   {id, command, args[], workDir, timeout, target, argv[],
//                                         stdin, idempotent, _meta{callId}}
//   <ipc>/tools/exec-claimed-<id>.json   a request that was begun
//   <ipc>/tools/exec-result-<id>.json    {id, exitCode, stdout, stderr, timedOut}
//   <ipc>/done                           end marker
//
// File names and shapes are upstream's; claims and `idempotent` are ours. Written as temp file +
// rename; read on rename and on close after writing; scanned after the watch is set. A request is
// renamed as it begins. What an executor that died had begun is run again when it is idempotent;
// else its result is exit code 137, "outcome unknown". The bridge clears all three away.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"

namespace executor {

inline constexpr std::size_t stream_bytes_max = 50 * 1024;  // of stdout and of stderr in a result
inline constexpr int timeout_seconds_max = 120, timeout_seconds_default = 30;

struct Config {
  std::string ipc = "/ipc";
  std::string target;  // requests for another target are left alone; empty: all
  std::string shell = "/bin/sh";
  std::string workspace = "/workspace";  // where commands run that name no workDir, when it exists
  std::vector<std::string> environment;  // of commands, as "NAME=value"
};

// Until the end marker appears or the task is cancelled; running commands are killed then.
io::Task<> run(io::Loop&, base::Clock&, base::Log&, Config);

}  // namespace executor
