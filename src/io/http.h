// HTTP/1.1 (RFC 9112), server and client, over any Conn. Beast's parser inside; no HTTP/2.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/conn.h"
#include "io/loop.h"

namespace io {

// Names compare without case; order is kept.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  std::string_view get(std::string_view name) const;  // first value, "" when absent
  bool has(std::string_view name) const;
  void set(std::string_view name, std::string value);
  void add(std::string_view name, std::string value);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method = "GET";
  std::string target = "/";  // path and query, escaped as sent
  Headers headers;           // Host and Content-Length are set by the client
  std::string body;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

// A target taken apart: "/a/b?x=1&y" → path "/a/b" (unescaped), query {x:1, y:""}.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string_view get(std::string_view name) const;  // first value, "" when absent
  bool has(std::string_view name) const;
};
Target parse_target(std::string_view);  // Error(invalid) on a bad escape
std::string format_query(
    const std::vector<std::pair<std::string, std::string>>&);  // "a=b&c=d", escaped

// ---- server ----

// One request being answered. Exactly one of respond() or begin()…end() is called by the handler.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const std::string& method() const = 0;
  virtual const std::string& target() const = 0;
  virtual const Headers& headers() const = 0;
  virtual const Peer& peer() const = 0;
  // Reads the body now; a longer one than `limit` bytes is Error(invalid) and the connection closes
  // after the answer.
  virtual Task<std::string> body(std::size_t limit) = 0;
  virtual Task<> respond(Response) = 0;
  // A streamed answer: chunked, each chunk flushed.
  virtual Task<> begin(int status, Headers) = 0;
  virtual Task<> send(std::string_view chunk) = 0;
  virtual Task<> end() = 0;
  virtual bool answered() const = 0;
  // Returns when the client has gone (for watches that have nothing to send).
  virtual Task<> client_gone() = 0;
};

using Handler = std::function<Task<>(Exchange&)>;

struct ServerLimits {
  std::size_t header_bytes = 16 * 1024;
  std::size_t connections = 1024;
  std::size_t connections_per_peer = 256;  // by address without port; unix peers count together
  base::Duration idle{120'000};            // between requests
  base::Duration header_time{10'000};      // for a started header
};

// Serves connections until stopped. An exception of the handler becomes a plain 500 (or closes,
// when the answer has begun); handlers that have an error format of their own catch first.
class HttpServer {
 public:
  HttpServer(Loop&, base::Clock&, base::Log&, ServerLimits, Handler);
  ~HttpServer();
  // Accepts until the listener closes or the task is cancelled. `tls` may be null.
  Task<> serve(Listener&, std::shared_ptr<class TlsServerContext> tls);
  Task<> serve_conn(std::unique_ptr<Conn>);
  // No new requests; returns when running ones have ended or the limit passed.
  Task<> drain(base::Duration limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// ---- client ----

// An answer read as it comes.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;  // leaves the connection unusable unless read to its end
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  virtual Task<std::optional<std::string>> next() = 0;  // a piece of the body; nothing at its end
  virtual Task<std::string> rest(std::size_t limit) = 0;
};

struct ClientLimits {
  std::size_t connections = 32;  // at once to this dialer; more wait
  std::size_t header_bytes = 64 * 1024;
  std::size_t body_bytes = 32 * 1024 * 1024;  // of a whole response
  base::Duration idle{60'000};                // a pooled connection is closed after this
};

// Keep-alive pool to one origin. Requests are never repeated by it, with one exception that RFC
// 9112 §9.3.1 allows: a pooled connection found closed before any byte of an answer is replaced
// once when the method is idempotent or nothing was written.
class HttpClient {
 public:
  HttpClient(Loop&, base::Clock&, std::unique_ptr<Dialer>, std::string host_header,
             ClientLimits = {});
  ~HttpClient();
  // Error(unavailable) when the connection fails, Error(timeout) past the deadline. Any status is
  // an answer.
  Task<Response> send(Request, base::Duration deadline);
  // As send, until the header has come; the body has no deadline of its own.
  Task<std::unique_ptr<ResponseStream>> open(Request, base::Duration header_deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Takes a stream of pieces apart into lines (without their ends); limit per line in bytes,
// Error(invalid) beyond.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t limit) : limit_(limit) {}
  void add(std::string_view piece);
  std::optional<std::string> next();  // nothing: more is needed
  std::string rest() const { return buffer_.substr(at_); }

 private:
  std::size_t limit_, at_ = 0, searched_ = 0;
  std::string buffer_;
};

}  // namespace io
