// Who is at the other end: an X.509 client certificate (CN and O), or a ServiceAccount token that
// this server signed (ES256, RFC 7519, claims as kube-apiserver's bound tokens have them).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/store.h"
#include "apiserver/user.h"
#include "base/clock.h"
#include "base/secret.h"
#include "io/conn.h"
#include "io/crypto.h"

namespace apiserver {

struct TokenSettings {
  std::string issuer = "https://kubernetes.default.svc.cluster.local";
  std::vector<std::string> audiences{"https://kubernetes.default.svc.cluster.local"};
  base::Secret<std::string> key_pem;  // P-256, PKCS#8
  std::int64_t seconds_max = 24 * 3600;
};

// What a token says, once verified.
struct TokenOwner {
  User user;
  std::vector<std::string> audiences;
};

class Authenticator {
 public:
  Authenticator(const Store&, base::Clock&, base::Random&, TokenSettings);

  // The user of a request; system:anonymous when it shows nothing. StatusError 401 for a token that
  // is not good.
  User authenticate(const io::Peer&, std::string_view authorization) const;
  // Nothing when the token is not ours, has expired, is for none of the audiences, or its account
  // or bound object is gone.
  std::optional<TokenOwner> review(std::string_view token,
                                   const std::vector<std::string>& audiences) const;

  struct TokenRequest {
    std::string ns, account, account_uid;
    std::vector<std::string> audiences;  // empty: the server's own
    std::int64_t seconds = 3600;
    std::string pod, pod_uid, node, node_uid, secret, secret_uid;  // "" = not bound
  };
  struct Token {
    std::string text;
    base::Time expires;
  };
  Token issue(const TokenRequest&);

  const TokenSettings& settings() const { return settings_; }
  base::Json jwks() const;
  base::Json discovery() const;  // OpenID provider configuration

 private:
  const Store& store_;
  base::Clock& clock_;
  base::Random& random_;
  TokenSettings settings_;
  base::Json key_set_;
  io::Jwks keys_;
};

}  // namespace apiserver
