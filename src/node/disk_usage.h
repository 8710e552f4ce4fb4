// What a pod occupies on a disk, also where it hides that. Blocking calls. Trees and processes may
// be an attacker's, who changes them while we look.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace node {

struct DiskUsage {
  std::int64_t bytes = 0;
  bool whole = true;  // false: there may be more
};

// Of a tree on one file system. Each entry counts as 4 KiB at least, because inodes run out, too; a
// file of several names counts once; no link is followed. Stops counting beyond `enough` bytes and
// below 256 directories in each other, where not even a path leads.
DiskUsage tree_usage(const std::string& directory, std::int64_t enough);

// Of files of this device that have no name any more, but are open or mapped in one of these
// processes. Not whole when a descriptor is on its way through a socket: what it stands for is not
// to be seen.
DiskUsage nameless_usage(const std::vector<pid_t>& processes, dev_t device);

struct FreeSpace {
  std::int64_t bytes = 0, inodes = 0;
};
FreeSpace free_space(const std::string& path);
// By how much it has become less, an inode counted as 4 KiB.
std::int64_t lost_since(FreeSpace before, FreeSpace now);

}  // namespace node
