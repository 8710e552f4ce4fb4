#include "node/refusals.h"

#include <set>

#include "base/text.h"
#include "node/pod.h"
#include "node/security.h"
#include "protocol/names.h"

namespace node {

using base::cat;
using base::Json;

namespace {

constexpr std::string_view other_node = "is not offered by this node; use a cluster's node for it";

void refuse_present(base::Issues& out, const Json& object, const std::string& path,
                    std::initializer_list<std::string_view> fields) {
  for (auto field : fields)
    if (base::find(object, {field}))
      out.push_back({cat(path, ".", field), std::string(other_node)});
}

void refuse_true(base::Issues& out, const Json& object, const std::string& path,
                 std::initializer_list<std::string_view> fields) {
  for (auto field : fields)
    if (base::find_bool(object, {field}).value_or(false))
      out.push_back({cat(path, ".", field), "must not be true on this node"});
}

void check_security(base::Issues& out, const Json& context, const std::string& path) {
  refuse_true(out, context, path, {"privileged"});
  refuse_present(out, context, path, {"seLinuxOptions", "windowsOptions", "sysctls"});
  const std::string seccomp = base::text_at(context, {"seccompProfile", "type"});
  if (!seccomp.empty() && seccomp != "RuntimeDefault")
    out.push_back({path + ".seccompProfile.type",
                   cat("is \"", seccomp, "\"; this node has RuntimeDefault only")});
  const std::string proc = base::text_at(context, {"procMount"});
  if (!proc.empty() && proc != "Default")
    out.push_back({path + ".procMount", "must be Default on this node"});
  for (const auto& capability : items(context, {"capabilities", "add"}))
    if (capability.is_string() && !is_grantable(capability.get_string()))
      out.push_back(
          {path + ".capabilities.add", cat("\"", std::string_view(capability.get_string()),
                                           "\" is never granted by this node")});
}

void check_volume(base::Issues& out, const Json& volume, const std::string& path) {
  static const std::set<std::string_view> known{"name",        "emptyDir",  "configMap", "secret",
                                                "downwardAPI", "projected", "csi"};
  if (!volume.is_object()) return;
  for (const auto& [key, value] : volume.get_object())
    if (!known.contains(key))
      out.push_back({cat(path, ".", std::string_view(key)), "is no volume type of this node"});
  const std::string medium = base::text_at(volume, {"emptyDir", "medium"});
  if (!medium.empty() && medium != "Memory")
    out.push_back({path + ".emptyDir.medium", "must be \"\" or Memory"});
  if (base::find(volume, {"csi"}) &&
      base::text_at(volume, {"csi", "driver"}) != protocol::csi_gateway)
    out.push_back({path + ".csi.driver",
                   cat("must be ", protocol::csi_gateway, ", the one driver of this node")});
  std::size_t index = 0;
  for (const auto& source : items(volume, {"projected", "sources"})) {
    refuse_present(out, source, cat(path, ".projected.sources[", index++, "]"),
                   {"clusterTrustBundle", "podCertificate"});
  }
}

void check_container(base::Issues& out, const Json& spec, const std::string& path) {
  refuse_present(out, spec, path,
                 {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "volumeDevices",
                  "resizePolicy", "restartPolicyRules"});
  refuse_true(out, spec, path, {"tty", "stdin", "stdinOnce"});
  if (const Json* context = base::find(spec, {"securityContext"}))
    check_security(out, *context, path + ".securityContext");
  std::size_t index = 0;
  for (const auto& port : items(spec, {"ports"})) {
    if (base::find_int(port, {"hostPort"}).value_or(0) != 0)
      out.push_back(
          {cat(path, ".ports[", index, "].hostPort"), "has no meaning: the pod has only lo"});
    ++index;
  }
  index = 0;
  for (const auto& mount : items(spec, {"volumeMounts"})) {
    const std::string at = cat(path, ".volumeMounts[", index++, "]");
    refuse_present(out, mount, at, {"subPath", "subPathExpr"});
    const std::string propagation = base::text_at(mount, {"mountPropagation"});
    if (!propagation.empty() && propagation != "None")
      out.push_back({at + ".mountPropagation", "must be None on this node"});
  }
}

}  // namespace

base::Issues refusals(const Json& pod) {
  base::Issues out;
  const Json* spec = base::find(pod, {"spec"});
  if (!spec) return {{"spec", "is required"}};
  refuse_true(out, *spec, "spec", {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"});
  if (base::find_bool(*spec, {"hostUsers"}) == false)
    out.push_back({"spec.hostUsers", "must not be false on this node"});
  refuse_present(out, *spec, "spec",
                 {"runtimeClassName", "ephemeralContainers", "resourceClaims", "hostAliases"});
  if (const Json* context = base::find(*spec, {"securityContext"}))
    check_security(out, *context, "spec.securityContext");
  std::size_t index = 0;
  for (const auto& volume : items(*spec, {"volumes"}))
    check_volume(out, volume, cat("spec.volumes[", index++, "]"));
  for (auto list : {"initContainers", "containers"}) {
    index = 0;
    for (const auto& container : items(*spec, {list}))
      check_container(out, container, cat("spec.", list, "[", index++, "]"));
  }
  return out;
}

}  // namespace node
