#include "pod_root.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <ranges>

#include "base/text.h"
#include "process_events.h"
#include "protocol/names.h"

namespace bench {

using base::cat;

// What the bridge sees as the sidecar's folder is /ipc.
PodRoot::PodRoot(const Flags& flags) {
  for (const char* folder : {"bin", "dev", "proc", "run/gateway", "workspace",
                             "bridge/ipc/skill-tools", "var/run/secrets/sympozium/token"})
    io::make_directories(root_ / folder, 0755);
  for (const char* program : {"bridge", "runner"})
    io::write_file(cat(root_ / "bin/", program), io::read_file(flags.get(program)), 0755);
  io::write_file(root_ / "bin/sh", io::read_file("/bin/busybox"), 0755);
  write_token("token");
  [[maybe_unused]] int made = ::symlink("/bridge/ipc/skill-tools", (root_ / "ipc").c_str());
  made = ::mknod((root_ / "dev/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3));
  if (::unshare(CLONE_NEWNS) != 0) io::throw_errno("leaving", "the mounts");
  ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  mount("proc", "proc", "proc", 0);
}

PodRoot::~PodRoot() {
  for (const auto& target : mounts_ | std::views::reverse) ::umount2(target.c_str(), MNT_DETACH);
}

void PodRoot::mount(const char* type, const std::string& source, const std::string& target,
                    unsigned long flags) {
  const std::string path = root_ / target;
  if (::mount(source.c_str(), path.c_str(), type, flags, nullptr) != 0)
    io::throw_errno("mounting", path);
  mounts_.push_back(path);
}

void PodRoot::mount_gateway(const std::string& folder) {
  mount(nullptr, folder, "run/gateway", MS_BIND);
}

void PodRoot::leave_network() {
  if (::unshare(CLONE_NEWNET) != 0) io::throw_errno("leaving", "the network");
  io::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) io::throw_errno("starting", "lo");
}

void PodRoot::write_token(const std::string& token) {
  io::write_file(cat(root_.path(), protocol::mount_token, "/token"), token, 0600);
}

io::ProcessSpec PodRoot::program(std::vector<std::string> words,
                                 std::vector<std::string> environment) const {
  io::ProcessSpec spec;
  spec.argv = {"/usr/sbin/chroot", root_.path()};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.env = std::move(environment);
  spec.parent_death_signal = SIGKILL;
  return spec;
}

io::Task<> wait_for_bridge(io::HttpClient& bridge, base::Clock& clock) {
  for (const double until = now_ms() + 10'000;;) {
    try {
      co_await bridge.send({"GET", "/healthz", {}, ""}, base::Duration(10'000));
      co_return;
    } catch (const base::Error&) {
      if (now_ms() > until) throw;
    }
    co_await io::sleep(clock, base::Duration(5));
  }
}

}  // namespace bench
