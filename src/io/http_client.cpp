#include <array>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "base/text.h"
#include "io/http.h"
#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t read_size = 16 * 1024;

bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

std::string format_request(const Request& request, const std::string& host) {
  std::string bytes =
      base::cat(request.method, " ", request.target, " HTTP/1.1\r\nHost: ", host, "\r\n");
  for (const auto& [name, value] : request.headers.fields())
    ((bytes += name) += ": ") += value + "\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH")
    bytes += base::cat("Content-Length: ", request.body.size(), "\r\n");
  return (bytes += "\r\n") += request.body;
}

struct Link {
  std::unique_ptr<Conn> conn;
  std::string unread;
  bool used = false;
  base::Instant idle_since{};
};

// The connections to one origin.
struct Pool {
  Pool(base::Clock& c, std::unique_ptr<Dialer> d, std::string h, ClientLimits l)
      : clock(c), dialer(std::move(d)), host(std::move(h)), limits(l), places(l.connections) {}
  base::Clock& clock;
  std::unique_ptr<Dialer> dialer;
  std::string host;
  ClientLimits limits;
  Semaphore places;
  std::vector<Link> idle;

  // A pooled connection, the youngest first; old ones are dropped.
  std::optional<Link> take_idle() {
    const auto oldest = clock.steady() - limits.idle;
    std::erase_if(idle, [&](const Link& link) { return link.idle_since < oldest; });
    if (idle.empty()) return {};
    Link link = std::move(idle.back());
    idle.pop_back();
    return link;
  }
};

// One answer and the connection that carries it.
class ClientStream final : public ResponseStream {
 public:
  ClientStream(std::shared_ptr<Pool> pool, Link link, Semaphore::Permit place, bool head_only)
      : pool_(std::move(pool)), place_(std::move(place)), link_(std::move(link)) {
    parser_.header_limit(static_cast<std::uint32_t>(pool_->limits.header_bytes));
    parser_.body_limit(boost::none);
    parser_.eager(false);
    if (head_only) parser_.skip(true);
  }

  // Error(unavailable) with `fresh` still true when the connection ended before any byte of an
  // answer.
  Task<> read_head() {
    std::array<char, read_size> piece;
    while (!parser_.is_header_done()) {
      std::size_t count = co_await link_.conn->read_some(piece);
      if (count == 0)
        throw base::Error(base::Code::unavailable,
                          "the connection was closed before an answer came");
      fresh = false;
      link_.unread.append(piece.data(), count);
      parse_head();
    }
    for (const auto& field : parser_.get())
      headers_.add(std::string_view(field.name_string()), std::string(field.value()));
    give_back_if_done();
  }

  Task<> write(std::string_view bytes) { return link_.conn->write(bytes); }

  int status() const override { return static_cast<int>(parser_.get().result_int()); }
  const Headers& headers() const override { return headers_; }

  Task<std::optional<std::string>> next() override {
    std::string out;
    std::array<char, read_size> piece;
    bool more = link_.unread.empty();
    while (out.empty() && !parser_.is_done()) {
      if (more) {
        std::size_t count = co_await link_.conn->read_some(piece);
        if (count == 0) {
          end_of_stream();
          break;
        }
        link_.unread.append(piece.data(), count);
      }
      more = !take_body(out) || link_.unread.empty();
    }
    give_back_if_done();
    if (out.empty()) co_return std::nullopt;
    co_return std::optional<std::string>(std::move(out));
  }

  Task<std::string> rest(std::size_t limit) override {
    std::string all;
    for (;;) {
      auto piece = co_await next();
      if (!piece) co_return all;
      all += *piece;
      if (all.size() > limit)
        throw base::Error(base::Code::invalid,
                          base::cat("the answer is larger than ", limit, " bytes"));
    }
  }

  bool fresh = true;

 private:
  void parse_head() {
    for (;;) {
      error_code error;
      std::size_t used = parser_.put(asio::buffer(link_.unread), error);
      link_.unread.erase(0, used);
      if (error == http::error::need_more) return;
      if (error) throw base::Error(base::Code::unavailable, "malformed answer: " + error.message());
      return;
    }
  }

