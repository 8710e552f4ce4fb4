// Files and descriptors.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/loop.h"

namespace io {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Throws Error with what was done to which path and the system's words: "opening /x: No such file
// or directory".
[[noreturn]] void throw_errno(std::string_view doing, std::string_view path);

std::string read_file(const std::string& path, std::size_t limit = 64 * 1024 * 1024);
std::optional<std::string> find_file(const std::string& path, std::size_t limit = 64 * 1024 * 1024);
// Temp file beside it, fsync when `durable`, rename. Mode as chmod takes it.
enum class Durable : bool { no, yes };
void write_file(const std::string& path, std::string_view bytes, unsigned mode,
                Durable durable = Durable::no);
void make_directories(const std::string& path, unsigned mode);
void remove_tree(
    const std::string& path);  // does not follow links or cross into mounts; absent is fine
std::vector<std::string> list_directory(const std::string& path);  // names, sorted

// Opens relative to a directory, never leaving it: openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
// RESOLVE_NO_MAGICLINKS).
Fd open_directory(const std::string& path);
Fd open_beneath(int directory, const std::string& path, int flags, unsigned mode = 0);
// The content of a regular file with exactly one link, at most `limit` bytes; Error(invalid) for
// anything else.
std::string read_beneath(int directory, const std::string& path, std::size_t limit);

// inotify on one directory: names that were renamed into it, closed after writing, or made as a
// directory; and removed ones.
class DirectoryWatch {
 public:
  DirectoryWatch(Loop&, const std::string& path);
  ~DirectoryWatch();
  struct Change {
    enum class What : unsigned char { appeared, removed, overflow } what;
    std::string name;
  };
  // At least one change. After `overflow` scan the directory; where the system has no inotify to
  // give, that is all there ever is, ten times a second.
  Task<std::vector<Change>> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Bytes of any descriptor as a stream: pipes of containers, growing log files are not for this.
Task<std::size_t> read_fd(int fd, std::span<char> buffer);  // non-blocking fd; 0 at the end

}  // namespace io
