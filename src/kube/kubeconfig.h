// How to reach an API server: from kubeconfig files or from inside a pod.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "io/tls.h"

namespace kube {

struct Config {
  std::string server;               // "https://host:port[/prefix]"
  io::TlsClient tls;                // not used with http://
  base::Secret<std::string> token;  // bearer; empty: none
  std::string token_file;           // read again as it is renewed; wins over `token`
  std::string ns = "default";       // of the context
  std::string context;              // its name, for messages
};

// kubectl's rules for several files (KUBECONFIG lists): the first file that names a thing wins;
// files that do not exist are skipped as long as one does. `context` "" means current-context.
// Relative paths in a file are relative to it. Error(invalid) that names file and field for
// anything we cannot honour (exec, auth-provider, username/password, proxy-url, impersonation);
// Error(not_found) when there is no file at all.
Config load_kubeconfig(const std::vector<std::string>& files, const std::string& context = {});

// "a:b" as KUBECONFIG has it; when that is empty: ~/.kube/config.
std::vector<std::string> kubeconfig_files(const std::string& environment, const std::string& home);

// A pod's ServiceAccount: token and CA from /var/run/secrets/kubernetes.io/serviceaccount, host and
// port from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. `folder` is for tests.
Config in_cluster(const std::string& host, const std::string& port,
                  const std::string& folder = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace kube
