#include "objects/config_map.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct ConfigMap::table{"ConfigMap", &room<ConfigMap>, {
    {"metadata", &ConfigMap::metadata, honoured, "Name, labels, owners."},
    {"data", &ConfigMap::data, honoured, "Texts, by key."},
    {"binaryData", &ConfigMap::binaryData, honoured, "Values in base64, by key."},
    {"immutable", &ConfigMap::immutable, honoured, "Whether it cannot be changed."},
}, &ConfigMap::info};

constexpr KindInfo ConfigMap::info{
    .group = "", .version = "v1",
    .kind = "ConfigMap", .plural = "configmaps", .singular = "configmap",
    .short_names = {"cm"},
    .table = &ConfigMap::table,
    .doc = "Values for everybody.",
};

}  // namespace objects
