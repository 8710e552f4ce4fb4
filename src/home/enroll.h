// Identities in somebody else's cluster: client certificates by its CertificateSigningRequest API
// (certificates.k8s.io/v1).
#pragma once

#include <string>
#include <vector>

#include "home/credentials.h"
#include "kube/api.h"

namespace home {

struct Enrolment {
  std::string common_name;
  std::vector<std::string> organizations;
  std::string signer;  // "kubernetes.io/kube-apiserver-client"
};

// Asks, approves in the name of `api`'s user (who must be allowed to), waits for the cluster's
// signer, half a minute at most, and removes the request. Error(timeout) when nobody signs.
io::Task<Credential> enroll(base::Clock&, kube::Api& api, Enrolment);

// The CA that signs client certificates there, as every API server publishes it in
// kube-system/extension-apiserver-authentication.
io::Task<std::string> client_ca(kube::Api&);

// Error(invalid) that says what to apply when the cluster lacks our kinds or our programs' rights.
io::Task<> check_installed(kube::Api&);

}  // namespace home
