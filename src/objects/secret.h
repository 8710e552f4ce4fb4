// core/v1 Secret. Values are base64 on the wire and in this struct; they are kept out of logs by
// keeping this struct out of logs.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct Secret {
  ObjectMeta metadata;
  std::string type;
  TextMap data;        // base64
  TextMap stringData;  // plain, written only
  std::optional<bool> immutable;
  bool operator==(const Secret&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
