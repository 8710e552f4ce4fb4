// What `sympozium up` starts: four processes of one executable.
#pragma once

#include <string>

#include "base/clock.h"
#include "home/state.h"
#include "node/shim/shim.h"

namespace home {

struct UpOptions {
  Layout layout;
  std::string program;      // this executable, absolute
  std::string node_name;    // "" : the machine's host name, lower case
  std::uint16_t port = 0;   // of the API server; 0: the one of last time, else a free one
  bool host_image = false;  // offer this machine's /usr as image `host`
  std::string kubeconfig;   // an existing cluster's administrator; "": embedded API server
  Owner owner;              // of admin.kubeconfig
};

struct Plan {
  node::shim::Config shim;
  std::string server;            // "https://127.0.0.1:6443"
  std::string admin_kubeconfig;  // path
};

// Writes keys, certificates and kubeconfigs below the state folder and says what to run.
// Repeatable: what is there is kept.
Plan prepare_embedded(const UpOptions&, base::Clock&);

// The node's name: what was asked for, else the host's.
std::string node_name(const UpOptions&);

}  // namespace home
