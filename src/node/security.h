// Who a container runs as, and what the kernel lets it do.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace node {

struct Identity {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;  // supplementary, sorted, without gid
  bool operator==(const Identity&) const = default;
};

// From the container's and the pod's securityContext and the image's own user; an error in the
// words of a kubelet when runAsNonRoot is asked for and the user is root.
std::expected<Identity, std::string> identity(const base::Json& pod, const base::Json& container,
                                              Identity image);

// The user that all containers of the pod run as, when it is one and the same: owner of token
// files.
std::optional<std::uint32_t> common_user(const base::Json& pod);
std::optional<std::uint32_t> fs_group(const base::Json& pod);

// Linux capability names ("CAP_CHOWN") after drop and add; the default set is containerd's.
std::vector<std::string> capabilities(const base::Json& container);
// May this capability ("NET_BIND_SERVICE" or "CAP_…", "ALL" not) be added? Only the default set
// may.
bool is_grantable(std::string_view capability);

// seccomp profile RuntimeDefault as an OCI linux.seccomp object: an allow-list; all else is EPERM.
const base::Json& seccomp_default();

}  // namespace node
