// TLS 1.3 over any Conn (OpenSSL 3).
#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "io/conn.h"

namespace io {

struct Identity {
  std::string certificate_pem;  // leaf first
  base::Secret<std::string> key_pem;
};

struct TlsClient {
  std::string ca_pem;                 // empty: the system's roots
  bool insecure_skip_verify = false;  // kubeconfig's insecure-skip-tls-verify
  std::optional<Identity> identity;   // client certificate
  std::string
      server_name;  // DNS name or IP literal that the certificate must carry; also SNI when a name
};

struct TlsServer {
  Identity identity;
  std::string
      client_ca_pem;  // asked for, optional to give; verified when given. Empty: not asked for
};

// A context is parsed once and shared by all its connections.
class TlsClientContext;
class TlsServerContext;
std::shared_ptr<TlsClientContext> make_context(const TlsClient&);
std::shared_ptr<TlsServerContext> make_context(const TlsServer&);

// Hands the connection over to TLS and shakes hands. Error(denied) when a certificate is not
// accepted, with the reason.
Task<std::unique_ptr<Conn>> tls_connect(std::unique_ptr<Conn>, std::shared_ptr<TlsClientContext>);
Task<std::unique_ptr<Conn>> tls_accept(std::unique_ptr<Conn>, std::shared_ptr<TlsServerContext>);
// Wraps a dialer: every dialled connection speaks TLS.
std::unique_ptr<Dialer> tls_dialer(std::unique_ptr<Dialer>, std::shared_ptr<TlsClientContext>);

}  // namespace io
