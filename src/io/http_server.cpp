#include <map>
#include <set>

#include "io/http_exchange_impl.h"
#include "io/loop_impl.h"
#include "io/sync.h"
#include "io/tls.h"

namespace io {

namespace {

// Closes a connection when its time is up. Setting it anew costs nothing: the timer looks when it
// fires.
class Deadline {
 public:
  Deadline(base::Clock& clock, Conn& conn) : state_(std::make_shared<State>(clock, conn)) {}
  Deadline(const Deadline&) = delete;
  ~Deadline() {
    if (!tearing_down && state_->timer) state_->clock.cancel(state_->timer);
  }

  void set(base::Duration limit) {
    state_->due = state_->clock.steady() + limit;
    if (!state_->timer || state_->fires > *state_->due) arm(state_);
  }
  void off() { state_->due.reset(); }

 private:
  struct State {
    State(base::Clock& c, Conn& n) : clock(c), conn(n) {}
    base::Clock& clock;
    Conn& conn;
    std::optional<base::Instant> due;
    base::Instant fires;
    base::Clock::TimerId timer = 0;
  };

  static void arm(const std::shared_ptr<State>& state) {
    if (state->timer) state->clock.cancel(state->timer);
    state->fires = *state->due;
    state->timer = state->clock.call_after(state->fires - state->clock.steady(),
                                           [weak = std::weak_ptr(state)] {
                                             if (auto live = weak.lock()) look(live);
                                           });
  }

  static void look(const std::shared_ptr<State>& state) {
    state->timer = 0;
    if (!state->due) return;
    if (state->clock.steady() >= *state->due)
      state->conn.close();
    else
      arm(state);
  }