  // False when the unread bytes are not enough to go on with.
  bool take_body(std::string& out) {
    std::array<char, read_size> piece;
    while (!link_.unread.empty() && !parser_.is_done()) {
      auto& buffer = parser_.get().body();
      buffer.data = piece.data();
      buffer.size = piece.size();
      buffer.more = true;
      error_code error;
      std::size_t used = parser_.put(asio::buffer(link_.unread), error);
      link_.unread.erase(0, used);
      out.append(piece.data(), piece.size() - buffer.size);
      if (error == http::error::need_buffer) continue;
      if (error == http::error::need_more) return false;
      if (error) throw base::Error(base::Code::unavailable, "malformed answer: " + error.message());
    }
    return true;
  }

  void end_of_stream() {
    error_code error;
    parser_.put_eof(error);
    if (error || !parser_.is_done())
      throw base::Error(base::Code::unavailable,
                        "the connection was closed in the middle of an answer");
  }

  void give_back_if_done() {
    if (!parser_.is_done() || !link_.conn) return;
    if (parser_.get().keep_alive() && link_.unread.empty()) {
      link_.used = true;
      link_.idle_since = pool_->clock.steady();
      pool_->idle.push_back(std::move(link_));
    }
    link_ = {};
    place_ = {};
  }

  std::shared_ptr<Pool> pool_;
  Semaphore::Permit place_;
  Link link_;
  http::response_parser<http::buffer_body> parser_;
  Headers headers_;
};

enum class Source : bool { fresh, pooled };

// One try. `replayable`: it failed, but surely without any effect.
Task<std::unique_ptr<ClientStream>> attempt(std::shared_ptr<Pool> pool, const Request& request,
                                            Source source, bool& replayable) {
  auto place = co_await pool->places.acquire();
  std::optional<Link> link;
  if (source == Source::pooled) link = pool->take_idle();
  const bool reused = link.has_value();
  if (!link) {
    link.emplace();
    link->conn = co_await pool->dialer->dial();
  }
  const std::string bytes = format_request(request, pool->host);
  const bool head_only = request.method == "HEAD";
  auto stream = std::make_unique<ClientStream>(pool, std::move(*link), std::move(place), head_only);
  try {
    co_await stream->write(bytes);
    co_await stream->read_head();
  } catch (const base::Error& error) {
    replayable = reused && stream->fresh && error.code() == base::Code::unavailable &&
                 is_idempotent(request.method);
    throw;
  }
  co_return stream;
}

Task<std::unique_ptr<ClientStream>> start(std::shared_ptr<Pool> pool, const Request& request) {
  bool replayable = false;
  try {
    co_return co_await attempt(pool, request, Source::pooled, replayable);
  } catch (const base::Error&) {
    if (!replayable) throw;
  }
  co_return co_await attempt(pool, request, Source::fresh, replayable);
}

Task<Response> whole(std::shared_ptr<Pool> pool, const Request& request) {
  auto stream = co_await start(pool, request);
  Response response{stream->status(), stream->headers(), {}};
  response.body = co_await stream->rest(pool->limits.body_bytes);
  co_return response;
}

}  // namespace

struct HttpClient::Impl : Pool {
  using Pool::Pool;
};

HttpClient::HttpClient(Loop&, base::Clock& clock, std::unique_ptr<Dialer> dialer, std::string host,
                       ClientLimits limits)
    : impl_(std::make_shared<Impl>(clock, std::move(dialer), std::move(host), limits)) {}

HttpClient::~HttpClient() = default;

Task<Response> HttpClient::send(Request request, base::Duration deadline) {
  auto task = whole(impl_, request);
  std::string what = request.method + " " + request.target;
  co_return co_await within(impl_->clock, deadline, std::move(what), std::move(task));
}

Task<std::unique_ptr<ResponseStream>> HttpClient::open(Request request,
                                                       base::Duration header_deadline) {
  auto task = start(impl_, request);
  std::string what = request.method + " " + request.target;
  auto stream = co_await within(impl_->clock, header_deadline, std::move(what), std::move(task));
  co_return std::unique_ptr<ResponseStream>(std::move(stream));
}

}  // namespace io
