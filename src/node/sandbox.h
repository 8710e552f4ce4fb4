// The namespaces that the containers of a pod share, kept alive without a process: network with
// only lo, System V and POSIX IPC, host name. Blocking calls.
#pragma once

#include <string>

#include "node/oci.h"

namespace node {

SandboxPaths sandbox_paths(const std::string& directory);
// Makes what is missing in `directory`. The pins are bind mounts: they live as long as the mount
// namespace of the process, which is the shim's.
void make_sandbox(const std::string& directory, const std::string& hostname);
bool has_sandbox(const std::string& directory);
void remove_sandbox(const std::string& directory);  // fine when there is none

// Is something mounted on this very path?
bool is_mount_point(const std::string& path);
void unmount(const std::string& path);  // lazily; fine when nothing is mounted

}  // namespace node
