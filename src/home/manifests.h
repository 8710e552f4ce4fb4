// The objects that an installation brings: custom resources and the rights of our own programs.
#pragma once

#include <vector>

#include "base/json.h"

namespace home {

inline constexpr char user_controller[] = "sympozium-controller",
                      user_gateway[] = "sympozium-gateway", ns_system[] = "sympozium-system";

// Whether the rights of our job, binder and garbage loops are among them.
enum class WithLoops : bool { no, yes };

// ClusterRoles and ClusterRoleBindings of controller and gateway. The same objects are installed on
// a cluster and evaluated by the embedded API server. A gateway reads a Secret only by a Role that
// the controller makes for that Secret.
std::vector<base::Json> rbac_manifests(WithLoops);

// All that a cluster needs before `sympozium up --kubeconfig`: our namespace, the
// CustomResourceDefinitions, the rights, and who may fork which run (ValidatingAdmissionPolicy,
// Kubernetes 1.30).
std::vector<base::Json> cluster_manifests(WithLoops);

}  // namespace home
