#include "node/node_objects.h"

#include <set>

#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

// The API that this node was written against; controllers compare versions by it.
constexpr auto kubelet_version = "v1.30.0+sympozium";

#if defined(__aarch64__)
constexpr auto architecture = "arm64";
#else
constexpr auto architecture = "amd64";
#endif

Json condition(const Json& node, std::string_view type, std::string_view status,
               std::string_view reason, std::string_view message, base::Time now) {
  const std::string at = base::format_time(now);
  JsonObject out{{"type", type},       {"status", status},        {"reason", reason},
                 {"message", message}, {"lastHeartbeatTime", at}, {"lastTransitionTime", at}};
  for (const auto& old : items(node, {"status", "conditions"}))
    if (base::text_at(old, {"type"}) == type && base::text_at(old, {"status"}) == status)
      if (auto since = base::find_string(old, {"lastTransitionTime"}))
        out["lastTransitionTime"] = *since;
  return out;
}

}  // namespace

Json desired_node(const std::string& name) {
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "Node"},
                    {"metadata",
                     {{"name", name},
                      {"labels",
                       {{"kubernetes.io/hostname", name},
                        {"kubernetes.io/os", "linux"},
                        {"kubernetes.io/arch", architecture},
                        {"sympozium.ai/node", "true"}}}}},
                    {"spec", JsonObject{}}};
}

Json desired_node_status(const Json& node, const MachineInfo& machine, const std::string& address,
                         std::uint16_t port, base::Time now,
                         const std::vector<std::string>& images) {
  const Json resources = JsonObject{{"cpu", std::to_string(machine.cpus)},
                                    {"memory", cat(machine.memory_bytes / 1024, "Ki")},
                                    {"ephemeral-storage", cat(machine.disk_bytes / 1024, "Ki")},
                                    {"pods", std::to_string(machine.pods_most)}};
  JsonArray conditions;
  std::set<std::string> own{"Ready"};
  struct Pressure {
    std::string_view type, reason, message;
  };
  for (auto [type, reason, message] :
       {Pressure{"MemoryPressure", "KubeletHasSufficientMemory",
                 "kubelet has sufficient memory available"},
        Pressure{"DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"},
        Pressure{"PIDPressure", "KubeletHasSufficientPID",
                 "kubelet has sufficient PID available"}}) {
    conditions.push_back(condition(node, type, "False", reason, message, now));
    own.emplace(type);
  }
  conditions.push_back(condition(node, "Ready", "True", "KubeletReady", "the node runs pods", now));
  for (const auto& other : items(node, {"status", "conditions"}))
    if (!own.contains(base::text_at(other, {"type"}))) conditions.push_back(other);
  JsonArray image_list;
  for (const auto& image : images)
    image_list.push_back({{"names", JsonArray{Json(image)}}, {"sizeBytes", 0}});
  return JsonObject{{"capacity", resources},
                    {"allocatable", resources},
                    {"conditions", conditions},
                    {"addresses", JsonArray{{{"type", "InternalIP"}, {"address", address}},
                                            {{"type", "Hostname"}, {"address", machine.hostname}}}},
                    {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", port}}}}},
                    {"images", image_list},
                    {"nodeInfo",
                     {{"architecture", architecture},
                      {"operatingSystem", "linux"},
                      {"kernelVersion", machine.kernel},
                      {"osImage", machine.os_image},
                      {"bootID", machine.boot_id},
                      {"machineID", machine.machine_id},
                      {"systemUUID", machine.machine_id},
                      {"containerRuntimeVersion", machine.runtime},
                      {"kubeletVersion", kubelet_version},
                      {"kubeProxyVersion", ""}}}};
}

Json desired_lease(const Json& node, base::MicroTime now) {
  const std::string holder = name(node);
  return JsonObject{
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata",
       {{"name", holder},
        {"namespace", "kube-node-lease"},
        {"ownerReferences",
         JsonArray{
             {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", holder}, {"uid", uid(node)}}}}}},
      {"spec",
       {{"holderIdentity", holder},
        {"leaseDurationSeconds", lease_seconds},
        {"renewTime", base::format_micro_time(now)}}}};
}

Json lease_renewal(base::MicroTime now) {
  return JsonObject{{"spec", {{"renewTime", base::format_micro_time(now)}}}};
}

}  // namespace node
