// The slice of core/v1 Node that we read and write.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct Taint {
  std::string key, value, effect;
  std::optional<Time> timeAdded;
  bool operator==(const Taint&) const = default;
  static const Struct table;
};
struct NodeSpec {
  std::string providerID, podCIDR;
  bool unschedulable = false;
  std::vector<Taint> taints;
  bool operator==(const NodeSpec&) const = default;
  static const Struct table;
};

struct NodeCondition {
  std::string type, status, reason, message;
  std::optional<Time> lastHeartbeatTime, lastTransitionTime;
  bool operator==(const NodeCondition&) const = default;
  static const Struct table;
};
struct NodeAddress {
  std::string type, address;  // InternalIP, Hostname, …
  bool operator==(const NodeAddress&) const = default;
  static const Struct table;
};
struct DaemonEndpoint {
  std::int64_t port = 0;  // "Port" on the wire
  bool operator==(const DaemonEndpoint&) const = default;
  static const Struct table;
};
struct DaemonEndpoints {
  DaemonEndpoint kubeletEndpoint;
  bool operator==(const DaemonEndpoints&) const = default;
  static const Struct table;
};
struct NodeSystemInfo {
  std::string machineID, systemUUID, bootID, kernelVersion, osImage, containerRuntimeVersion,
      kubeletVersion, kubeProxyVersion, operatingSystem, architecture;
  bool operator==(const NodeSystemInfo&) const = default;
  static const Struct table;
};
struct NodeStatus {
  Amounts capacity, allocatable;
  std::vector<NodeCondition> conditions;
  std::vector<NodeAddress> addresses;
  DaemonEndpoints daemonEndpoints;
  NodeSystemInfo nodeInfo;
  std::string phase;
  bool operator==(const NodeStatus&) const = default;
  static const Struct table;
};

struct Node {
  ObjectMeta metadata;
  NodeSpec spec;
  NodeStatus status;
  bool operator==(const Node&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
