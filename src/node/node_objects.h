// The Node and Lease objects that a node writes about itself. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace node {

struct MachineInfo {
  std::int64_t cpus = 1, memory_bytes = 0, disk_bytes = 0, pods_most = 110;
  std::string hostname, kernel, os_image, boot_id, machine_id, runtime;
};

base::Json desired_node(const std::string& name);
// Capacity, conditions, addresses, the port for logs. Conditions that others write, and transition
// times of those that did not change, are taken from the node as the server has it.
base::Json desired_node_status(const base::Json& node, const MachineInfo&,
                               const std::string& address, std::uint16_t port, base::Time now,
                               const std::vector<std::string>& images);

constexpr int lease_seconds = 40;
constexpr base::Duration lease_interval{10'000};
base::Json desired_lease(const base::Json& node, base::MicroTime now);
base::Json lease_renewal(base::MicroTime now);

// This machine. Blocks.
MachineInfo look_at_machine(const std::string& directory, const std::string& runtime);

}  // namespace node
