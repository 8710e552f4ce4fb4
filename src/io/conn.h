// Byte streams: what TCP, unix sockets, TLS and in-memory pipes have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/task.h"

namespace io {

class Loop;

// Who is at the other end, as far as the transport knows.
struct Peer {
  std::string address;                         // "127.0.0.1:4711", "unix", "pipe"
  std::optional<std::uint32_t> pid, uid, gid;  // unix sockets only (SO_PEERCRED)
  // TLS with a verified client certificate: its CN and its O values.
  std::optional<std::string> common_name;
  std::vector<std::string> organizations;
};

class Conn {
 public:
  virtual ~Conn() = default;
  // Up to buffer.size() bytes; 0 at the end of the stream. Throws Error(unavailable) on a broken
  // connection.
  virtual Task<std::size_t> read_some(std::span<char> buffer) = 0;
  // All bytes; they must stay valid until it returns.
  virtual Task<> write(std::string_view bytes) = 0;
  // Ends our direction; the peer reads end of stream.
  virtual Task<> shutdown_write() = 0;
  // Ends everything at once; pending waits throw Error(unavailable).
  virtual void close() = 0;
  virtual const Peer& peer() const = 0;
  // The peer is known to have ended its direction, whether or not that was read already.
  virtual bool ended() const { return false; }
};

// Where connections come from.
class Listener {
 public:
  virtual ~Listener() = default;
  // Error(gone) once the listener is closed; Error(unavailable) when this one connection failed.
  virtual Task<std::unique_ptr<Conn>> accept() = 0;
  virtual void close() = 0;
  virtual std::uint16_t port() const = 0;  // 0 unless TCP
};

// Where connections are made to; the address is the owner's configuration.
class Dialer {
 public:
  virtual ~Dialer() = default;
  virtual Task<std::unique_ptr<Conn>> dial() = 0;  // Error(unavailable) when refused
};

Task<std::unique_ptr<Conn>> connect_tcp(std::string ip, std::uint16_t port);
Task<std::unique_ptr<Conn>> connect_unix(std::string path);
// ip "127.0.0.1", port 0 = any free one.
std::unique_ptr<Listener> listen_tcp(Loop&, const std::string& ip, std::uint16_t port);
// Replaces a stale socket file; mode as chmod takes it.
std::unique_ptr<Listener> listen_unix(Loop&, const std::string& path, unsigned mode);
// Adopts an open listening socket (TCP or unix), as a parent process hands it over.
std::unique_ptr<Listener> listen_fd(Loop&, int fd);
// Adopts an open connected socket.
std::unique_ptr<Conn> adopt_conn(Loop&, int fd);
// Two ends of a pipe in memory, each buffering at most 64 KiB.
std::pair<std::unique_ptr<Conn>, std::unique_ptr<Conn>> memory_pipe();

std::unique_ptr<Dialer> tcp_dialer(std::string ip, std::uint16_t port);
std::unique_ptr<Dialer> unix_dialer(std::string path);
// Resolves the name for each connection and tries its addresses in order.
std::unique_ptr<Dialer> host_dialer(std::string name, std::uint16_t port);

// IPv4 and IPv6 addresses of a name by DNS and /etc/hosts (c-ares, no NSS). A literal address
// resolves to itself. Error(unavailable) with the resolver's words.
Task<std::vector<std::string>> resolve(std::string name);

}  // namespace io
