#include "home/manifests.h"

#include "base/text.h"
#include "objects/kinds.h"
#include "protocol/journal_api.h"
#include "schema/openapi.h"

namespace home {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

// "get list watch" → ["get", "list", "watch"]
JsonArray words(std::string_view text) {
  JsonArray out;
  for (const auto& word : base::split(text, ' ')) out.emplace_back(word);
  return out;
}

JsonObject rule(std::string_view group, std::string_view resources, std::string_view verbs) {
  return {{"apiGroups", JsonArray{Json(group)}},
          {"resources", words(resources)},
          {"verbs", words(verbs)}};
}

constexpr std::string_view rbac = "rbac.authorization.k8s.io";

Json cluster_role(std::string_view name, JsonArray rules) {
  return JsonObject{{"apiVersion", "rbac.authorization.k8s.io/v1"},
                    {"kind", "ClusterRole"},
                    {"metadata", {{"name", name}}},
                    {"rules", std::move(rules)}};
}

Json binding(std::string_view name, std::string_view role, std::string_view user) {
  const JsonObject subject{{"apiGroup", rbac}, {"kind", "User"}, {"name", user}};
  return JsonObject{{"apiVersion", "rbac.authorization.k8s.io/v1"},
                    {"kind", "ClusterRoleBinding"},
                    {"metadata", {{"name", name}}},
                    {"roleRef", {{"apiGroup", rbac}, {"kind", "ClusterRole"}, {"name", role}}},
                    {"subjects", JsonArray{subject}}};
}

// What the reconcilers do (src/reconcilers) …
JsonArray controller_rules() {
  return {
      rule("sympozium.ai", "agents agentruns skillpacks", "get list watch patch"),
      rule("sympozium.ai", "agents/status agentruns/status skillpacks/status", "patch"),
      rule("sympozium.ai", "agents/finalizers agentruns/finalizers skillpacks/finalizers",
           "update"),
      rule("batch", "jobs", "get list watch create patch delete"),
      rule("", "pods", "get list watch"),
      rule("", "serviceaccounts configmaps", "get list watch create patch delete"),
      rule("", "secrets", "get list watch"), rule("", "events", "create patch"),
      rule("events.k8s.io", "events", "create patch"),
      // A Role for one Secret each, given to the gateway: made without holding the right itself.
      rule(rbac, "roles", "get list watch create patch delete escalate"),
      rule(rbac, "rolebindings", "get list watch create patch delete"),
      rule("coordination.k8s.io", "leases", "get create patch")};
}

// … and what the job, binder and garbage loops do (src/loops), where no kube-controller-manager
// does it.
JsonArray loop_rules() {
  return {rule("", "pods", "get list watch create patch delete"),
          rule("", "pods/binding", "create"),
          rule("", "pods/status", "patch"),
          rule("", "nodes", "get list watch patch"),
          rule("", "namespaces", "get list watch"),
          rule("", "namespaces/status namespaces/finalize", "patch update"),
          rule("", "serviceaccounts configmaps secrets events",
               "get list watch patch delete deletecollection"),
          rule("batch", "jobs", "get list watch patch delete"),
          rule("batch", "jobs/status", "patch"),
          rule("coordination.k8s.io", "leases", "get list watch patch delete"),
          rule(rbac, "roles rolebindings", "get list watch patch delete"),
          rule("sympozium.ai", "agents agentruns skillpacks", "get list watch patch delete"),
          rule("", "events", "create patch"),
          rule("events.k8s.io", "events", "get list watch create patch delete")};
}

// What the gateway does (src/gateway).
JsonArray gateway_rules() {
  return {rule("sympozium.ai", "agents agentruns skillpacks", "get list watch"),
          rule("sympozium.ai", "agentruns/status", "patch"), rule("", "configmaps", "get"),
          // In a cluster it takes the journal's APIService away when it ends.
          JsonObject{{"apiGroups", words("apiregistration.k8s.io")},
                     {"resources", words("apiservices")},
                     {"resourceNames", words("v1alpha1.journal.sympozium.ai")},
                     {"verbs", words("delete")}},
          rule("", "events", "create patch"), rule("events.k8s.io", "events", "create patch")};
}

constexpr std::string_view fork_policy = "forks.sympozium.ai";

// A fork continues what another run's record says: who makes it must be allowed to read that.
std::vector<Json> fork_policy_manifests() {
  const std::string may_read =
      cat("authorizer.group('", protocol::journal_group,
          "').resource('runrecords').subresource('export').namespace(request.namespace)"
          ".name(object.spec.fork.run).check('get').allowed()");
  const std::string message =
      cat("'spec.fork: User \"' + request.userInfo.username + '\" cannot get resource "
          "\"runrecords/export\" in API group \"",
          protocol::journal_group, "\" in the namespace \"' + request.namespace + '\"'");
  return {
      JsonObject{{"apiVersion", "admissionregistration.k8s.io/v1"},
                 {"kind", "ValidatingAdmissionPolicy"},
                 {"metadata", {{"name", fork_policy}}},
                 {"spec",
                  {{"failurePolicy", "Fail"},
                   {"matchConstraints",
                    {{"resourceRules", JsonArray{JsonObject{{"apiGroups", words("sympozium.ai")},
                                                            {"apiVersions", words("v1alpha1")},
                                                            {"operations", words("CREATE")},
                                                            {"resources", words("agentruns")}}}}}},
                   {"validations", JsonArray{JsonObject{
                                       {"expression", cat("!has(object.spec.fork) || ", may_read)},
                                       {"messageExpression", message},
                                       {"reason", "Forbidden"}}}}}}},
      JsonObject{{"apiVersion", "admissionregistration.k8s.io/v1"},
                 {"kind", "ValidatingAdmissionPolicyBinding"},
                 {"metadata", {{"name", fork_policy}}},
                 {"spec", {{"policyName", fork_policy}, {"validationActions", words("Deny")}}}}};
}

}  // namespace

std::vector<Json> rbac_manifests(WithLoops with_loops) {
  std::vector<Json> all{
      cluster_role("sympozium-controller", controller_rules()),
      binding("sympozium-controller", "sympozium-controller", user_controller),
      cluster_role("sympozium-gateway", gateway_rules()),
      binding("sympozium-gateway", "sympozium-gateway", user_gateway),
      // The keys that pod tokens are verified with.
      binding("sympozium-gateway-issuer", "system:service-account-issuer-discovery", user_gateway),
  };
  if (with_loops == WithLoops::yes) {
    all.push_back(cluster_role("sympozium-loops", loop_rules()));
    all.push_back(binding("sympozium-loops", "sympozium-loops", user_controller));
  }
  return all;
}

std::vector<Json> cluster_manifests(WithLoops with_loops) {
  std::vector<Json> all{
      JsonObject{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns_system}}}}};
  for (const auto* kind : objects::own_kinds()) all.push_back(schema::crd(*kind));
  for (auto& manifest : rbac_manifests(with_loops)) all.push_back(std::move(manifest));
  for (auto& manifest : fork_policy_manifests()) all.push_back(std::move(manifest));
  return all;
}

}  // namespace home
