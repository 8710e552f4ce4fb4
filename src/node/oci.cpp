#include "node/oci.h"

#include <algorithm>

#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

JsonArray texts(std::initializer_list<std::string_view> list) {
  JsonArray out;
  for (auto text : list) out.emplace_back(text);
  return out;
}

template <class List>
JsonArray array(const List& list) {
  JsonArray out;
  for (const auto& item : list) out.emplace_back(item);
  return out;
}

Json mount(std::string_view target, std::string_view type, std::string_view source,
           JsonArray options) {
  return JsonObject{
      {"destination", target}, {"type", type}, {"source", source}, {"options", options}};
}

JsonArray mounts(const ContainerPlan& plan) {
  JsonArray out;
  out.push_back(mount("/proc", "proc", "proc", texts({"nosuid", "noexec", "nodev"})));
  out.push_back(
      mount("/dev", "tmpfs", "tmpfs", texts({"nosuid", "strictatime", "mode=755", "size=64k"})));
  out.push_back(mount("/dev/pts", "devpts", "devpts",
                      texts({"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"})));
  out.push_back(mount("/dev/shm", "tmpfs", "shm",
                      texts({"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"})));
  for (const auto& bind : plan.mounts)
    out.push_back(mount(bind.target, "bind", bind.source,
                        bind.access == Access::read_only
                            ? texts({"rbind", "rprivate", "nosuid", "nodev", "ro"})
                            : texts({"rbind", "rprivate", "nosuid", "nodev", "rw"})));
  return out;
}

Json process(const ContainerPlan& plan) {
  JsonArray env;
  for (const auto& [key, value] : plan.environment) env.emplace_back(key + "=" + value);
  const JsonArray granted = array(plan.capabilities);
  return JsonObject{
      {"terminal", false},
      {"user",
       {{"uid", plan.identity.uid},
        {"gid", plan.identity.gid},
        {"additionalGids", array(plan.identity.groups)}}},
      {"args", array(plan.command)},
      {"env", env},
      {"cwd", plan.directory},
      {"noNewPrivileges", !plan.may_gain_privileges},
      {"oomScoreAdj", plan.oom_score},
      {"capabilities",
       {{"bounding", granted},
        {"effective", granted},
        {"permitted", granted},
        {"inheritable", JsonArray{}},
        {"ambient", JsonArray{}}}},
      {"rlimits", JsonArray{{{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}}}},
  };
}

}  // namespace

Json oci_config(const ContainerPlan& plan) {
  JsonArray namespaces{{{"type", "pid"}}, {{"type", "mount"}}, {{"type", "cgroup"}}};
  namespaces.push_back({{"type", "network"}, {"path", plan.sandbox.network}});
  namespaces.push_back({{"type", "ipc"}, {"path", plan.sandbox.ipc}});
  namespaces.push_back({{"type", "uts"}, {"path", plan.sandbox.uts}});
  return JsonObject{
      {"ociVersion", "1.0.2"},
      {"process", process(plan)},
      {"root", {{"path", plan.root}, {"readonly", plan.root_access == Access::read_only}}},
      {"mounts", mounts(plan)},
      {"linux",
       {{"namespaces", namespaces},
        {"cgroupsPath", plan.cgroup},
        {"resources", plan.resources},
        {"seccomp", seccomp_default()},
        {"maskedPaths", texts({"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
                               "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
                               "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"})},
        {"readonlyPaths",
         texts({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})}}}};
}

std::vector<BindMount> volume_mounts(const Json& container,
                                     const std::map<std::string, std::string>& places,
                                     const std::set<std::string>& read_only_volumes) {
  std::vector<BindMount> out;
  for (const auto& item : items(container, {"volumeMounts"})) {
    const std::string volume = base::text_at(item, {"name"});
    auto at = places.find(volume);
    if (at == places.end()) continue;
    const bool read_only =
        read_only_volumes.contains(volume) || base::find_bool(item, {"readOnly"}).value_or(false);
    out.push_back({at->second, base::text_at(item, {"mountPath"}),
                   read_only ? Access::read_only : Access::read_write});
  }
  std::ranges::sort(out, {}, [](const BindMount& bind) {
    return std::pair(std::ranges::count(bind.target, '/'), bind.target);
  });
  return out;
}

Access root_access(const Json& container) {
  return base::find_bool(container, {"securityContext", "readOnlyRootFilesystem"}).value_or(false)
             ? Access::read_only
             : Access::read_write;
}

bool may_gain_privileges(const Json& container) {
  return base::find_bool(container, {"securityContext", "allowPrivilegeEscalation"}).value_or(true);
}

}  // namespace node
