#include "io/conn.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "base/text.h"
#include "io/loop_impl.h"

namespace io {

using asio::ip::tcp;
using Unix = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

base::Error broken(const error_code& error, std::string_view doing, const std::string& where) {
  return base::Error(base::Code::unavailable, base::cat(doing, " ", where, ": ", error.message()));
}

template <class Socket>
class SocketConn final : public Conn {
 public:
  SocketConn(Socket socket, Peer peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}

  Task<std::size_t> read_some(std::span<char> buffer) override {
    auto task = co_await asio::this_coro::cancellation_state;
    check(task);
    auto [error, count] =
        co_await socket_.async_read_some(asio::buffer(buffer.data(), buffer.size()), tuple);
    if (!error) co_return count;
    check(task);
    if (error == asio::error::eof) co_return 0;
    throw broken(error, "reading from", peer_.address);
  }

  Task<> write(std::string_view bytes) override {
    auto task = co_await asio::this_coro::cancellation_state;
    check(task);
    while (!bytes.empty()) {  // mostly the kernel takes all at once
      const ssize_t sent =
          ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) break;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (bytes.empty()) co_return;
    auto [error, count] =
        co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), tuple);
    if (!error) co_return;
    check(task);
    throw broken(error, "writing to", peer_.address);
  }

  Task<> shutdown_write() override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    co_return;
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

  const Peer& peer() const override { return peer_; }

  bool ended() const override {
    pollfd state{const_cast<Socket&>(socket_).native_handle(), POLLRDHUP, 0};
    return state.fd < 0 || (::poll(&state, 1, 0) > 0 && state.revents != 0);
  }

 private:
  Socket socket_;
  Peer peer_;
};

// Not for the programs that we start.
void keep_from_children(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

std::unique_ptr<Conn> wrap(tcp::socket socket) {
  keep_from_children(socket.native_handle());
  error_code error;
  socket.set_option(tcp::no_delay(true), error);
  auto remote = socket.remote_endpoint(error);
  Peer peer;
  peer.address = error ? "unknown" : base::cat(remote.address().to_string(), ":", remote.port());
  return std::make_unique<SocketConn<tcp::socket>>(std::move(socket), std::move(peer));
}

std::unique_ptr<Conn> wrap(Unix::socket socket) {
  keep_from_children(socket.native_handle());
  Peer peer;
  peer.address = "unix";
  ucred who{};
  socklen_t size = sizeof who;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
    peer.pid = static_cast<std::uint32_t>(who.pid);
    peer.uid = who.uid;
    peer.gid = who.gid;
  }
  return std::make_unique<SocketConn<Unix::socket>>(std::move(socket), std::move(peer));
}

template <class Protocol>
class SocketListener final : public Listener {
 public:
  explicit SocketListener(typename Protocol::acceptor acceptor) : acceptor_(std::move(acceptor)) {
    keep_from_children(acceptor_.native_handle());
  }

  Task<std::unique_ptr<Conn>> accept() override {
    auto task = co_await asio::this_coro::cancellation_state;
    check(task);
    auto [error, socket] = co_await acceptor_.async_accept(tuple);
    if (!error) co_return wrap(std::move(socket));
    check(task);
    if (!acceptor_.is_open()) throw base::Error(base::Code::gone, "the listener was closed");
    throw broken(error, "accepting on", "a socket");
  }

  void close() override {
    error_code ignored;
    acceptor_.close(ignored);
  }

  std::uint16_t port() const override {
    error_code closed;
    if constexpr (std::is_same_v<Protocol, tcp>)
      return acceptor_.local_endpoint(closed).port();
    else
      return 0;
  }

 private:
  typename Protocol::acceptor acceptor_;
};

}  // namespace

