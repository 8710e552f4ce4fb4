// rbac.authorization.k8s.io/v1: what may be done, and who may do it.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct PolicyRule {
  Texts verbs, apiGroups, resources, resourceNames, nonResourceURLs;
  bool operator==(const PolicyRule&) const = default;
  static const Struct table;
};
struct Role {
  ObjectMeta metadata;
  std::vector<PolicyRule> rules;
  bool operator==(const Role&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};
struct ClusterRole {
  ObjectMeta metadata;
  std::vector<PolicyRule> rules;
  std::optional<JsonObject> aggregationRule;
  bool operator==(const ClusterRole&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

struct Subject {
  std::string kind, apiGroup, name;  // User, Group, ServiceAccount
  std::string ns;                    // "namespace" on the wire
  bool operator==(const Subject&) const = default;
  static const Struct table;
};
struct RoleRef {
  std::string apiGroup, kind, name;
  bool operator==(const RoleRef&) const = default;
  static const Struct table;
};
struct RoleBinding {
  ObjectMeta metadata;
  std::vector<Subject> subjects;
  RoleRef roleRef;
  bool operator==(const RoleBinding&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};
struct ClusterRoleBinding {
  ObjectMeta metadata;
  std::vector<Subject> subjects;
  RoleRef roleRef;
  bool operator==(const ClusterRoleBinding&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
