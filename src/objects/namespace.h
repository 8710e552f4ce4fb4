// core/v1 Namespace.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct NamespaceSpec {
  Texts finalizers;
  bool operator==(const NamespaceSpec&) const = default;
  static const Struct table;
};
struct NamespaceStatus {
  std::string phase;  // Active, Terminating
  std::vector<JsonObject> conditions;
  bool operator==(const NamespaceStatus&) const = default;
  static const Struct table;
};
struct Namespace {
  ObjectMeta metadata;
  NamespaceSpec spec;
  NamespaceStatus status;
  bool operator==(const Namespace&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
