// What must stand around a run before its pod can start: an identity without rights, and the
// gateway's right to read the one Secret.
#pragma once

#include <string>

#include "objects/config_map.h"
#include "objects/rbac.h"
#include "objects/service_account.h"

namespace reconcilers {

// Who the gateway is to the API server: {User, "sympozium-gateway"}, or a ServiceAccount.
objects::Subject gateway_user(std::string name = "sympozium-gateway");

// ServiceAccount sympozium-run: no rights, no token in its pods.
objects::ServiceAccount desired_service_account(const std::string& ns);

// Role and RoleBinding of the same name: `get` on this one Secret for the gateway. Owned by the
// Secret, so that they go with it.
objects::Role desired_secret_role(const objects::ObjectMeta& secret);
objects::RoleBinding desired_secret_role_binding(const objects::ObjectMeta& secret,
                                                 const objects::Subject& gateway);

// ConfigMap with the CA of a gateway that is reached by https.
objects::ConfigMap desired_gateway_ca(const std::string& ns, const std::string& ca_pem);

}  // namespace reconcilers
