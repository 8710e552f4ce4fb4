#include "objects/namespace.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct NamespaceSpec::table{"NamespaceSpec", &room<NamespaceSpec>, {
    {"finalizers", &NamespaceSpec::finalizers, honoured, "Who must agree before it is gone."},
}};

constexpr Struct NamespaceStatus::table{"NamespaceStatus", &room<NamespaceStatus>, {
    {"phase", &NamespaceStatus::phase, honoured, "Active or Terminating."},
    {"conditions", &NamespaceStatus::conditions, honoured, "Why it is not gone yet."},
}};

constexpr Struct Namespace::table{"Namespace", &room<Namespace>, {
    {"metadata", &Namespace::metadata, honoured, "Name, labels."},
    {"spec", &Namespace::spec, honoured, "Finalizers."},
    {"status", &Namespace::status, honoured, "Phase."},
}, &Namespace::info};

constexpr KindInfo Namespace::info{
    .group = "", .version = "v1",
    .kind = "Namespace", .plural = "namespaces", .singular = "namespace",
    .scope = Scope::cluster,
    .status = StatusSubresource::yes,
    .short_names = {"ns"},
    .table = &Namespace::table,
    .doc = "A room for names.",
};

}  // namespace objects
