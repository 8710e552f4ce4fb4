#include <sys/inotify.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "io/file.h"

namespace io {

struct DirectoryWatch::Impl {
  std::string path;
  Fd inotify;
};

DirectoryWatch::DirectoryWatch(Loop&, const std::string& path)
    : impl_(std::make_unique<Impl>(path, Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)))) {
  if (!impl_->inotify) throw_errno("making an inotify for", path);
  constexpr std::uint32_t wanted =
      IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
  if (::inotify_add_watch(impl_->inotify.get(), path.c_str(), wanted) < 0)
    throw_errno("watching", path);
}

DirectoryWatch::~DirectoryWatch() = default;

namespace {

using Change = DirectoryWatch::Change;

// A new file has no content yet: it appears when it was written.
bool is_new_directory(std::uint32_t mask) { return (mask & IN_CREATE) && (mask & IN_ISDIR); }

std::vector<Change> parse_changes(std::span<const char> bytes, const std::string& path) {
  std::vector<Change> changes;
  while (!bytes.empty()) {
    inotify_event event;
    std::memcpy(&event, bytes.data(), sizeof event);
    const char* name = bytes.data() + sizeof event;  // zero-padded to `len`
    bytes = bytes.subspan(sizeof event + event.len);
    if (event.mask & IN_IGNORED)
      throw base::Error(base::Code::gone, "watching " + path + ": the directory was removed");
    if (event.mask & IN_Q_OVERFLOW)
      changes.push_back({Change::What::overflow, ""});
    else if (event.mask & (IN_MOVED_TO | IN_CLOSE_WRITE) || is_new_directory(event.mask))
      changes.push_back({Change::What::appeared, name});
    else if (event.mask & (IN_MOVED_FROM | IN_DELETE))
      changes.push_back({Change::What::removed, name});
  }
  return changes;
}

}  // namespace

Task<std::vector<DirectoryWatch::Change>> DirectoryWatch::next() {
  std::vector<Change> changes;
  while (changes.empty()) {
    alignas(inotify_event) char buffer[16 * 1024];
    const std::span<char> room(buffer);
    const std::size_t size = co_await read_fd(impl_->inotify.get(), room);
    changes = parse_changes(room.first(size), impl_->path);
  }
  co_return changes;
}

}  // namespace io
