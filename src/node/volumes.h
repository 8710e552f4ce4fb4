// What the volumes of a pod consist of, before anything is made.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "base/json.h"
#include "node/sources.h"

namespace node {

struct VolumeFile {
  std::string path;  // relative, may have directories
  std::string bytes;
  unsigned mode;
  bool operator==(const VolumeFile&) const = default;
};

struct VolumePlan {
  enum class Kind : unsigned char {
    disk,     // emptyDir: a directory; `limit` by accounting, 0 = none
    memory,   // emptyDir of medium Memory: a tmpfs of `limit` bytes
    files,    // configMap, secret, downwardAPI, projected: files on a tmpfs
    gateway,  // csi gateway.sympozium.ai: the directory of the node's gateway socket
  } kind;
  std::string name;
  std::int64_t limit = 0;
  std::vector<VolumeFile> files;  // sorted by path
};

// Every volume of the pod, in order. The error names the volume and what is missing, as a kubelet
// words it in a FailedMount event; the pod waits for it.
std::expected<std::vector<VolumePlan>, std::string> plan_volumes(const base::Json& pod,
                                                                 const Sources&, const Tokens&,
                                                                 const Facts&);

// Permission bits of a file: as planned, readable by the group when the pod has an fsGroup.
unsigned file_mode(unsigned planned, const base::Json& pod);

}  // namespace node
