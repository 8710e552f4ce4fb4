#include "objects/node.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct Taint::table{"Taint", &room<Taint>, {
    {"key", &Taint::key, honoured, "Key."},
    {"value", &Taint::value, honoured, "Value."},
    {"effect", &Taint::effect, honoured, "NoSchedule, PreferNoSchedule or NoExecute."},
    {"timeAdded", &Taint::timeAdded, honoured, "When."},
}};

constexpr Struct NodeSpec::table{"NodeSpec", &room<NodeSpec>, {
    {"providerID", &NodeSpec::providerID, honoured, "Id at the provider."},
    {"podCIDR", &NodeSpec::podCIDR, honoured, "Addresses of its pods."},
    {"unschedulable", &NodeSpec::unschedulable, honoured, "Whether no new pods come."},
    {"taints", &NodeSpec::taints, honoured, "What pods must bear."},
}};

constexpr Struct NodeCondition::table{"NodeCondition", &room<NodeCondition>, {
    {"type", &NodeCondition::type, honoured, "Ready, MemoryPressure, DiskPressure, PIDPressure, …"},
    {"status", &NodeCondition::status, honoured, "True, False or Unknown."},
    {"reason", &NodeCondition::reason, honoured, "Why, in one word."},
    {"message", &NodeCondition::message, honoured, "Why, for people."},
    {"lastHeartbeatTime", &NodeCondition::lastHeartbeatTime, honoured, "When it was last said."},
    {"lastTransitionTime", &NodeCondition::lastTransitionTime, honoured, "When the status last changed."},
}};

constexpr Struct NodeAddress::table{"NodeAddress", &room<NodeAddress>, {
    {"type", &NodeAddress::type, honoured, "InternalIP, Hostname, …"},
    {"address", &NodeAddress::address, honoured, "Address."},
}};

constexpr Struct DaemonEndpoint::table{"DaemonEndpoint", &room<DaemonEndpoint>, {
    {"Port", &DaemonEndpoint::port, honoured, "Port."},
}};

constexpr Struct DaemonEndpoints::table{"DaemonEndpoints", &room<DaemonEndpoints>, {
    {"kubeletEndpoint", &DaemonEndpoints::kubeletEndpoint, honoured, "Where the kubelet listens."},
}};

constexpr Struct NodeSystemInfo::table{"NodeSystemInfo", &room<NodeSystemInfo>, {
    {"machineID", &NodeSystemInfo::machineID, honoured, "/etc/machine-id."},
    {"systemUUID", &NodeSystemInfo::systemUUID, honoured, "Id of the machine."},
    {"bootID", &NodeSystemInfo::bootID, honoured, "Id of this boot."},
    {"kernelVersion", &NodeSystemInfo::kernelVersion, honoured, "uname -r."},
    {"osImage", &NodeSystemInfo::osImage, honoured, "PRETTY_NAME of os-release."},
    {"containerRuntimeVersion", &NodeSystemInfo::containerRuntimeVersion, honoured, "<runtime>://<version>."},
    {"kubeletVersion", &NodeSystemInfo::kubeletVersion, honoured, "Version of the kubelet."},
    {"kubeProxyVersion", &NodeSystemInfo::kubeProxyVersion, honoured, "Not set by any current node."},
    {"operatingSystem", &NodeSystemInfo::operatingSystem, honoured, "linux."},
    {"architecture", &NodeSystemInfo::architecture, honoured, "amd64, arm64, …"},
}};

constexpr Struct NodeStatus::table{"NodeStatus", &room<NodeStatus>, {
    {"capacity", &NodeStatus::capacity, honoured, "Amounts of the node."},
    {"allocatable", &NodeStatus::allocatable, honoured, "Amounts for pods."},
    {"conditions", &NodeStatus::conditions, honoured, "Conditions, by type."},
    {"addresses", &NodeStatus::addresses, honoured, "Addresses."},
    {"daemonEndpoints", &NodeStatus::daemonEndpoints, honoured, "Where its daemons listen."},
    {"nodeInfo", &NodeStatus::nodeInfo, honoured, "What it is."},
    {"phase", &NodeStatus::phase, honoured, "Not set by any current node."},
}};

constexpr Struct Node::table{"Node", &room<Node>, {
    {"metadata", &Node::metadata, honoured, "Name, labels."},
    {"spec", &Node::spec, honoured, "Whether pods come."},
    {"status", &Node::status, honoured, "How it is doing."},
}, &Node::info};

constexpr KindInfo Node::info{
    .group = "", .version = "v1",
    .kind = "Node", .plural = "nodes", .singular = "node",
    .scope = Scope::cluster,
    .status = StatusSubresource::yes,
    .short_names = {"no"},
    .table = &Node::table,
    .doc = "A machine that runs pods.",
};

}  // namespace objects
