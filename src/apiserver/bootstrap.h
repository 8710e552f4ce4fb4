// What every cluster has from its first moment, and every namespace from its own.
#pragma once

#include "apiserver/context.h"
#include "io/loop.h"

namespace apiserver {

// Namespaces default, kube-system, kube-public, kube-node-lease; the ClusterRoles and bindings that
// discovery, self reviews, the token issuer and the administrator need. Missing ones are made.
io::Task<> make_first_objects(Context&);
// ServiceAccount `default` and ConfigMap `kube-root-ca.crt`; existing ones stay as they are.
io::Task<> furnish_namespace(Context&, std::string ns);
// Makes them again when they were deleted while their namespace lives.
void keep_namespaces_furnished(Context&, io::TaskGroup&);

}  // namespace apiserver
