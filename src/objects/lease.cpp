#include "objects/lease.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct LeaseSpec::table{"LeaseSpec", &room<LeaseSpec>, {
    {"holderIdentity", &LeaseSpec::holderIdentity, honoured, "Who has it."},
    {"leaseDurationSeconds", &LeaseSpec::leaseDurationSeconds, honoured, "Seconds after renewTime until others may take it."},
    {"leaseTransitions", &LeaseSpec::leaseTransitions, honoured, "Changes of the holder."},
    {"acquireTime", &LeaseSpec::acquireTime, honoured, "When the holder took it."},
    {"renewTime", &LeaseSpec::renewTime, honoured, "When the holder last renewed it."},
}};

constexpr Struct Lease::table{"Lease", &room<Lease>, {
    {"metadata", &Lease::metadata, honoured, "Name, labels, owners."},
    {"spec", &Lease::spec, honoured, "Holder and times."},
}, &Lease::info};

constexpr KindInfo Lease::info{
    .group = "coordination.k8s.io", .version = "v1",
    .kind = "Lease", .plural = "leases", .singular = "lease",
    .table = &Lease::table,
    .doc = "Who does something, and until when.",
};

}  // namespace objects
