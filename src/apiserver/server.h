// The embedded Kubernetes API server: one HTTP handler over one store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission.h"
#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/resource.h"
#include "apiserver/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/http.h"

namespace apiserver {

struct ServerSettings {
  std::string version = "v1.34.0";  // of the Kubernetes API that is spoken, for /version
  std::string ca_pem;               // published as ConfigMap kube-root-ca.crt in each namespace
  // Objects that bootstrap() makes, or brings to this content: an installation's own Roles.
  std::vector<base::Json> manifests;
  std::size_t body_bytes_max = 3 * 1024 * 1024;
  base::Duration bookmark_every{60'000};
  base::Duration watch_most{30 * 60'000};  // of a watch that names no timeoutSeconds
  // A connection to a node's kubelet port (TLS with the server's client certificate), for pod logs;
  // `host` and `port` are from the Node's status. Empty: logs answer 503.
  std::function<std::unique_ptr<io::Dialer>(const std::string& host, std::uint16_t port)>
      node_dialer;
  // A connection to the gateway's journal API (protocol/journal_api.h), which believes the
  // X-Remote-… headers of whoever connects there. Empty: journal.sympozium.ai is not served.
  std::function<std::unique_ptr<io::Dialer>()> journal_dialer;
};

// Called once per answered request with a line shaped like a Kubernetes audit event
// (audit.k8s.io/v1, level Metadata).
using AuditSink = std::function<void(std::string_view line)>;

// Rules of an installation's own kinds; they may ask what the writer has the right to.
using MoreAdmission = std::function<void(Attributes&, const Rbac&)>;

class ApiServer {
 public:
  // `admission` runs after the built-in one; it, `audit` and the dialer may be empty.
  ApiServer(io::Loop&, base::Clock&, base::Random&, base::Log&, ObjectLog&, TokenSettings,
            ServerSettings, MoreAdmission admission, AuditSink audit);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;

  // Makes what every cluster has: namespaces with their ServiceAccount and root certificate,
  // ClusterRoles. Repeatable; costs no write when all is there.
  io::Task<> bootstrap();
  // For io::HttpServer.
  io::Handler handler();
  // Ends watches, waits for writes; later requests are answered 503.
  io::Task<> stop();

  Store& store();
  const Catalog& catalog() const;
  Authenticator& authenticator();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace apiserver
