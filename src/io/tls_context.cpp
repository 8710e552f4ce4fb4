#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "io/tls.h"
#include "io/tls_impl.h"

namespace io {

namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

[[noreturn]] void fail(std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  throw base::Error(base::Code::invalid, base::cat(what, ": ", reason ? reason : "not usable"));
}

std::vector<Owned<X509>> parse_certificates(std::string_view pem, std::string_view what) {
  ERR_clear_error();
  Owned<BIO> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Owned<X509>> found;
  while (X509* one = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr))
    found.emplace_back(one);
  if (found.empty() || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) fail(what);
  ERR_clear_error();
  return found;
}

Context make(const SSL_METHOD* method) {
  // Without openssl.cnf, which could load code; see init_crypto().
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  Context context(SSL_CTX_new(method));
  if (!context) fail("making a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(
      context.get(), "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // for thousands of idle watches
  // No resumption: a resumed session would not show its client certificate to a new CA.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

void use_identity(SSL_CTX* context, const Identity& identity) {
  auto chain = parse_certificates(identity.certificate_pem, "the certificate (PEM)");
  const std::string& pem = identity.key_pem.reveal();
  Owned<BIO> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
  if (!key) fail("the private key (PEM)");
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) fail("the certificate");
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) fail("the certificate's chain");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    fail("the private key does not belong to the certificate");
}

void trust(SSL_CTX* context, std::string_view ca_pem) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& ca : parse_certificates(ca_pem, "the CA certificates (PEM)"))
    if (X509_STORE_add_cert(store, ca.get()) != 1) fail("the CA certificates");
}

// Where distributions keep their bundle.
void trust_system_roots(SSL_CTX* context) {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (::access(path, R_OK) != 0) continue;
    if (SSL_CTX_load_verify_file(context, path) != 1) fail(base::cat("reading roots of ", path));
    return;
  }
  // Without any root every server is refused, which the handshake says.
}

// RFC 7301: of what the client offers we speak http/1.1; without it we go on and speak it anyway.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::shared_ptr<TlsClientContext> make_context(const TlsClient& client) {
  auto context = make(TLS_client_method());
  const auto verify = client.insecure_skip_verify ? Verify::nothing : Verify::certificate_and_name;
  if (verify == Verify::certificate_and_name) {
    if (client.ca_pem.empty())
      trust_system_roots(context.get());
    else
      trust(context.get(), client.ca_pem);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  if (client.identity) use_identity(context.get(), *client.identity);
  static constexpr unsigned char offered[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), offered, sizeof offered - 1);
  return std::make_shared<TlsClientContext>(std::move(context), client.server_name, verify);
}

std::shared_ptr<TlsServerContext> make_context(const TlsServer& server) {
  auto context = make(TLS_server_method());
  use_identity(context.get(), server.identity);
  if (!server.client_ca_pem.empty()) {
    trust(context.get(), server.client_ca_pem);
    for (const auto& ca : parse_certificates(server.client_ca_pem, "the CA certificates (PEM)"))
      SSL_CTX_add_client_CA(context.get(), ca.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return std::make_shared<TlsServerContext>(std::move(context));
}

}  // namespace io
