// remove_tree for trees that somebody else made: any depth, any names, links and mounts inside.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "io/file.h"

namespace io {

namespace {

// Deeper directories are moved up to the top first, so that neither descriptors nor the stack
// grow with what an attacker has made.
constexpr int depth_max = 32;

struct Removal {
  const std::string& path;  // for messages
  int top;
  std::uint64_t moved = 0;

  // A directory of the same mount, no link followed.
  Fd open_inside(int parent, const char* name) const {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const auto fd = ::syscall(SYS_openat2, parent, name, &how, sizeof how);
    if (fd < 0) throw_errno("removing a directory in", path);
    return Fd(static_cast<int>(fd));
  }

  void move_to_top(int parent, const char* name) {
    for (;;) {
      const std::string place = base::cat(".removing.", moved++);
      if (::syscall(SYS_renameat2, parent, name, top, place.c_str(), RENAME_NOREPLACE) == 0) return;
      if (errno != EEXIST) throw_errno("moving a directory in", path);
    }
  }

  void remove_entry(int parent, const char* name, int depth) {
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) throw_errno("removing a file in", path);
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return;
    if (errno != ENOTEMPTY && errno != EEXIST) throw_errno("removing a directory in", path);
    if (depth >= depth_max) return move_to_top(parent, name);
    empty(open_inside(parent, name), depth + 1);
    if (::unlinkat(parent, name, AT_REMOVEDIR) < 0) throw_errno("removing a directory in", path);
  }

  // Passes until one finds nothing: entries may be moved in while we list.
  void empty(Fd directory, int depth) {
    const int fd = directory.get();
    const std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> listing(::fdopendir(fd));
    if (!listing) throw_errno("listing a directory in", path);
    directory.release();
    for (bool found = true; found;) {
      found = false;
      ::rewinddir(listing.get());
      while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        found = true;
        remove_entry(fd, entry->d_name, depth);
      }
    }
  }
};

}  // namespace

void remove_tree(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
  if (errno != EISDIR && errno != EPERM) throw_errno("removing", path);
  Fd top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) throw_errno("removing", path);
  const int number = top.get();
  Removal{path, number}.empty(std::move(top), 0);
  if (::rmdir(path.c_str()) < 0 && errno != ENOENT) throw_errno("removing", path);
}

}  // namespace io
