// How the API server of somebody else's cluster comes to serve the journal: Kubernetes' API
// aggregation (APIService, kube-aggregator), with a Service that names this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kube/api.h"

namespace home {

// The name that the gateway's serving certificate must carry.
std::string journal_host();

// Whose client certificates may speak for users, as the API server publishes it in
// kube-system/extension-apiserver-authentication.
struct FrontProxy {
  std::string ca_pem;
  std::vector<std::string> names;  // common names; empty: any that the CA signed
};
// Nothing when the cluster does not aggregate.
io::Task<std::optional<FrontProxy>> find_front_proxy(kube::Api&);

// Tells the cluster that journal.sympozium.ai is served on 127.0.0.1:port of the API server's
// machine, by who shows a certificate of this CA. Repeatable.
io::Task<> register_journal(kube::Api&, std::uint16_t port, std::string ca_pem);
// An APIService that nobody serves disturbs a cluster: discovery, and the deletion of namespaces.
io::Task<> unregister_journal(kube::Api&);

}  // namespace home
