#include <array>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <map>

#include "base/text.h"
#include "io/http.h"
#include "io/loop_impl.h"
#include "io/sync.h"
#include "io/tls.h"

namespace io {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t read_size = 8 * 1024;

std::string format_head(int status, const Headers& headers) {
  std::string head = base::cat(
      "HTTP/1.1 ", status, " ",
      std::string_view(http::obsolete_reason(http::int_to_status(unsigned(status)))), "\r\n");
  for (const auto& [name, value] : headers.fields()) ((head += name) += ": ") += value + "\r\n";
  return head;
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

// A refusal of the protocol itself; the connection ends after it.
struct Refusal {
  int status;
  std::string why;
};

class ServerExchange final : public Exchange {
 public:
  ServerExchange(Conn& conn, std::string& unread, std::size_t header_limit)
      : conn_(conn), unread_(unread) {
    parser_.header_limit(static_cast<std::uint32_t>(header_limit));
    parser_.body_limit(boost::none);
    parser_.eager(false);
  }

  // False when the client closed before a request began.
  Task<bool> read_head(std::function<void()> begun) {
    bool any = !unread_.empty();
    for (;;) {
      if (!unread_.empty()) {
        if (!std::exchange(any_seen_, true)) begun();
        error_code error;
        std::size_t used = parser_.put(asio::buffer(unread_), error);
        unread_.erase(0, used);
        if (error == http::error::header_limit)
          throw Refusal{431, "the request's header is too large"};
        if (error && error != http::error::need_more)
          throw Refusal{400, "malformed request: " + error.message()};
        if (parser_.is_header_done()) break;
        any = true;
      }
      std::array<char, read_size> piece;
      std::size_t count = co_await conn_.read_some(piece);
      if (count == 0) {
        if (any) throw Refusal{400, "the request ended early"};
        co_return false;
      }
      unread_.append(piece.data(), count);
    }
    const auto& message = parser_.get();
    method_ = std::string(message.method_string());
    target_ = std::string(message.target());
    for (const auto& field : message)
      headers_.add(std::string_view(field.name_string()), std::string(field.value()));
    if (message.version() < 10 || message.version() > 11)
      throw Refusal{505, "HTTP/1.1 is spoken here"};
    co_return true;
  }

  const std::string& method() const override { return method_; }
  const std::string& target() const override { return target_; }
  const Headers& headers() const override { return headers_; }
  const Peer& peer() const override { return conn_.peer(); }
  bool answered() const override { return answered_; }

  Task<std::string> body(std::size_t limit) override {
    std::string out;
    if (parser_.content_length() && *parser_.content_length() > limit) too_large(limit);
    if (!parser_.is_done() && base::lower(headers_.get("Expect")) == "100-continue") {
      static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await conn_.write(go_on);
    }
    std::array<char, read_size> piece;
    bool more = unread_.empty();
    while (!parser_.is_done()) {
      if (more) {
        std::size_t count = co_await conn_.read_some(piece);
        if (count == 0) throw Refusal{400, "the request's body ended early"};
        unread_.append(piece.data(), count);
      }
      more = !take_body(out) || unread_.empty();
      if (out.size() > limit) too_large(limit);
    }
    co_return out;
  }

  Task<> respond(Response response) override {
    answered_ = true;
    Headers& headers = response.headers;
    if (has_body(response.status))
      headers.set("Content-Length", std::to_string(response.body.size()));
    if (!keeps_alive()) headers.set("Connection", "close");
    std::string bytes = format_head(response.status, headers) + "\r\n";
    if (has_body(response.status) && method_ != "HEAD") bytes += response.body;
    co_await conn_.write(bytes);
    finished_ = true;
  }

  Task<> begin(int status, Headers headers) override {
    answered_ = true;
    headers.set("Transfer-Encoding", "chunked");
    if (!keeps_alive()) headers.set("Connection", "close");
    std::string bytes = format_head(status, headers) + "\r\n";
    co_await conn_.write(bytes);
  }

  Task<> send(std::string_view chunk) override {
    if (chunk.empty() || method_ == "HEAD") co_return;
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    std::string bytes;
    bytes.reserve(chunk.size() + 32);
    ((bytes += size) += chunk) += "\r\n";
    co_await conn_.write(bytes);
  }

  Task<> end() override {
    static constexpr std::string_view last = "0\r\n\r\n";
    if (method_ != "HEAD") co_await conn_.write(last);
    finished_ = true;
  }

  Task<> client_gone() override {
    std::array<char, 512> piece;
    try {
      for (;;) {
        std::size_t count = co_await conn_.read_some(piece);
        if (count == 0) co_return;
        if (unread_.size() > read_size)
          co_return;  // talks on without waiting for its answer: nobody we serve does
        unread_.append(piece.data(), count);
      }
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
    }
  }

  // The connection may serve another request after this one.
  bool reusable() const { return finished_ && parser_.is_done() && keeps_alive(); }
  void close_after() { close_ = true; }

 private:
  bool keeps_alive() const { return !close_ && parser_.get().keep_alive(); }

  [[noreturn]] void too_large(std::size_t limit) {
    close_ = true;
    throw Refusal{413, base::cat("the request's body is larger than ", limit, " bytes")};
  }

  // False when the unread bytes are not enough to go on with.
  bool take_body(std::string& out) {
    std::array<char, read_size> piece;
    while (!unread_.empty() && !parser_.is_done()) {
      auto& buffer = parser_.get().body();
      buffer.data = piece.data();
      buffer.size = piece.size();
      buffer.more = true;
      error_code error;
      std::size_t used = parser_.put(asio::buffer(unread_), error);
      unread_.erase(0, used);
      out.append(piece.data(), piece.size() - buffer.size);
      if (error == http::error::need_buffer) continue;
      if (error == http::error::need_more) return false;
      if (error) throw Refusal{400, "malformed request body: " + error.message()};
    }
    return true;
  }

  Conn& conn_;
  std::string& unread_;
  http::request_parser<http::buffer_body> parser_;
  std::string method_, target_;
  Headers headers_;
  bool any_seen_ = false, answered_ = false, finished_ = false, close_ = false;
};

// Closes a connection when its time is up, unless called off.
class Deadline {
 public:
  Deadline(base::Clock& clock, Conn& conn) : clock_(clock), conn_(conn) {}
  Deadline(const Deadline&) = delete;
  ~Deadline() { off(); }
  void set(base::Duration limit) {
    off();
    id_ = clock_.call_after(limit, [this] { conn_.close(); });
  }
  void off() {
    if (id_) clock_.cancel(std::exchange(id_, 0));
  }

 private:
  base::Clock& clock_;
  Conn& conn_;
  base::Clock::TimerId id_ = 0;
};

std::string host_of(const std::string& address) {
  auto colon = address.rfind(':');
  return colon == std::string::npos ? address : address.substr(0, colon);
}

}  // namespace

struct HttpServer::Impl {
  Impl(Loop& l, base::Clock& c, base::Log& g, ServerLimits i, Handler h)
      : loop(l), clock(c), log(g), limits(i), handler(std::move(h)) {}
  Loop& loop;
  base::Clock& clock;
  base::Log& log;
  ServerLimits limits;
  Handler handler;
  std::map<std::string, std::size_t> per_peer;
  std::size_t connections = 0, answering = 0;
  std::set<Conn*> idle;
  bool draining = false;
  Event quiet;

