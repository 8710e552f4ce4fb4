// rbac.authorization.k8s.io, and the reviews of authentication.k8s.io and authorization.k8s.io.
#include "apiserver/kinds.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Issues;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::string_view rbac = "rbac.authorization.k8s.io";

Issues validate_role(const Json& role, const Json*, Part) {
  Issues issues;
  bool cluster = text_at(role, {"kind"}) == "ClusterRole";
  auto rules = find_array(role, {"rules"});
  for (std::size_t i = 0; rules && i < rules->size(); ++i) {
    const auto& rule = (*rules)[i];
    auto at = cat("rules[", i, "]");
    auto count = [&](std::string_view member) {
      auto list = find_array(rule, {member});
      return list ? list->size() : 0;
    };
    if (!count("verbs"))
      issues.push_back({at + ".verbs", "Required value: verbs must contain at least one value"});
    if (count("nonResourceURLs")) {
      if (!cluster)
        issues.push_back({at + ".nonResourceURLs",
                          "Invalid value: namespaced rules cannot apply to non-resource URLs"});
      continue;
    }
    if (!count("apiGroups"))
      issues.push_back(
          {at + ".apiGroups", "Required value: resource rules must supply at least one api group"});
    if (!count("resources"))
      issues.push_back(
          {at + ".resources", "Required value: resource rules must supply at least one resource"});
  }
  return issues;
}

void default_binding(Json& binding) {
  if (auto reference = find_mutable(binding, {"roleRef"}); reference && reference->is_object())
    set_default(*reference, "apiGroup", Json(rbac));
  if (auto subjects = find_array(binding, {"subjects"}))
    for (auto& subject : *subjects)
      if (subject.is_object() && text_at(subject, {"kind"}) != "ServiceAccount")
        set_default(subject, "apiGroup", Json(rbac));
}

Issues validate_binding(const Json& binding, const Json* before, Part) {
  Issues issues;
  auto kind = text_at(binding, {"roleRef", "kind"});
  bool cluster = text_at(binding, {"kind"}) == "ClusterRoleBinding";
  if (kind != "ClusterRole" && (cluster || kind != "Role"))
    issues.push_back(
        {"roleRef.kind", cat("Unsupported value: \"", kind, "\": supported values: ",
                             cluster ? "\"ClusterRole\"" : "\"ClusterRole\", \"Role\"")});
  if (text_at(binding, {"roleRef", "name"}).empty())
    issues.push_back({"roleRef.name", "Required value"});
  auto subjects = find_array(binding, {"subjects"});
  for (std::size_t i = 0; subjects && i < subjects->size(); ++i) {
    const auto& subject = (*subjects)[i];
    auto subject_kind = text_at(subject, {"kind"});
    if (text_at(subject, {"name"}).empty())
      issues.push_back({cat("subjects[", i, "].name"), "Required value"});
    if (subject_kind != "User" && subject_kind != "Group" && subject_kind != "ServiceAccount")
      issues.push_back({cat("subjects[", i, "].kind"),
                        cat("Unsupported value: \"", subject_kind,
                            "\": supported values: \"Group\", \"ServiceAccount\", \"User\"")});
    if (subject_kind == "ServiceAccount" && cluster && text_at(subject, {"namespace"}).empty())
      issues.push_back({cat("subjects[", i, "].namespace"), "Required value"});
  }
  if (before) {
    auto old = find(*before, {"roleRef"});
    auto now = find(binding, {"roleRef"});
    if (old && now && *old != *now)
      issues.push_back(
          {"roleRef", cat("Invalid value: ", base::to_text(*now), ": cannot change roleRef")});
  }
  return issues;
}

std::string subject_list(const Json& binding, std::string_view kind) {
  std::vector<std::string> names;
  if (auto subjects = find_array(binding, {"subjects"}))
    for (const auto& subject : *subjects)
      if (text_at(subject, {"kind"}) == kind)
        names.push_back(kind == "ServiceAccount"
                            ? cat(text_at(subject, {"namespace"}), "/", text_at(subject, {"name"}))
                            : text_at(subject, {"name"}));
  return base::join(names, ", ");
}

Resource make_role(std::string plural, std::string kind, Scope scope) {
  auto role = make_resource(std::string(rbac), "v1", std::move(plural), std::move(kind), scope);
  role.path_segment_names = true;
  role.validate = validate_role;
  return role;  // Kubernetes shows Name and Created At, the default columns
}

Resource make_binding(std::string plural, std::string kind, Scope scope) {
  auto binding = make_resource(std::string(rbac), "v1", std::move(plural), std::move(kind), scope);
  binding.path_segment_names = true;
  binding.defaults = default_binding;
  binding.validate = validate_binding;
  binding.columns =
      make_columns({"Name", "Role", "Age", "Users:wide", "Groups:wide", "ServiceAccounts:wide"});
  binding.cells = [](const Json& object, base::Time now) -> JsonArray {
    return {
        Json(text_at(object, {"metadata", "name"})),
        Json(cat(text_at(object, {"roleRef", "kind"}), "/", text_at(object, {"roleRef", "name"}))),
        Json(age_of(object, now)),
        Json(subject_list(object, "User")),
        Json(subject_list(object, "Group")),
        Json(subject_list(object, "ServiceAccount"))};
  };
  return binding;
}

Resource make_review(std::string group, std::string plural, std::string kind, Scope scope) {
  auto review = make_resource(std::move(group), "v1", std::move(plural), std::move(kind), scope);
  review.verbs = {"create"};
  return review;
}

}  // namespace

std::vector<Resource> make_rbac_kinds() {
  return {make_binding("clusterrolebindings", "ClusterRoleBinding", Scope::cluster),
          make_role("clusterroles", "ClusterRole", Scope::cluster),
          make_binding("rolebindings", "RoleBinding", Scope::namespaced),
          make_role("roles", "Role", Scope::namespaced)};
}

std::vector<Resource> make_reviews() {
  const std::string authentication = "authentication.k8s.io",
                    authorization = "authorization.k8s.io";
  return {
      make_review(authentication, "selfsubjectreviews", "SelfSubjectReview", Scope::cluster),
      make_review(authentication, "tokenreviews", "TokenReview", Scope::cluster),
      make_review(authorization, "localsubjectaccessreviews", "LocalSubjectAccessReview",
                  Scope::namespaced),
      make_review(authorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview",
                  Scope::cluster),
      make_review(authorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview",
                  Scope::cluster),
      make_review(authorization, "subjectaccessreviews", "SubjectAccessReview", Scope::cluster)};
}

}  // namespace apiserver
