#include <sys/inotify.h>

#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "io/file.h"
#include "io/loop_impl.h"

namespace io {

namespace {

constexpr base::Duration look_again{100};

// The instances and watches of a user are counted over all its processes, in whichever container
// they are: whoever has none left must not be stopped by others who took them.
bool has_none_left(int error) { return error == EMFILE || error == ENFILE || error == ENOSPC; }

Fd watch(const std::string& path) {
  constexpr std::uint32_t wanted =
      IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
  Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (fd && ::inotify_add_watch(fd.get(), path.c_str(), wanted) >= 0) return fd;
  if (!has_none_left(errno)) throw_errno("watching", path);
  return {};
}

}  // namespace

struct DirectoryWatch::Impl {
  std::string path;
  Fd inotify;  // none: we look again and again
};

DirectoryWatch::DirectoryWatch(Loop&, const std::string& path)
    : impl_(std::make_unique<Impl>(path, watch(path))) {}

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
  if (!impl_->inotify) {
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, look_again);
    auto [error] = co_await timer.async_wait(tuple);
    if (error) throw base::Error(base::Code::cancelled, "stopped");
    changes.push_back({Change::What::overflow, ""});
  }
  while (changes.empty()) {
    alignas(inotify_event) char buffer[16 * 1024];
    const std::span<char> room(buffer);
    const std::size_t size = co_await read_fd(impl_->inotify.get(), room);
    changes = parse_changes(room.first(size), impl_->path);
  }
  co_return changes;
}

}  // namespace io