  Task<> answer(ServerExchange& exchange) {
    ++answering;
    struct Done {
      Impl& impl;
      ~Done() {
        if (--impl.answering == 0) impl.quiet.set();
      }
    } done{*this};
    Response failure;
    bool failed = false;
    try {
      co_await handler(exchange);
      if (!exchange.answered())
        throw base::Error(base::Code::internal, "the handler gave no answer");
    } catch (const Refusal& refusal) {
      failed = true;
      failure = {refusal.status, {{"Content-Type", "text/plain"}}, refusal.why + "\n"};
      exchange.close_after();
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      if (error.code() == base::Code::unavailable && exchange.answered()) throw;  // the client left
      failed = true;
      log.error(
          "request failed",
          {{"method", exchange.method()}, {"target", exchange.target()}, {"error", error.what()}});
      failure = {500, {{"Content-Type", "text/plain"}}, "internal error\n"};
    }
    if (failed) {
      if (exchange.answered()) throw base::Error(base::Code::unavailable, "the answer broke off");
      co_await exchange.respond(std::move(failure));
    }
  }

  Task<> converse(Conn& conn) {
    std::string unread;
    Deadline deadline(clock, conn);
    while (!draining) {
      ServerExchange exchange(conn, unread, limits.header_bytes);
      Response refused;
      try {
        deadline.set(limits.idle);
        idle.insert(&conn);
        bool some = co_await exchange.read_head([&] {
          idle.erase(&conn);
          deadline.set(limits.header_time);
        });
        idle.erase(&conn);
        deadline.off();
        if (!some) co_return;
      } catch (const Refusal& refusal) {
        refused = {refusal.status, {{"Content-Type", "text/plain"}}, refusal.why + "\n"};
        exchange.close_after();
      }
      if (refused.body.size()) {
        co_await exchange.respond(std::move(refused));
        co_return;
      }
      co_await answer(exchange);
      if (!exchange.reusable()) co_return;
    }
  }
};

HttpServer::HttpServer(Loop& loop, base::Clock& clock, base::Log& log, ServerLimits limits,
                       Handler handler)
    : impl_(std::make_unique<Impl>(loop, clock, log, limits, std::move(handler))) {
  impl_->quiet.set();
}

HttpServer::~HttpServer() = default;

Task<> HttpServer::serve_conn(std::unique_ptr<Conn> conn) {
  auto& impl = *impl_;
  struct Count {
    Impl& impl;
    Conn& conn;
    std::string host;
    ~Count() {
      impl.idle.erase(&conn);
      --impl.connections;
      if (--impl.per_peer[host] == 0) impl.per_peer.erase(host);
    }
  } count{impl, *conn, host_of(conn->peer().address)};
  ++impl.connections;
  if (++impl.per_peer[count.host] > impl.limits.connections_per_peer ||
      impl.connections > impl.limits.connections) {
    static constexpr std::string_view full =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    co_await conn->write(full);
    co_return;
  }
  try {
    co_await impl.converse(*conn);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    impl.log.debug("connection ended", {{"peer", conn->peer().address}, {"error", error.what()}});
  }
}

Task<> HttpServer::serve(Listener& listener, std::shared_ptr<TlsServerContext> tls) {
  TaskGroup connections(impl_->loop);
  auto one = [](HttpServer& server, std::unique_ptr<Conn> conn,
                std::shared_ptr<TlsServerContext> context) -> Task<> {
    try {
      if (context) {
        auto shake = tls_accept(std::move(conn), std::move(context));
        conn = co_await within(server.impl_->clock, server.impl_->limits.header_time,
                               "TLS handshake", std::move(shake));
      }
      co_await server.serve_conn(std::move(conn));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      server.impl_->log.debug("connection refused", {{"error", error.what()}});
    }
  };
  while (!impl_->draining) {
    std::unique_ptr<Conn> conn;
    bool exhausted = false;
    try {
      conn = co_await listener.accept();
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled || impl_->draining) break;
      impl_->log.warn("accept failed", {{"error", error.what()}});
      exhausted = true;  // out of descriptors: wait for some to come free
    }
    if (exhausted) {
      co_await sleep(impl_->clock, base::Duration(100));
      continue;
    }
    auto task = one(*this, std::move(conn), tls);
    connections.spawn("connection", std::move(task));
  }
  connections.stop();
}

Task<> HttpServer::drain(base::Duration limit) {
  impl_->draining = true;
  auto waiting = impl_->idle;
  for (auto* conn : waiting) conn->close();
  if (impl_->answering == 0) co_return;
  impl_->quiet.clear();
  auto wait = impl_->quiet.wait();
  try {
    co_await within(impl_->clock, limit, "draining", std::move(wait));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::timeout) throw;
  }
}

}  // namespace io
