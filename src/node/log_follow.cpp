#include "node/log_follow.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace node {

namespace {

// The end of a container is no change of its file: it is looked for this often.
constexpr base::Duration end_interval{250};
constexpr std::size_t piece_bytes = 256 * 1024;

struct Tail {
  io::Fd fd;
  ino_t inode = 0;
  std::int64_t at = 0;

  void open(const std::string& file) {
    fd = io::Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info{};
    if (fd && ::fstat(fd.get(), &info) == 0) inode = info.st_ino;
  }
  // What came since; goes over to the new file once the old one, renamed, is read.
  std::string read(const std::string& file) {
    std::string out(piece_bytes, '\0');
    if (!fd) open(file);
    if (!fd) return "";
    ssize_t got = ::pread(fd.get(), out.data(), out.size(), at);
    struct stat now{};
    if (got == 0 && ::stat(file.c_str(), &now) == 0 && now.st_ino != inode) {
      at = 0;
      open(file);
      got = fd ? ::pread(fd.get(), out.data(), out.size(), 0) : 0;
    }
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    at += static_cast<std::int64_t>(out.size());
    return out;
  }
};

io::Fd watch(const std::string& file) {
  io::Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (fd) ::inotify_add_watch(fd.get(), file.c_str(), IN_MODIFY | IN_MOVE_SELF);
  return fd;
}

io::Task<> changed(base::Clock& clock, const io::Fd& changes) {
  std::vector<char> buffer(4096);
  io::Task<std::size_t> reading = io::read_fd(changes.get(), buffer);
  try {
    co_await io::within(clock, end_interval, "a change", std::move(reading));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::timeout) throw;
  }
}

}  // namespace

io::Task<> follow_log(base::Clock& clock, io::BlockingPool& blocking, std::string file,
                      std::int64_t from, LogDecoder decoder, std::function<bool()> may_grow,
                      std::function<io::Task<>(std::string)> give) {
  auto tail = std::make_shared<Tail>();
  tail->at = from;
  io::Fd changes = watch(file);
  ino_t watched = 0;
  for (;;) {
    const bool more_may_come = may_grow();
    auto read = [tail, file] { return tail->read(file); };
    std::string bytes = co_await blocking.run(read);
    if (tail->inode != watched) {  // a new file under the name
      if (watched != 0) changes = watch(file);
      watched = tail->inode;
    }
    if (!bytes.empty()) {
      std::string text = decoder.add(bytes);
      if (!text.empty()) {
        io::Task<> given = give(std::move(text));
        co_await std::move(given);
      }
      continue;
    }
    if (!more_may_come) co_return;
    co_await changed(clock, changes);
  }
}

}  // namespace node
