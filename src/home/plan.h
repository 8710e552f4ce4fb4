// What `sympozium up` starts: four processes of one executable.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "home/state.h"
#include "kube/api.h"
#include "kube/kubeconfig.h"
#include "node/shim/shim.h"

namespace home {

struct UpOptions {
  Layout layout;
  std::string program;             // this executable, absolute
  std::string node_name;           // "" : the machine's host name, lower case
  std::uint16_t port = 0;          // of the API server; 0: the one of last time, else a free one
  std::uint16_t metrics_port = 0;  // of Prometheus metrics on 127.0.0.1; 0: none are served
  bool host_image = false;         // offer this machine's /usr as image `host`
  // The journal in PostgreSQL instead of a file of ours: who serves it, and its connection string.
  struct Database {
    std::string program;  // sympozium-server, absolute
    base::Secret<std::string> conninfo;
  };
  std::optional<Database> database;
  std::optional<base::Duration> forget_after;  // of the records of runs, from their end
  // Which of "jobs", "binder", "garbage" we run ourselves; nothing: all of them in the embedded
  // home, none in a cluster.
  std::optional<std::string> loops;
  Owner owner;  // of admin.kubeconfig
};

struct Plan {
  node::shim::Config shim;
  std::string server;            // "https://127.0.0.1:6443"
  std::string admin_kubeconfig;  // path
};

// Writes keys, certificates and kubeconfigs below the state folder and says what to run: API
// server, loops, controllers, gateway, node. Repeatable: what is there is kept.
Plan prepare_embedded(const UpOptions&, base::Clock&);

// The same around somebody else's API server: controllers, gateway, node. `kubeconfig` is its
// administrator's file; `api` speaks for that user, who gets certificates for ours (enroll.h).
io::Task<Plan> prepare_cluster(UpOptions, base::Clock&, std::string kubeconfig, kube::Config,
                               kube::Api& api);

// The node's name: what was asked for, else the host's.
std::string node_name(const UpOptions&);

}  // namespace home
