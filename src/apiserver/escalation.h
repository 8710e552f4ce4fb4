// Nobody may give rights away that they do not have (Kubernetes RBAC, "Privilege escalation
// prevention and bootstrapping").
#pragma once

#include "apiserver/admission.h"
#include "apiserver/authz.h"

namespace apiserver {

// Refuses a Role, ClusterRole or binding that would grant more than its writer holds, unless they
// have the verb `escalate` on the role or `bind` on what a binding refers to. StatusError 403.
void refuse_escalation(const Rbac&, const Store&, const Attributes&);

}  // namespace apiserver
