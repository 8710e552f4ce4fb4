// What all objects have in common (Kubernetes apimachinery, meta/v1).
#pragma once

#include "schema/schema.h"

namespace objects {

using base::IntOrString;
using base::Json;
using base::JsonObject;
using base::MicroTime;
using base::Quantity;
using base::Time;
using schema::Struct;

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;
using Amounts = std::map<std::string, Quantity>;

struct OwnerReference {
  std::string apiVersion, kind, name, uid;
  std::optional<bool> controller, blockOwnerDeletion;
  bool operator==(const OwnerReference&) const = default;
  static const Struct table;
};

struct ObjectMeta {
  std::string name, generateName;
  std::string ns;  // "namespace" on the wire
  std::string uid, resourceVersion;
  std::int64_t generation = 0;
  Time creationTimestamp{};
  std::optional<Time> deletionTimestamp;
  std::optional<std::int64_t> deletionGracePeriodSeconds;
  TextMap labels, annotations;
  Texts finalizers;
  std::vector<OwnerReference> ownerReferences;
  std::string selfLink;
  std::vector<JsonObject> managedFields;
  bool operator==(const ObjectMeta&) const = default;
  static const Struct table;
};

enum class ConditionStatus : std::uint8_t { is_true, is_false, unknown };
constexpr schema::Names names(ConditionStatus) { return {"True", "False", "Unknown"}; }

// metav1.Condition: a list map by `type`, in the status of our kinds. See objects/conditions.h.
struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::unknown;
  std::int64_t observedGeneration = 0;
  Time lastTransitionTime{};
  std::string reason, message;
  bool operator==(const Condition&) const = default;
  static const Struct table;
};

// The object of that name in the same namespace; of `key` in it.
struct LocalObjectReference {
  std::string name;
  bool operator==(const LocalObjectReference&) const = default;
  static const Struct table;
};

struct SecretKeySelector {
  std::string name, key;
  std::optional<bool> optional;
  bool operator==(const SecretKeySelector&) const = default;
  static const Struct table;
};

struct LabelSelector {
  TextMap matchLabels;
  std::vector<JsonObject> matchExpressions;
  bool operator==(const LabelSelector&) const = default;
  static const Struct table;
};

}  // namespace objects
