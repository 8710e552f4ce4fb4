#include "node/sandbox.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "io/file.h"

namespace node {

namespace {

constexpr std::array pinned{"net", "ipc", "uts"};
constexpr int shared = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

void raise_loopback() {
  io::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) io::throw_errno("opening a socket for", "lo");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) < 0) io::throw_errno("raising", "lo");
}

// What no process has to hold lives on after the container that made it, outside of any memory
// limit, so it is little: 64 MiB of System V segments (in pages of 4 KiB), as /dev/shm has; 1024
// message queues; 32000 semaphores (per array, all, operations, arrays).
constexpr std::array<std::pair<const char*, std::string_view>, 3> ipc_limits{
    {{"/proc/sys/kernel/shmall", "16384"},
     {"/proc/sys/kernel/msgmni", "1024"},
     {"/proc/sys/kernel/sem", "32000 32000 500 1024"}}};

void limit_ipc() {
  for (const auto& [path, value] : ipc_limits) {
    const io::Fd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (!file || ::write(file.get(), value.data(), value.size()) < 0)
      io::throw_errno("limiting", path);
  }
}

// This thread's way back into the namespaces it came from. Not finding it would let whatever runs
// here next act inside a pod, so that is the end.
class Home {
 public:
  Home() {
    for (std::size_t i = 0; i < pinned.size(); ++i) {
      const std::string path = std::string("/proc/thread-self/ns/") + pinned[i];
      fds_[i] = io::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!fds_[i]) io::throw_errno("opening", path);
    }
  }
  ~Home() {
    for (const auto& fd : fds_)
      if (::setns(fd.get(), 0) < 0) std::abort();
  }

 private:
  std::array<io::Fd, pinned.size()> fds_;
};

}  // namespace

SandboxPaths sandbox_paths(const std::string& directory) {
  return {directory + "/net", directory + "/ipc", directory + "/uts"};
}

bool has_sandbox(const std::string& directory) {
  for (auto name : pinned) {
    struct statfs info{};
    if (::statfs((directory + "/" + name).c_str(), &info) < 0 || info.f_type != NSFS_MAGIC)
      return false;
  }
  return true;
}

void make_sandbox(const std::string& directory, const std::string& hostname) {
  if (has_sandbox(directory)) return;
  remove_sandbox(directory);
  io::make_directories(directory, 0700);
  const Home home;
  if (::unshare(shared) < 0) io::throw_errno("making namespaces for", directory);
  raise_loopback();
  limit_ipc();
  if (::sethostname(hostname.c_str(), hostname.size()) < 0) io::throw_errno("naming", hostname);
  for (auto name : pinned) {
    const std::string pin = directory + "/" + name;
    io::write_file(pin, "", 0600);
    const std::string source = std::string("/proc/thread-self/ns/") + name;
    if (::mount(source.c_str(), pin.c_str(), nullptr, MS_BIND, nullptr) < 0)
      io::throw_errno("pinning", pin);
  }
}

void remove_sandbox(const std::string& directory) {
  for (auto name : pinned) unmount(directory + "/" + name);
  io::remove_tree(directory);
}

bool is_mount_point(const std::string& path) {
  struct statx info{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) < 0)
    return false;
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

void unmount(const std::string& path) {
  while (is_mount_point(path))
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
      io::throw_errno("unmounting", path);
}

}  // namespace node
