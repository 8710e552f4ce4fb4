#include "node/shim/shim.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "base/error.h"
#include "node/shim/containers.h"
#include "node/shim/host.h"
#include "node/shim/services.h"

namespace node::shim {

namespace {

// The one connection of the node. A new one replaces the old; one that does not read is dropped:
// the node comes again and is told everything.
class Link {
 public:
  Link(Poller& poller, const std::string& path, Containers& containers)
      : poller_(poller),
        containers_(containers),
        listener_(open_listener({"shim", "unix:" + path, 0600, std::nullopt})) {
    poller_.watch(listener_.get(), [this] { accept(); });
  }

  void tell(std::string line) {
    if (!conn_) return;
    line += '\n';
    const ssize_t sent = ::send(conn_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(line.size())) drop();
  }

 private:
  static constexpr std::size_t line_bytes = 64 * 1024;

  void accept() {
    Fd conn(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!conn) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(conn.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0)
      return;
    const int buffer = 1 << 20;
    ::setsockopt(conn.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    drop();
    conn_ = std::move(conn);
    poller_.watch(conn_.get(), [this] { receive(); });
    for (const auto& record : containers_.list()) tell(encode(record));
    tell(std::string(ready_line));
  }

  void drop() {
    if (!conn_) return;
    poller_.forget(conn_.get());
    conn_.reset();
    input_.clear();
  }

  void receive() {
    char bytes[64 * 1024];
    const ssize_t got = ::read(conn_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop();
    input_.append(bytes, static_cast<std::size_t>(got));
    for (auto end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 1);
      obey(line);
      if (!conn_) return;
    }
    if (input_.size() > line_bytes) drop();
  }

  void obey(const std::string& line) {
    try {
      containers_.obey(decode_order(line));
    } catch (const base::Error& error) {
      std::fprintf(stderr, "shim: refused an order: %s\n", error.what());
      drop();
    }
  }

  Poller& poller_;
  Containers& containers_;
  Fd listener_, conn_;
  std::string input_;
};

class Shim {
 public:
  explicit Shim(const Config& config)
      : config_(config),
        poller_([this](int signal) { on_signal(signal); }),
        containers_(poller_, {config.runtime, config.directory + "/containers"},
                    [this](const Record& record) { link_.tell(encode(record)); }),
        link_(poller_, config.socket, containers_),
        services_(poller_, config.services) {}

  void run() {
    if (config_.listening) config_.listening();
    services_.start();
    poller_.run();
  }

 private:
  void on_signal(int signal) {
    if (signal == SIGCHLD) return reap();
    if (signal == SIGHUP || stopping_) return;
    stopping_ = true;
    services_.stop();
    poller_.after_ms(config_.stop_seconds * 1000, [this] { services_.signal_all(SIGKILL); });
    if (services_.all_ended()) poller_.stop();
  }

  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      services_.reaped(pid, status);
      containers_.reaped(pid, status);
    }
    if (stopping_ && services_.all_ended()) poller_.stop();
  }

  const Config& config_;
  Poller poller_;
  Containers containers_;
  Link link_;
  Services services_;
  bool stopping_ = false;
};

}  // namespace

int run(const Config& config) {
  try {
    ::umask(022);
    const std::string state = config.directory + "/containers";
    clear_containers(state, config.cgroup);
    const PrivateMounts mounts(config.cgroup);
    ::mkdir(config.directory.c_str(), 0700);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
      throw base::Error(base::Code::internal, "becoming a subreaper failed");
    {
      Shim shim(config);
      shim.run();
    }
    clear_containers(state, config.cgroup);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shim: %s\n", error.what());
    return 1;
  }
}

}  // namespace node::shim
