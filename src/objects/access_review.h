// authorization.k8s.io/v1: may somebody do something?
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct ResourceAttributes {
  std::string ns;  // "namespace" on the wire
  std::string verb, group, version, resource, subresource, name;
  bool operator==(const ResourceAttributes&) const = default;
  static const Struct table;
};
struct NonResourceAttributes {
  std::string path, verb;
  bool operator==(const NonResourceAttributes&) const = default;
  static const Struct table;
};
struct AccessReviewSpec {
  std::optional<ResourceAttributes> resourceAttributes;
  std::optional<NonResourceAttributes> nonResourceAttributes;
  std::string user, uid;  // of a SubjectAccessReview only
  Texts groups;
  std::map<std::string, Texts> extra;
  bool operator==(const AccessReviewSpec&) const = default;
  static const Struct table;
};
struct AccessReviewStatus {
  bool allowed = false, denied = false;
  std::string reason, evaluationError;
  bool operator==(const AccessReviewStatus&) const = default;
  static const Struct table;
};
struct SubjectAccessReview {
  ObjectMeta metadata;
  AccessReviewSpec spec;
  AccessReviewStatus status;
  bool operator==(const SubjectAccessReview&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};
struct SelfSubjectAccessReview {
  ObjectMeta metadata;
  AccessReviewSpec spec;
  AccessReviewStatus status;
  bool operator==(const SelfSubjectAccessReview&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
