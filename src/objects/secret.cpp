#include "objects/secret.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct Secret::table{"Secret", &room<Secret>, {
    {"metadata", &Secret::metadata, honoured, "Name, labels, owners."},
    {"type", &Secret::type, honoured, "Opaque, kubernetes.io/tls, …"},
    {"data", &Secret::data, honoured, "Values in base64, by key."},
    {"stringData", &Secret::stringData, honoured, "Plain values, by key; written only."},
    {"immutable", &Secret::immutable, honoured, "Whether it cannot be changed."},
}, &Secret::info};

constexpr KindInfo Secret::info{
    .group = "", .version = "v1",
    .kind = "Secret", .plural = "secrets", .singular = "secret",
    .table = &Secret::table,
    .doc = "Values for those who may read them.",
};

}  // namespace objects
