// The node: registers itself, keeps its lease, runs the pods bound to it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "kube/api.h"
#include "node/images.h"
#include "node/log_server.h"

namespace node {

struct NodeConfig {
  std::string name;
  std::string directory;          // state, 0700: pods/ and images/ below it
  std::string shim_socket;        // of the shim whose child this process is
  std::string gateway_directory;  // holds gateway.sock; for csi volumes gateway.sympozium.ai
  std::string cgroup;             // the shim's, "/sympozium/<node>/<home>"
  std::string runtime_version = "crun://1";
  std::vector<ImageSource> images;
  std::int64_t pids_per_container = 512;
  LogServerConfig logs;
};

// Works against any API server. `api` must be system:node:<name> in system:nodes.
class Node {
 public:
  Node(io::Loop&, base::Clock&, base::Random&, base::Log&, kube::Api&, NodeConfig);
  ~Node();
  io::Task<> run();  // until cancelled; pods go on without it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace node
