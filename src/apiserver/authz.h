// What a user may do: RBAC over the stored Role, ClusterRole and binding objects, and the fixed
// rules of nodes (Kubernetes' Node authorizer, the slice that our kinds need).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apiserver/request.h"
#include "apiserver/store.h"
#include "apiserver/user.h"

namespace apiserver {

// rbac.authorization.k8s.io/v1 PolicyRule.
struct Rule {
  std::vector<std::string> verbs, groups, resources, names, paths;
  bool allows(const RequestInfo&) const;
};
std::vector<Rule> parse_rules(const base::Json& role);

// Follows the RBAC objects of a store.
class Rbac {
 public:
  explicit Rbac(Store&);
  bool allows(const User&, const RequestInfo&) const;
  // Every rule that applies to the user in a namespace, for SelfSubjectRulesReview.
  std::vector<Rule> rules_of(const User&, const std::string& ns) const;

 private:
  struct Binding {
    std::string role_kind, role_name;
    base::JsonArray subjects;
  };
  using Name = std::pair<std::string, std::string>;  // namespace ("" cluster), name
  bool binds(const Binding&, const User&, const std::string& ns) const;
  const std::vector<Rule>* find_role(const Binding&, const std::string& ns) const;
  template <class Visit>
  void visit_rules(const User&, const std::string& ns, Visit) const;

  std::map<Name, std::vector<Rule>> roles_;
  std::map<Name, Binding> bindings_;
};

// Follows the pods of a store: which node may read which Secret and ConfigMap.
class NodeAuthorizer {
 public:
  explicit NodeAuthorizer(Store&);
  // False: no opinion.
  bool allows(const User&, const RequestInfo&, const io::Target&) const;

 private:
  struct Pod {
    std::string node, account;
    std::set<std::pair<std::string, std::string>> references;  // {"secrets", name}, …
  };
  void follow(const Change&);
  bool refers(const std::string& node, const RequestInfo&) const;

  std::map<std::pair<std::string, std::string>, Pod> pods_;  // namespace, name
};

// The node of a user, "" when it is none.
std::string node_of(const User&);

// "User "x" cannot list resource "pods" in API group "" in the namespace "y"".
std::string describe_refusal(const User&, const RequestInfo&);

}  // namespace apiserver
