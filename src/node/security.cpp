#include "node/security.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::Json;

namespace {

// containerd's default set: what an unprivileged image expects when it runs as root.
constexpr std::array<std::string_view, 14> default_capabilities{
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

std::string full_name(std::string_view capability) {
  std::string out = capability.starts_with("CAP_") ? "" : "CAP_";
  for (char c : capability) out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::optional<std::uint32_t> id_of(const Json& pod, const Json& container, std::string_view field) {
  auto found = base::find_int(container, {"securityContext", field});
  if (!found) found = base::find_int(pod, {"spec", "securityContext", field});
  if (!found) return std::nullopt;
  return static_cast<std::uint32_t>(*found);
}

}  // namespace

std::optional<std::uint32_t> fs_group(const Json& pod) {
  auto found = base::find_int(pod, {"spec", "securityContext", "fsGroup"});
  if (!found) return std::nullopt;
  return static_cast<std::uint32_t>(*found);
}

std::optional<std::uint32_t> common_user(const Json& pod) {
  std::optional<std::uint32_t> user;
  for (const auto& container : containers(pod)) {
    const auto own = id_of(pod, *container.spec, "runAsUser");
    if (!own || (user && *user != *own)) return std::nullopt;
    user = own;
  }
  return user;
}

std::expected<Identity, std::string> identity(const Json& pod, const Json& container,
                                              Identity image) {
  Identity out = image;
  if (auto user = id_of(pod, container, "runAsUser")) {
    out.uid = *user;
    out.gid = 0;  // as the runtimes do: a number without an entry in passwd has group 0
  }
  if (auto group = id_of(pod, container, "runAsGroup")) out.gid = *group;
  std::set<std::uint32_t> groups(out.groups.begin(), out.groups.end());
  for (const auto& group : items(pod, {"spec", "securityContext", "supplementalGroups"}))
    if (group.is_int64()) groups.insert(static_cast<std::uint32_t>(group.get_int64()));
  if (auto group = fs_group(pod)) groups.insert(*group);
  groups.erase(out.gid);
  out.groups.assign(groups.begin(), groups.end());

  auto non_root = base::find_bool(container, {"securityContext", "runAsNonRoot"});
  if (!non_root) non_root = base::find_bool(pod, {"spec", "securityContext", "runAsNonRoot"});
  if (non_root.value_or(false) && out.uid == 0) {
    const std::string who = base::text_at(container, {"name"});
    if (id_of(pod, container, "runAsUser"))
      return std::unexpected("container's runAsUser breaks non-root policy (pod: \"" + title(pod) +
                             "\", container: " + who + ")");
    return std::unexpected("container has runAsNonRoot and image will run as root (pod: \"" +
                           title(pod) + "\", container: " + who + ")");
  }
  return out;
}

bool is_grantable(std::string_view capability) {
  return std::ranges::find(default_capabilities, full_name(capability)) !=
         default_capabilities.end();
}

std::vector<std::string> capabilities(const Json& container) {
  std::set<std::string> out(default_capabilities.begin(), default_capabilities.end());
  auto names = [&](std::string_view list) {
    std::vector<std::string> found;
    for (const auto& item : items(container, {"securityContext", "capabilities", list}))
      if (item.is_string()) found.push_back(full_name(item.get_string()));
    return found;
  };
  for (const auto& dropped : names("drop")) {
    if (dropped == "CAP_ALL")
      out.clear();
    else
      out.erase(dropped);
  }
  for (const auto& added : names("add"))
    if (is_grantable(added)) out.insert(added);
  return {out.begin(), out.end()};
}

}  // namespace node