  std::shared_ptr<State> state_;
};

std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

Response plain(int status, std::string_view text) {
  return {status, {{"Content-Type", "text/plain"}}, base::cat(text, "\n")};
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

  // A connection being served.
  struct Session {
    Session(Impl& s, Conn& c) : server(s), conn(c), host(host_of(c.peer().address)) {
      server.sessions.insert(this);
      ++server.per_peer[host];
    }
    Session(const Session&) = delete;
    ~Session() {
      if (tearing_down) return;
      server.sessions.erase(this);
      if (--server.per_peer[host] == 0) server.per_peer.erase(host);
    }
    bool admitted() const {
      return server.sessions.size() <= server.limits.connections &&
             server.per_peer[host] <= server.limits.connections_per_peer;
    }
    Impl& server;
    Conn& conn;
    std::string host;
    bool idle = false;  // between two requests
  };

  std::set<Session*> sessions;
  std::map<std::string, std::size_t> per_peer;
  std::size_t answering = 0;
  bool draining = false;
  Event quiet;

  // Counts for drain().
  struct Answering {
    explicit Answering(Impl& s) : server(s) { ++server.answering; }
    Answering(const Answering&) = delete;
    ~Answering() {
      if (!tearing_down && --server.answering == 0) server.quiet.set();
    }
    Impl& server;
  };

  Task<> answer(ServerExchange& exchange) {
    Answering counted(*this);
    if (draining) exchange.close_after();
    auto task = co_await asio::this_coro::cancellation_state;
    std::optional<Response> failure;
    std::string why;
    try {
      co_await handler(exchange);
      if (!exchange.answered()) why = "the handler gave no answer";
    } catch (const Refusal& refusal) {
      failure = plain(refusal.status(), refusal.what());
      exchange.close_after();
    } catch (const base::Error& error) {
      check(task);
      // The client left while we wrote to it.
      if (error.code() == base::Code::unavailable && exchange.answered()) throw;
      why = error.what();
    } catch (const std::exception& error) {
      why = error.what();
    }
    if (!why.empty()) {
      log.error("request failed",
                {{"method", exchange.method()}, {"target", exchange.target()}, {"error", why}});
      failure = plain(500, "internal error");
    }
    if (!failure) co_return;
    if (exchange.answered())
      throw base::Error(base::Code::unavailable, "the answer broke off: " + why);
    co_await exchange.respond(std::move(*failure));
  }

  Task<> converse(Session& session) {
    std::string unread;
    Deadline deadline(clock, session.conn);
    while (!draining) {
      ServerExchange exchange(session.conn, unread, limits.header_bytes);
      std::optional<Response> refused;
      session.idle = unread.empty();
      if (session.idle) unread = {};  // a large body may have grown it
      deadline.set(limits.idle);
      try {
        auto head = co_await exchange.read_head();
        if (head == ServerExchange::Head::none) co_return;
        session.idle = false;
        if (head == ServerExchange::Head::partial) deadline.set(limits.header_time);
        while (head == ServerExchange::Head::partial) head = co_await exchange.read_head();
      } catch (const Refusal& refusal) {
        refused = plain(refusal.status(), refusal.what());
        exchange.close_after();
      }
      deadline.off();
      if (refused)
        co_await exchange.respond(std::move(*refused));
      else
        co_await answer(exchange);
      if (exchange.reusable()) continue;
      if (!exchange.read_whole()) co_await linger(session.conn, deadline);
      co_return;
    }
  }

  // Reads on what a client sends that did not wait for our refusal: closing at once would destroy
  // the answer on its way (RFC 9112 §9.6).
  Task<> linger(Conn& conn, Deadline& deadline) {
    constexpr std::size_t most = 64 * 1024 * 1024;
    deadline.set(std::chrono::seconds(5));
    co_await conn.shutdown_write();
    std::string dropped;
    for (std::size_t total = 0; total < most; total += dropped.size()) {
      dropped.clear();
      const std::size_t count = co_await read_more(conn, dropped, portion(most));
      if (count == 0) co_return;
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
  auto task = co_await asio::this_coro::cancellation_state;
  try {
    Impl::Session session(impl, *conn);
    if (session.admitted()) {
      co_await impl.converse(session);
    } else {
      static constexpr std::string_view full =
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      co_await conn->write(full);
    }
  } catch (const std::exception& error) {
    check(task);
    impl.log.debug("connection ended", {{"peer", conn->peer().address}, {"error", error.what()}});
  }
}

Task<> HttpServer::serve(Listener& listener, std::shared_ptr<TlsServerContext> tls) {
  auto& impl = *impl_;
  auto one = [](HttpServer& server, std::unique_ptr<Conn> conn,
                std::shared_ptr<TlsServerContext> context) -> Task<> {
    auto task = co_await asio::this_coro::cancellation_state;
    try {
      if (context) {
        auto shake = tls_accept(std::move(conn), std::move(context));
        conn = co_await within(server.impl_->clock, server.impl_->limits.header_time,
                               "TLS handshake", std::move(shake));
      }
    } catch (const std::exception& error) {
      check(task);
      server.impl_->log.debug("connection refused", {{"error", error.what()}});
    }
    if (conn) co_await server.serve_conn(std::move(conn));
  };
  TaskGroup connections(impl.loop);
  bool over = false;
  while (!impl.draining) {
    std::unique_ptr<Conn> conn;
    bool failed = false;
    try {
      conn = co_await listener.accept();
    } catch (const base::Error& error) {
      failed = true;
      over = error.code() == base::Code::cancelled || error.code() == base::Code::gone;
      if (!over) impl.log.warn("accept failed", {{"error", error.what()}});
    }
    if (over) break;
    if (failed) {  // out of descriptors: wait for some to come free
      co_await sleep(impl.clock, base::Duration(100));
      continue;
    }
    auto task = one(*this, std::move(conn), tls);
    connections.spawn("connection", std::move(task));
  }
  // Stopped: ends the connections and throws. Listener closed: they go on to their own end.
  co_await connections.join();
}

Task<> HttpServer::drain(base::Duration limit) {
  impl_->draining = true;
  for (auto* session : impl_->sessions)
    if (session->idle) session->conn.close();
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
