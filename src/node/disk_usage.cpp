#include "node/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace node {

using base::cat;

namespace {

constexpr std::int64_t entry_bytes = 4096;
constexpr int depth_max = 256;
constexpr int looks_max = 200'000;  // at descriptors and mappings of a pod

using Directory = std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })>;

std::int64_t bytes_of(const struct stat& info) {
  return std::max(entry_bytes, static_cast<std::int64_t>(info.st_blocks) * 512);
}

struct Walk {
  std::int64_t enough;
  DiskUsage found{};
  std::set<ino_t> linked{};

  void add(const struct stat& info) {
    const bool again =
        !S_ISDIR(info.st_mode) && info.st_nlink > 1 && !linked.insert(info.st_ino).second;
    if (!again) found.bytes += bytes_of(info);
  }

  void below(io::Fd directory, int depth) {
    if (depth > depth_max) {
      found.whole = false;
      return;
    }
    const int fd = directory.get();
    const Directory listing(::fdopendir(fd));
    if (!listing) {
      found.whole = false;
      return;
    }
    directory.release();
    while (const dirent* entry = ::readdir(listing.get())) {
      if (found.bytes > enough) return;
      const std::string name = entry->d_name;
      struct stat info{};
      if (name == "." || name == ".." ||
          ::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
        continue;
      add(info);
      if (S_ISDIR(info.st_mode)) enter(fd, name, depth);
    }
  }

  void enter(int parent, const std::string& name, int depth) {
    try {
      below(io::open_beneath(parent, name, O_RDONLY | O_DIRECTORY), depth + 1);
    } catch (const base::Error& error) {
      // Gone, or something else by now: the next look sees it.
      if (error.code() != base::Code::not_found) found.whole = false;
    }
  }
};

struct Search {
  dev_t device;
  DiskUsage found{};
  std::set<ino_t> seen{};
  int looks = 0;

  void look_at(const std::string& process, std::string_view place, std::string_view name) {
    const std::string path = cat(process, place, name);
    struct stat info{};
    if (::stat(path.c_str(), &info) < 0) return;
    if (S_ISSOCK(info.st_mode)) return look_into_socket(cat(process, "/fdinfo/", name));
    const bool nameless = info.st_nlink == 0 && info.st_dev == device;
    if (nameless && seen.insert(info.st_ino).second) found.bytes += bytes_of(info);
  }

  void look_into_socket(const std::string& about) {
    std::ifstream lines(about);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("scm_fds:") && base::trim(std::string_view(line).substr(8)) != "0")
        found.whole = false;
  }

  void look_through(const std::string& process, std::string_view place) {
    const Directory listing(::opendir(cat(process, place).c_str()));
    while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
      if (entry->d_name[0] == '.') continue;
      if (++looks > looks_max) found.whole = false;
      if (!found.whole) return;
      look_at(process, place, entry->d_name);
    }
  }
};

}  // namespace

DiskUsage tree_usage(const std::string& directory, std::int64_t enough) {
  Walk walk{.enough = enough};
  struct stat info{};
  if (::lstat(directory.c_str(), &info) < 0) return {};
  walk.add(info);
  walk.below(io::open_directory(directory), 0);
  return walk.found;
}

DiskUsage nameless_usage(const std::vector<pid_t>& processes, dev_t device) {
  Search search{.device = device};
  for (const pid_t each : processes) {
    const std::string process = cat("/proc/", each);
    search.look_through(process, "/fd/");
    search.look_through(process, "/map_files/");
    search.look_at(process, "/", "exe");
  }
  return search.found;
}

FreeSpace free_space(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) < 0) return {};
  return {static_cast<std::int64_t>(info.f_bfree * info.f_frsize),
          static_cast<std::int64_t>(info.f_ffree)};
}

std::int64_t lost_since(FreeSpace before, FreeSpace now) {
  return std::max(before.bytes - now.bytes, (before.inodes - now.inodes) * entry_bytes);
}

}  // namespace node
