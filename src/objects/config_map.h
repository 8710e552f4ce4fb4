// core/v1 ConfigMap.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct ConfigMap {
  ObjectMeta metadata;
  TextMap data;
  TextMap binaryData;  // base64
  std::optional<bool> immutable;
  bool operator==(const ConfigMap&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