Task<std::unique_ptr<Conn>> connect_tcp(std::string ip, std::uint16_t port) {
  error_code bad;
  auto address = asio::ip::make_address(ip, bad);
  if (bad) throw base::Error(base::Code::invalid, ip + " is not an IP address");
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto executor = co_await asio::this_coro::executor;
  tcp::socket socket(executor);
  tcp::endpoint endpoint(address, port);
  auto [error] = co_await socket.async_connect(endpoint, tuple);
  if (error) {
    check(task);
    throw broken(error, "connecting to", base::cat(ip, ":", port));
  }
  co_return wrap(std::move(socket));
}

Task<std::unique_ptr<Conn>> connect_unix(std::string path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw base::Error(base::Code::invalid, "socket path is longer than 107 bytes: " + path);
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto executor = co_await asio::this_coro::executor;
  Unix::socket socket(executor);
  Unix::endpoint endpoint(path);
  auto [error] = co_await socket.async_connect(endpoint, tuple);
  if (error) {
    check(task);
    throw broken(error, "connecting to", path);
  }
  co_return wrap(std::move(socket));
}

std::unique_ptr<Listener> listen_tcp(Loop& loop, const std::string& ip, std::uint16_t port) {
  try {
    tcp::acceptor acceptor(loop.impl().context, tcp::endpoint(asio::ip::make_address(ip), port));
    return std::make_unique<SocketListener<tcp>>(std::move(acceptor));
  } catch (const boost::system::system_error& error) {
    throw broken(error.code(), "listening on", base::cat(ip, ":", port));
  }
}

std::unique_ptr<Listener> listen_unix(Loop& loop, const std::string& path, unsigned mode) {
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    throw base::Error(base::Code::invalid, "socket path is longer than 107 bytes: " + path);
  ::unlink(path.c_str());
  try {
    Unix::acceptor acceptor(loop.impl().context, Unix());
    acceptor.bind(Unix::endpoint(path));
    if (::chmod(path.c_str(), mode) != 0)  // before anybody can connect
      throw boost::system::system_error(error_code(errno, boost::system::system_category()));
    acceptor.listen();
    return std::make_unique<SocketListener<Unix>>(std::move(acceptor));
  } catch (const boost::system::system_error& error) {
    throw broken(error.code(), "listening on", path);
  }
}

std::unique_ptr<Listener> listen_fd(Loop& loop, int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
    throw base::Error(base::Code::invalid,
                      base::cat("descriptor ", fd, " is not a socket: ", std::strerror(errno)));
  if (domain == AF_UNIX)
    return std::make_unique<SocketListener<Unix>>(Unix::acceptor(loop.impl().context, Unix(), fd));
  auto protocol = domain == AF_INET6 ? tcp::v6() : tcp::v4();
  return std::make_unique<SocketListener<tcp>>(tcp::acceptor(loop.impl().context, protocol, fd));
}

std::unique_ptr<Conn> adopt_conn(Loop& loop, int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
    throw base::Error(base::Code::invalid,
                      base::cat("descriptor ", fd, " is not a socket: ", std::strerror(errno)));
  if (domain == AF_UNIX) return wrap(Unix::socket(loop.impl().context, Unix(), fd));
  return wrap(tcp::socket(loop.impl().context, domain == AF_INET6 ? tcp::v6() : tcp::v4(), fd));
}

namespace {

class TcpDialer final : public Dialer {
 public:
  TcpDialer(std::string ip, std::uint16_t port) : ip_(std::move(ip)), port_(port) {}
  Task<std::unique_ptr<Conn>> dial() override { return connect_tcp(ip_, port_); }

 private:
  std::string ip_;
  std::uint16_t port_;
};

class UnixDialer final : public Dialer {
 public:
  explicit UnixDialer(std::string path) : path_(std::move(path)) {}
  Task<std::unique_ptr<Conn>> dial() override { return connect_unix(path_); }

 private:
  std::string path_;
};

}  // namespace

std::unique_ptr<Dialer> tcp_dialer(std::string ip, std::uint16_t port) {
  return std::make_unique<TcpDialer>(std::move(ip), port);
}

std::unique_ptr<Dialer> unix_dialer(std::string path) {
  return std::make_unique<UnixDialer>(std::move(path));
}

}  // namespace io
