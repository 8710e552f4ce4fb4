#include "io/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "io/loop_impl.h"

namespace io {

namespace {

using base::Code;

Code code_of(int error) {
  switch (error) {
    case ENOENT:
    case ESRCH: return Code::not_found;
    case EEXIST:
    case ENOTEMPTY: return Code::exists;
    case EACCES:
    case EPERM:
    case EROFS: return Code::denied;
    case EINVAL:
    case ELOOP:
    case EXDEV:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG: return Code::invalid;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case ECONNREFUSED: return Code::unavailable;
    case ETIMEDOUT: return Code::timeout;
    default: return Code::internal;
  }
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Everything up to the end, at most `limit` bytes.
std::string read_all(int fd, std::string_view path, std::size_t limit, std::size_t expected) {
  std::string bytes;
  std::size_t size = 0;
  for (;;) {
    bytes.resize(std::max({size + 4096, size + size / 2, std::min(expected, limit) + 1}));
    const ssize_t got = ::read(fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("reading", path);
    size += static_cast<std::size_t>(got);
    if (size > limit)
      throw base::Error(Code::invalid,
                        base::cat("reading ", path, ": larger than ", limit, " bytes"));
    if (got == 0) break;
  }
  bytes.resize(size);
  return bytes;
}

void write_all(int fd, std::string_view path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno("writing", path);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::optional<Fd> find_open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd) return fd;
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  throw_errno("opening", path);
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

void throw_errno(std::string_view doing, std::string_view path) {
  const int error = errno;
  throw base::Error(code_of(error), base::cat(doing, " ", path, ": ", std::strerror(error)));
}

std::string read_file(const std::string& path, std::size_t limit) {
  auto bytes = find_file(path, limit);
  if (bytes) return std::move(*bytes);
  errno = ENOENT;
  throw_errno("opening", path);
}

std::optional<std::string> find_file(const std::string& path, std::size_t limit) {
  const auto fd = find_open(path);
  if (!fd) return std::nullopt;
  struct stat about{};
  if (::fstat(fd->get(), &about) < 0) throw_errno("looking at", path);
  return read_all(fd->get(), path, limit, static_cast<std::size_t>(about.st_size));
}

void write_file(const std::string& path, std::string_view bytes, unsigned mode, Durable durable) {
  const std::string directory = directory_of(path);
  std::string temporary = directory + "/.tmp.XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) throw_errno("creating a file in", directory);
  try {
    write_all(fd.get(), temporary, bytes);
    if (::fchmod(fd.get(), mode) < 0) throw_errno("changing the mode of", temporary);
    if (durable == Durable::yes && ::fsync(fd.get()) < 0) throw_errno("syncing", temporary);
    fd = Fd();  // first, so that watchers hear of the name once
    if (::rename(temporary.c_str(), path.c_str()) < 0) throw_errno("renaming to", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (durable == Durable::no) return;
  const Fd parent = open_directory(directory);
  if (::fsync(parent.get()) < 0) throw_errno("syncing", directory);
}

void make_directories(const std::string& path, unsigned mode) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), mode) == 0) {
      if (::chmod(prefix.c_str(), mode) < 0) throw_errno("changing the mode of", prefix);
      continue;
    }
    if (errno != EEXIST) throw_errno("making the directory", prefix);
    struct stat about{};
    if (::stat(prefix.c_str(), &about) < 0) throw_errno("looking at", prefix);
    if (!S_ISDIR(about.st_mode)) {
      errno = ENOTDIR;
      throw_errno("making the directory", prefix);
    }
  }
}

std::vector<std::string> list_directory(const std::string& path) {
  Fd fd = open_directory(path);
  const std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> directory(
      ::fdopendir(fd.get()));
  if (!directory) throw_errno("listing", path);
  fd.release();
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  if (errno) throw_errno("listing", path);
  std::ranges::sort(names);
  return names;
}

Fd open_directory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) throw_errno("opening the directory", path);
  return fd;
}

Fd open_beneath(int directory, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOCTTY);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (int tries = 0;; ++tries) {
    const auto fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (fd >= 0) return Fd(static_cast<int>(fd));
    // Something was renamed while the kernel resolved; an attacker may do so for ever.
    if (errno == EAGAIN && tries < 16) continue;
    throw_errno("opening", path);
  }
}

std::string read_beneath(int directory, const std::string& path, std::size_t limit) {
  // Non-blocking: a pipe or device in a file's place must not stop us before we see what it is.
  const Fd fd = open_beneath(directory, path, O_RDONLY | O_NONBLOCK);
  struct stat about{};
  if (::fstat(fd.get(), &about) < 0) throw_errno("looking at", path);
  if (!S_ISREG(about.st_mode))
    throw base::Error(Code::invalid, base::cat("reading ", path, ": not a regular file"));
  if (about.st_nlink != 1)
    throw base::Error(Code::invalid,
                      base::cat("reading ", path, ": has ", about.st_nlink, " links, not one"));
  return read_all(fd.get(), path, limit, static_cast<std::size_t>(about.st_size));
}

Task<std::size_t> read_fd(int fd, std::span<char> buffer) {
  co_await yield();  // a source that never runs dry must not keep others from running
  for (;;) {
    co_await check_cancelled();
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got >= 0) co_return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) throw_errno("reading", "a descriptor");
    auto executor = co_await asio::this_coro::executor;
    // Borrowed for the wait only: whatever ends it, the descriptor stays open.
    struct Borrowed {
      asio::posix::stream_descriptor stream;
      ~Borrowed() { stream.release(); }
    } borrowed{asio::posix::stream_descriptor(executor, fd)};
    auto [error] =
        co_await borrowed.stream.async_wait(asio::posix::stream_descriptor::wait_read, tuple);
    if (error) throw base::Error(Code::cancelled, "stopped");
  }
}

}  // namespace io
