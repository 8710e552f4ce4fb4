#include "home/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace home {

namespace {

void folder(const std::string& path, mode_t mode, uid_t uid) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) io::throw_errno("making", path);
  if (::chown(path.c_str(), uid, uid) != 0) io::throw_errno("giving away", path);
  if (::chmod(path.c_str(), mode) != 0) io::throw_errno("setting the mode of", path);
}

io::Fd open_lock(const Layout& layout, int flags) {
  return io::Fd(::open(layout.path("lock").c_str(), flags | O_RDWR, 0600));
}

}  // namespace

void prepare(const Layout& layout) {
  io::make_directories(layout.root, 0711);
  folder(layout.root, 0711, 0);
  folder(layout.path("pki"), 0700, 0);
  folder(layout.path("control"), 0700, uid_control);
  folder(layout.path("gateway"), 0700, uid_gateway);
  folder(layout.path("node"), 0700, 0);
  folder(layout.path("run"), 0711, 0);
  folder(layout.gateway_socket_folder(), 0755, 0);
  folder(layout.path("log"), 0700, 0);
}

StateLock::StateLock(const Layout& layout) : fd_(open_lock(layout, O_CREAT)) {
  if (!fd_) io::throw_errno("opening", layout.path("lock"));
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    auto holder = io::find_file(layout.path("lock"), 64);
    throw base::Error(
        base::Code::exists,
        base::cat(layout.root, " is in use by process ", base::trim(holder.value_or("?")),
                  "; stop it with `sympozium down`, or choose another folder with --state"));
  }
  note_owner();
}

void StateLock::note_owner() const {
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0)
    io::throw_errno("writing", "the lock file");
}

std::optional<pid_t> running(const Layout& layout) {
  io::Fd lock = open_lock(layout, 0);
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return {};
  auto pid = base::parse_int(base::trim(io::find_file(layout.path("lock"), 64).value_or("")));
  if (!pid) return {};
  return static_cast<pid_t>(*pid);
}

}  // namespace home
