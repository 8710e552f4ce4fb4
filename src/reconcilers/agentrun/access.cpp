#include "reconcilers/agentrun/access.h"

#include "controller/write.h"
#include "objects/secret.h"
#include "protocol/names.h"

namespace reconcilers {

namespace {

using namespace objects;

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

// What the controller's caches look for.
TextMap managed() { return {{"app.kubernetes.io/managed-by", "sympozium"}}; }

ObjectMeta gateway_access(const ObjectMeta& secret) {
  return {.name = controller::child_name("sympozium-gateway", secret.name),
          .ns = secret.ns,
          .labels = managed(),
          .ownerReferences = {
              {.apiVersion = "v1", .kind = "Secret", .name = secret.name, .uid = secret.uid}}};
}

}  // namespace

Subject gateway_user(std::string name) {
  return {.kind = "User", .apiGroup = std::string(rbac_group), .name = std::move(name)};
}

ServiceAccount desired_service_account(const std::string& ns) {
  ServiceAccount account;
  account.metadata.name = std::string(protocol::service_account_run);
  account.metadata.ns = ns;
  account.metadata.labels = managed();
  account.automountServiceAccountToken = false;
  return account;
}

Role desired_secret_role(const ObjectMeta& secret) {
  return {.metadata = gateway_access(secret),
          .rules = {{.verbs = {"get"},
                     .apiGroups = {""},
                     .resources = {"secrets"},
                     .resourceNames = {secret.name}}}};
}

RoleBinding desired_secret_role_binding(const ObjectMeta& secret, const Subject& gateway) {
  ObjectMeta metadata = gateway_access(secret);
  RoleRef role{.apiGroup = std::string(rbac_group), .kind = "Role", .name = metadata.name};
  return {.metadata = std::move(metadata), .subjects = {gateway}, .roleRef = std::move(role)};
}

ConfigMap desired_gateway_ca(const std::string& ns, const std::string& ca_pem) {
  ConfigMap map;
  map.metadata = {.name = "sympozium-gateway-ca", .ns = ns, .labels = managed()};
  map.data = {{"ca.crt", ca_pem}};
  return map;
}

}  // namespace reconcilers
