// Hashes, keys, certificates and tokens (OpenSSL 3). P-256 for TLS and tokens, RSA verified only,
// Ed25519 for signatures.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"

namespace io {

// First thing in main: OpenSSL without its configuration file (which could load code).
void init_crypto();

std::string sha256(std::string_view bytes);            // 32 raw bytes
std::string sha256_hex(std::string_view bytes);        // 64 hex digits
std::string sha256_file_hex(const std::string& path);  // reads it in pieces; blocks
std::string hmac_sha256(std::string_view key, std::string_view bytes);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// A private key in PKCS#8 PEM.
base::Secret<std::string> make_p256_key();
base::Secret<std::string> make_rsa_key(int bits);  // for tests of RS256
std::string public_key_pem(const base::Secret<std::string>& key_pem);

// Ed25519 (RFC 8032).
base::Secret<std::string> make_ed25519_key();
// 64 raw bytes. Error(invalid) when the key is another one's.
std::string sign_ed25519(std::string_view bytes, const base::Secret<std::string>& key_pem);
bool verify_ed25519(std::string_view bytes, std::string_view signature,
                    const std::string& public_key_pem);
// Its name: the hex SHA-256 of its SubjectPublicKeyInfo. Error(invalid) when the PEM is no public
// key, or is not spelled as public_key_pem spells it.
std::string public_key_id(const std::string& public_key_pem);

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names, ips;
  enum class Use : unsigned char { ca, server, client, server_and_client } use;
  base::Time not_before, not_after;
};
// PEM. Signed by the CA, or by itself when `ca_certificate_pem` is empty (then `ca_key_pem` is
// ignored).
std::string issue_certificate(const CertificateRequest&, const base::Secret<std::string>& key_pem,
                              const std::string& ca_certificate_pem,
                              const base::Secret<std::string>& ca_key_pem);
base::Time certificate_expiry(const std::string& certificate_pem);
// PKCS#10 (RFC 2986) in PEM, for somebody else's CA to sign: subject and key; the times and the use
// of `request` are the CA's matter.
std::string make_certificate_request(const CertificateRequest& request,
                                     const base::Secret<std::string>& key_pem);

// JSON Web Tokens (RFC 7519), compact form, ES256 and RS256.
// The algorithm follows from the key; the header's kid is base64url(SHA-256(SubjectPublicKeyInfo)).
std::string sign_jwt(const base::Json& claims, const base::Secret<std::string>& key_pem);
// RFC 7517 key set of these public keys (PEM; private keys are accepted and reduced).
base::Json make_jwks(const std::vector<std::string>& keys_pem);

class Jwks {
 public:
  Jwks();
  explicit Jwks(const base::Json& key_set);  // unknown key types are skipped; Error(invalid) when
                                             // it is no key set
  ~Jwks();
  Jwks(Jwks&&) noexcept;
  Jwks& operator=(Jwks&&) noexcept;
  bool has(std::string_view kid) const;

  struct Expect {
    std::string issuer;    // empty: any
    std::string audience;  // must be among the token's
    base::Time now;  // exp and nbf are checked against it, with 10 s of leeway for nbf and iat
  };
  // The claims of a token that is signed by one of the keys and meets the expectations;
  // Error(denied) that says why not.
  base::Json verify(std::string_view token, const Expect&) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
// kid of a token's header without any check, "" when unreadable: to decide on a key refresh.
std::string peek_kid(std::string_view token);

}  // namespace io
