// Bundles of one pod's containers on this machine: root, config.json, termination file, log.
// Blocking calls; all may be repeated.
#pragma once

#include <string>
#include <vector>

#include "node/images.h"
#include "node/oci.h"

namespace node {

struct Bundle {
  std::string directory;  // holds config.json
  std::string log;
  std::string termination;  // file that the container may write its last words to
};

class ContainerStore {
 public:
  explicit ContainerStore(std::string pod_directory) : directory_(std::move(pod_directory)) {}

  // hosts, hostname, resolv.conf, on a tmpfs of 1 MiB that also holds the termination files.
  void make_scratch(const std::string& hostname) const;
  std::vector<BindMount> scratch_mounts() const;

  Bundle bundle(const std::string& container, std::int64_t attempt) const;
  // Writes the bundle; plan.root becomes the image's own root, or an overlay where the container
  // may write to its root or mounts at a place that the image does not have. Images stay as they
  // are.
  Bundle make(const std::string& container, std::int64_t attempt, const Image&,
              ContainerPlan) const;
  // Unmounts the root; keeps log and termination file.
  void release(const std::string& container, std::int64_t attempt) const;
  // Forgets logs and bundles of attempts older than the one before `attempt`.
  void forget_older(const std::string& container, std::int64_t attempt) const;
  // Directories that the container's own writes to its root go to; for accounting.
  std::vector<std::string> writable_roots() const;
  void remove_scratch() const;
  void remove() const;

 private:
  std::string directory_;
};

// The last 4 KiB of a termination file, or of the log (last 2 KiB or 80 lines) when the file is
// empty, the policy is FallbackToLogsOnError and the container failed.
std::string termination_message(const Bundle&, bool fall_back_to_log);

}  // namespace node
