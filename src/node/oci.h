// The OCI runtime configuration (config.json, runtime-spec 1.0.2) of one container.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "node/environment.h"
#include "node/resources.h"
#include "node/security.h"

namespace node {

enum class Access : unsigned char { read_only, read_write };

struct BindMount {
  std::string source, target;
  Access access;
  bool operator==(const BindMount&) const = default;
};

// The pod's shared namespaces, pinned as files. Process ids are each container's own.
struct SandboxPaths {
  std::string network, ipc, uts;
};

struct ContainerPlan {
  std::string root;  // directory
  Access root_access = Access::read_only;
  std::vector<std::string> command;
  Variables environment;
  std::string directory = "/";  // working directory
  Identity identity;
  std::vector<std::string> capabilities;
  bool may_gain_privileges = false;  // allowPrivilegeEscalation
  std::vector<BindMount> mounts;
  SandboxPaths sandbox;
  std::string cgroup;  // path below each hierarchy's root
  base::Json resources;
  int oom_score = 0;
};

base::Json oci_config(const ContainerPlan&);

// volumeMounts of a container: volumes by name → where the node has them. Sorted so that an outer
// target is mounted before an inner one. A name that is not a volume is left out: the API server
// has refused it.
std::vector<BindMount> volume_mounts(const base::Json& container,
                                     const std::map<std::string, std::string>& places,
                                     const std::set<std::string>& read_only_volumes);

// readOnlyRootFilesystem and allowPrivilegeEscalation of a container.
Access root_access(const base::Json& container);
bool may_gain_privileges(const base::Json& container);

}  // namespace node
