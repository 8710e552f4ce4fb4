// Resource requests and limits as a kernel understands them.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"

namespace node {

struct Machine {
  std::int64_t cpu_milli = 1000;
  std::int64_t memory_bytes = 1;
  int oom_score = 0;  // our own: without CAP_SYS_RESOURCE nobody below us gets less
  std::int64_t pids_per_container = 512;
};

// "Guaranteed", "Burstable" or "BestEffort" (Kubernetes: quality of service classes).
std::string qos_class(const base::Json& pod);

// OCI linux.resources: memory.limit, cpu.shares, cpu.quota, cpu.period, pids.limit, no devices but
// the runtime's default ones.
base::Json oci_resources(const base::Json& container, const Machine&);

// OCI process.oomScoreAdj by a kubelet's formula, never below our own.
int oom_score(const base::Json& pod, const base::Json& container, const Machine&);

// Sum of the memory limits of all containers when each has one.
std::optional<std::int64_t> pod_memory_limit(const base::Json& pod);

}  // namespace node
