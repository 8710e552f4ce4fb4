// The shim: root, parent of the other programs of a home and of every container.
//
// It holds listening sockets, restarts its services with back-off, starts containers on the node's
// order, owns their pipes and exit codes. It parses nothing but the node's orders. Its death is the
// loss of the node: services die with it, and the next start kills and clears what containers are
// left.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/shim/poller.h"

namespace node::shim {

struct Listen {
  std::string name;      // as the service asks for it in LISTEN_FDNAMES
  std::string address;   // "unix:/path" or "tcp:127.0.0.1:0"
  unsigned mode = 0600;  // of a unix socket
  std::optional<std::pair<unsigned, unsigned>> owner;  // uid, gid of a unix socket
};

struct Service {
  std::string name;
  std::vector<std::string> argv;                      // argv[0] is an absolute path
  std::vector<std::string> env;                       // "A=b"; nothing is inherited
  std::optional<std::pair<unsigned, unsigned>> user;  // uid, gid; none: stays root
  std::vector<Listen> listens;
};

struct Config {
  std::string directory;                  // 0700, made if absent: runtime state, pid files
  std::string socket;                     // where the node connects; root only
  std::string cgroup;                     // our group in each hierarchy, "/sympozium/<node>/<home>"
  std::string runtime = "/usr/bin/crun";  // OCI runtime
  std::vector<Service> services;
  int stop_seconds = 25;            // how long services may take after SIGTERM
  std::function<void()> listening;  // called once, when all sockets are open; may be empty
};

// Until SIGTERM or SIGINT; then stops services, kills containers, releases cgroups. Returns the
// exit code: 0, or 1 with a line on stderr. One call per process: it moves the process into a
// mount namespace of its own.
int run(const Config&);

// A listening socket, non-blocking. Error(unavailable) with the system's words.
Fd open_listener(const Listen&);

}  // namespace node::shim
