#include "objects/rbac.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct PolicyRule::table{"PolicyRule", &room<PolicyRule>, {
    {"verbs", &PolicyRule::verbs, honoured, "get, list, watch, create, update, patch, delete, …; * for all."},
    {"apiGroups", &PolicyRule::apiGroups, honoured, "API groups; \"\" is the core group, * all."},
    {"resources", &PolicyRule::resources, honoured, "Plurals, also plural/subresource; * for all."},
    {"resourceNames", &PolicyRule::resourceNames, honoured, "Only objects of these names; default all."},
    {"nonResourceURLs", &PolicyRule::nonResourceURLs, honoured, "Paths that are no resources, * at their end."},
}};

constexpr Struct Role::table{"Role", &room<Role>, {
    {"metadata", &Role::metadata, honoured, "Name, labels, owners."},
    {"rules", &Role::rules, honoured, "What may be done."},
}, &Role::info};

constexpr KindInfo Role::info{
    .group = "rbac.authorization.k8s.io", .version = "v1",
    .kind = "Role", .plural = "roles", .singular = "role",
    .table = &Role::table,
    .doc = "What may be done in a namespace.",
};

constexpr Struct ClusterRole::table{"ClusterRole", &room<ClusterRole>, {
    {"metadata", &ClusterRole::metadata, honoured, "Name, labels."},
    {"rules", &ClusterRole::rules, honoured, "What may be done."},
    {"aggregationRule", &ClusterRole::aggregationRule, honoured, "Roles of which this is the sum."},
}, &ClusterRole::info};

constexpr KindInfo ClusterRole::info{
    .group = "rbac.authorization.k8s.io", .version = "v1",
    .kind = "ClusterRole", .plural = "clusterroles", .singular = "clusterrole",
    .scope = Scope::cluster,
    .table = &ClusterRole::table,
    .doc = "What may be done everywhere.",
};

constexpr Struct Subject::table{"Subject", &room<Subject>, {
    {"kind", &Subject::kind, honoured, "User, Group or ServiceAccount."},
    {"apiGroup", &Subject::apiGroup, honoured, "rbac.authorization.k8s.io for users and groups."},
    {"name", &Subject::name, honoured, "Name."},
    {"namespace", &Subject::ns, honoured, "Namespace of a ServiceAccount."},
}};

constexpr Struct RoleRef::table{"RoleRef", &room<RoleRef>, {
    {"apiGroup", &RoleRef::apiGroup, honoured, "rbac.authorization.k8s.io."},
    {"kind", &RoleRef::kind, honoured, "Role or ClusterRole."},
    {"name", &RoleRef::name, honoured, "Name."},
}};

constexpr Struct RoleBinding::table{"RoleBinding", &room<RoleBinding>, {
    {"metadata", &RoleBinding::metadata, honoured, "Name, labels, owners."},
    {"subjects", &RoleBinding::subjects, honoured, "Who."},
    {"roleRef", &RoleBinding::roleRef, honoured, "Which role."},
}, &RoleBinding::info};

constexpr KindInfo RoleBinding::info{
    .group = "rbac.authorization.k8s.io", .version = "v1",
    .kind = "RoleBinding", .plural = "rolebindings", .singular = "rolebinding",
    .table = &RoleBinding::table,
    .doc = "Who has a role in a namespace.",
};

constexpr Struct ClusterRoleBinding::table{"ClusterRoleBinding", &room<ClusterRoleBinding>, {
    {"metadata", &ClusterRoleBinding::metadata, honoured, "Name, labels."},
    {"subjects", &ClusterRoleBinding::subjects, honoured, "Who."},
    {"roleRef", &ClusterRoleBinding::roleRef, honoured, "Which role."},
}, &ClusterRoleBinding::info};

constexpr KindInfo ClusterRoleBinding::info{
    .group = "rbac.authorization.k8s.io", .version = "v1",
    .kind = "ClusterRoleBinding", .plural = "clusterrolebindings", .singular = "clusterrolebinding",
    .scope = Scope::cluster,
    .table = &ClusterRoleBinding::table,
    .doc = "Who has a role everywhere.",
};

}  // namespace objects
