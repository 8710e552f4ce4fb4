// What the shim changes about its machine: a mount namespace of its own, control groups.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace node::shim {

// Mounts made during its life are seen by this process and its children only, and end with the last
// of them. On a machine with cgroup v1 whose v2 tree is in use, too ("hybrid", which crun
// refuses) these are mounted as v1 in here, with `group` ("/sympozium/n1") in them as a sign for
// other shims; its end gives them back unless another shim has groups there.
class PrivateMounts {
 public:
  explicit PrivateMounts(const std::string& group);
  ~PrivateMounts();
  PrivateMounts(const PrivateMounts&) = delete;

 private:
  std::vector<std::string> borrowed_;  // controllers mounted as v1
};

// Kills every process below `group`, removes the groups and the runtime's state in `directory`.
void clear_containers(const std::string& directory, const std::string& group);

// Removes one group and those below it in every hierarchy; processes in them keep it.
void remove_cgroup(const std::string& group);

// Processes of one group and those below it, by the numbers of this machine.
std::vector<pid_t> processes_of(const std::string& group);

// OOM kills that the kernel counted in a group (v1 memory.oom_control, v2 memory.events).
int oom_kills(const std::string& group);

}  // namespace node::shim
