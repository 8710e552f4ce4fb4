// Who speaks: a pod's projected token, verified offline with the API server's keys.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/crypto.h"
#include "io/sync.h"
#include "kube/api.h"

namespace gateway {

struct PodIdentity {
  std::string ns, pod, uid;
  bool operator==(const PodIdentity&) const = default;
};

// The claims of a bound token (Kubernetes TokenRequest): kubernetes.io.{namespace, pod.{name,
// uid}}. Error(denied) when there is no pod.
PodIdentity pod_of(const base::Json& claims);

class TokenVerifier {
 public:
  TokenVerifier(base::Clock&, base::Log&, kube::Api&);

  // "Bearer …" → the pod. Error(denied) that says why not; Error(unavailable) when the keys cannot
  // be had. Keys are fetched when a token names one that is not known, at most once in ten seconds.
  // A token is remembered until it expires or keys are fetched.
  io::Task<PodIdentity> verify(std::string authorization);

 private:
  struct Verified {
    PodIdentity pod;
    std::int64_t expires;  // seconds since 1970
  };
  io::Task<> refresh();
  void remember(std::string token_hash, Verified);
  std::int64_t now_seconds() const;

  base::Clock& clock_;
  base::Log& log_;
  kube::Api& api_;
  io::Jwks keys_;
  std::string issuer_;
  std::map<std::string, Verified> verified_;  // by SHA-256 of the token
  std::optional<base::Instant> fetched_;
  io::Semaphore fetching_{1};
};

}  // namespace gateway
