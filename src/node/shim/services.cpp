#include "node/shim/services.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "node/shim/spawn.h"

namespace node::shim {

namespace {

constexpr std::int64_t least_delay_ms = 100, most_delay_ms = 5'000, long_life_ms = 3'000;
constexpr int first_socket = 3;  // SD_LISTEN_FDS_START

[[noreturn]] void fail(const std::string& what) {
  throw base::Error(base::Code::unavailable, what + ": " + std::strerror(errno));
}

void bind_unix(int fd, const Listen& listen, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw base::Error(base::Code::invalid, path + ": longer than a socket's path may be");
  path.copy(address.sun_path, path.size());
  ::unlink(path.c_str());
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    fail("binding " + path);
  if (::chmod(path.c_str(), listen.mode) < 0) fail("chmod " + path);
  if (listen.owner && ::chown(path.c_str(), listen.owner->first, listen.owner->second) < 0)
    fail("chown " + path);
}

void bind_tcp(int fd, const std::string& text) {  // "127.0.0.1:8443"
  const auto colon = text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : base::parse_int(text.substr(colon + 1));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (!port || *port < 0 || *port > 65535 ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    throw base::Error(base::Code::invalid, text + ": expected an IPv4 address and a port");
  address.sin_port = htons(static_cast<std::uint16_t>(*port));
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    fail("binding " + text);
}

}  // namespace

Fd open_listener(const Listen& listen) {
  const bool is_unix = listen.address.starts_with("unix:");
  if (!is_unix && !listen.address.starts_with("tcp:"))
    throw base::Error(base::Code::invalid, listen.address + ": expected unix:PATH or tcp:IP:PORT");
  Fd fd(::socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) fail("socket");
  if (is_unix)
    bind_unix(fd.get(), listen, listen.address.substr(5));
  else
    bind_tcp(fd.get(), listen.address.substr(4));
  if (::listen(fd.get(), 512) < 0) fail("listening on " + listen.address);
  return fd;
}

Services::Services(Poller& poller, const std::vector<Service>& services) : poller_(poller) {
  for (const auto& service : services) {
    Kept& kept = kept_.emplace_back();
    kept.service = service;
    for (const auto& listen : service.listens) kept.sockets.push_back(open_listener(listen));
  }
}

void Services::start() {
  for (auto& kept : kept_) launch(kept);
}

void Services::launch(Kept& kept) {
  if (stopping_) return;
  Child child;
  child.argv = kept.service.argv;
  child.env = kept.service.env;
  child.user = kept.service.user;
  child.dies_with_us = true;
  child.fds = {{1, 1}, {2, 2}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kept.sockets.size(); ++i) {
    child.fds.emplace_back(kept.sockets[i].get(), first_socket + static_cast<int>(i));
    names.push_back(kept.service.listens[i].name);
  }
  if (!names.empty()) {
    child.names_listeners = true;
    child.env.push_back(base::cat("LISTEN_FDS=", names.size()));
    child.env.push_back("LISTEN_FDNAMES=" + base::join(names, ":"));
  }
  kept.started_ms = steady_clock_ms();
  kept.pid = spawn(child);
}

void Services::reaped(pid_t pid, int status) {
  auto at = std::ranges::find(kept_, pid, &Kept::pid);
  if (at == kept_.end()) return;
  at->pid = 0;
  if (stopping_) return;
  const bool lived_long = steady_clock_ms() - at->started_ms >= long_life_ms;
  at->delay_ms =
      lived_long ? least_delay_ms : std::clamp(at->delay_ms * 2, least_delay_ms, most_delay_ms);
  std::fprintf(stderr, "shim: %s ended (%s %d), starting it again in %lld ms\n",
               at->service.name.c_str(), WIFSIGNALED(status) ? "signal" : "exit code",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
               static_cast<long long>(at->delay_ms));
  poller_.after_ms(at->delay_ms, [this, index = at - kept_.begin()] {
    launch(kept_[static_cast<std::size_t>(index)]);
  });
}

void Services::signal_all(int signal) {
  for (const auto& kept : kept_)
    if (kept.pid) ::kill(kept.pid, signal);
}

void Services::stop() {
  stopping_ = true;
  signal_all(SIGTERM);
}

bool Services::all_ended() const {
  return std::ranges::all_of(kept_, [](const Kept& kept) { return kept.pid == 0; });
}

}  // namespace node::shim
