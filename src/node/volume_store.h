// Volumes of one pod on this machine. Blocking calls; all may be repeated.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/volumes.h"

namespace node {

struct VolumeOwner {
  std::optional<std::uint32_t> group;  // fsGroup: owns everything, directories pass it on
  std::optional<std::uint32_t> user;   // owner of files of mode 0600, when all containers share it
};

// Layout below `directory`: disk/<name>, memory/<name> (a tmpfs each), files/<name> (one tmpfs for
// all, so that secrets never reach the disk).
class VolumeStore {
 public:
  VolumeStore(std::string directory, std::string gateway_directory)
      : directory_(std::move(directory)), gateway_directory_(std::move(gateway_directory)) {}

  // Makes what is missing and returns where each volume is.
  std::map<std::string, std::string> make(const std::vector<VolumePlan>&, VolumeOwner) const;
  // Replaces the files of one volume at once: readers see all old or all new ones (a symbolic link
  // `..data` is renamed over, as kubelets do it).
  void write_files(const VolumePlan&, VolumeOwner) const;
  void remove_memory() const;  // what a pod that has ended need not keep
  void remove() const;

 private:
  std::string place(const VolumePlan&) const;
  std::string directory_, gateway_directory_;
};

}  // namespace node
