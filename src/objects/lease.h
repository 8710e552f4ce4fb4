// coordination.k8s.io/v1 Lease.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct LeaseSpec {
  std::string holderIdentity;
  std::optional<std::int64_t> leaseDurationSeconds, leaseTransitions;
  std::optional<MicroTime> acquireTime, renewTime;
  bool operator==(const LeaseSpec&) const = default;
  static const Struct table;
};
struct Lease {
  ObjectMeta metadata;
  LeaseSpec spec;
  bool operator==(const Lease&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
