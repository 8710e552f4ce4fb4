#include "reconcilers/agentrun/access.h"

#include <gtest/gtest.h>

#include "reconcilers/writer.h"

namespace reconcilers {
namespace {

using namespace objects;

ObjectMeta a_secret() { return {.name = "key", .ns = "demo", .uid = "5ec"}; }

TEST(DesiredServiceAccount, GivesItsPodsNoToken) {
  EXPECT_EQ(base::to_text(to_manifest(desired_service_account("demo"))),
            R"({"apiVersion":"v1","kind":"ServiceAccount",)"
            R"("metadata":{"name":"sympozium-run","namespace":"demo",)"
            R"("labels":{"app.kubernetes.io/managed-by":"sympozium"}},)"
            R"("automountServiceAccountToken":false})");
}

TEST(DesiredSecretRole, AllowsToGetTheOneSecretAndNothingElse) {
  const Role role = desired_secret_role(a_secret());
  EXPECT_EQ(role.metadata.name, "sympozium-gateway-key");
  ASSERT_EQ(role.rules.size(), 1u);
  EXPECT_EQ(role.rules[0].verbs, Texts{"get"});
  EXPECT_EQ(role.rules[0].apiGroups, Texts{""});
  EXPECT_EQ(role.rules[0].resources, Texts{"secrets"});
  EXPECT_EQ(role.rules[0].resourceNames, Texts{"key"});
}

TEST(DesiredSecretRoleBinding, BindsTheGatewayToTheRole) {
  const RoleBinding binding = desired_secret_role_binding(a_secret(), gateway_user());
  EXPECT_EQ(binding.metadata.name, binding.roleRef.name);
  EXPECT_EQ(binding.roleRef.kind, "Role");
  EXPECT_EQ(binding.roleRef.apiGroup, "rbac.authorization.k8s.io");
  ASSERT_EQ(binding.subjects.size(), 1u);
  EXPECT_EQ(binding.subjects[0].kind, "User");
  EXPECT_EQ(binding.subjects[0].name, "sympozium-gateway");
}

TEST(DesiredSecretRole, GoesWithItsSecret) {
  const std::vector<OwnerReference> secret{
      {.apiVersion = "v1", .kind = "Secret", .name = "key", .uid = "5ec"}};
  EXPECT_EQ(desired_secret_role(a_secret()).metadata.ownerReferences, secret);
  EXPECT_EQ(desired_secret_role_binding(a_secret(), gateway_user()).metadata.ownerReferences,
            secret);
}

TEST(DesiredSecretRole, HasANameOfItsOwnForEachLongSecret) {
  ObjectMeta one = a_secret(), other = a_secret();
  one.name = std::string(60, 'a');
  other.name = one.name + "b";
  const std::string name = desired_secret_role(one).metadata.name;
  EXPECT_LE(name.size(), 63u);
  EXPECT_NE(name, desired_secret_role(other).metadata.name);
}

TEST(DesiredGatewayCa, HoldsTheCertificate) {
  const ConfigMap map = desired_gateway_ca("demo", "PEM");
  EXPECT_EQ(map.metadata.name, "sympozium-gateway-ca");
  EXPECT_EQ(map.metadata.ns, "demo");
  EXPECT_EQ(map.data, (TextMap{{"ca.crt", "PEM"}}));
}

}  // namespace
}  // namespace reconcilers
