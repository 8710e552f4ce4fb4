#include "io/http_impl.h"
#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

namespace {

bool is_idempotent(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

// Fields that follow from the connection and the body.
bool is_ours(std::string_view name) {
  using boost::beast::iequals;
  return iequals(name, "Host") || iequals(name, "Content-Length") ||
         iequals(name, "Transfer-Encoding");
}

// With the body, unless that is written by itself.
std::string format_request(const Request& request, const std::string& host) {
  constexpr std::string_view breaks(" \r\n\0", 4);
  if (request.target.find_first_of(breaks) != std::string::npos || request.target.empty() ||
      request.method.find_first_of(breaks) != std::string::npos)
    throw base::Error(base::Code::invalid, "a request's target has no spaces or line breaks");
  std::string bytes;
  bytes.reserve(256 + request.target.size());
  (((bytes += request.method) += ' ') += request.target) += " HTTP/1.1\r\n";
  append_field(bytes, "Host", host);
  for (const auto& [name, value] : request.headers.fields())
    if (!is_ours(name)) append_field(bytes, name, value);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH")
    append_field(bytes, "Content-Length", std::to_string(request.body.size()));
  bytes += "\r\n";
  if (request.body.size() <= copied_body_bytes) bytes += request.body;
  return bytes;
}

struct Idle {
  std::unique_ptr<Conn> conn;
  base::Instant since;
};

// The connections to one origin; answers that are still read keep it alive.
struct Pool : std::enable_shared_from_this<Pool> {
  Pool(base::Clock& c, std::unique_ptr<Dialer> d, std::string h, ClientLimits l)
      : clock(c), dialer(std::move(d)), host(std::move(h)), limits(l), places(l.connections) {}
  ~Pool() {
    if (!tearing_down && cleaning) clock.cancel(cleaning);
  }

  base::Clock& clock;
  std::unique_ptr<Dialer> dialer;
  std::string host;
  ClientLimits limits;
  Semaphore places;
  std::vector<Idle> idle;  // oldest first
  base::Clock::TimerId cleaning = 0;

  // The connection used last, unless the server has ended it in the meantime.
  std::unique_ptr<Conn> take_idle() {
    while (!idle.empty()) {
      auto conn = std::move(idle.back().conn);
      idle.pop_back();
      if (!conn->ended()) return conn;
    }
    return nullptr;
  }

  void keep(std::unique_ptr<Conn> conn) {
    idle.push_back({std::move(conn), clock.steady()});
    if (!cleaning) clean_after(limits.idle);
  }

  void clean_after(base::Duration delay) {
    cleaning = clock.call_after(delay, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->clean();
    });
  }

  void clean() {
    cleaning = 0;
    const auto now = clock.steady();
    std::erase_if(idle, [&](const Idle& one) { return now - one.since >= limits.idle; });
    if (!idle.empty()) clean_after(idle.front().since + limits.idle - now);
  }
};

// One answer and the connection that carries it.
class ClientStream final : public ResponseStream {
 public:
  ClientStream(std::shared_ptr<Pool> pool, std::unique_ptr<Conn> conn, Semaphore::Permit place)
      : pool_(std::move(pool)), place_(std::move(place)), conn_(std::move(conn)) {
    parser_.emplace(pool_->limits.header_bytes);
  }

  // Sends the request and reads the answer's header.
  Task<> exchange(std::string bytes, const Request& request) {
    const bool head_only = request.method == "HEAD";
    std::exception_ptr broken;
    try {
      co_await conn_->write(bytes);
      if (request.body.size() > copied_body_bytes) co_await conn_->write(request.body);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::unavailable) throw;
      broken = std::current_exception();  // an answer may have come all the same
      reusable_ = false;
    }
    bytes = {};
    parser_->skip(head_only);
    try {
      co_await read_head(head_only);
    } catch (const base::Error& error) {
      if (broken && error.code() == base::Code::unavailable) std::rethrow_exception(broken);
      throw;
    }
    give_back_if_done();
  }

  int status() const override { return parser_->status; }
  const Headers& headers() const override { return parser_->headers; }

  Task<std::optional<std::string>> next() override {
    while (parser_->body.empty() && !parser_->is_done()) co_await read_body();
    give_back_if_done();
    if (parser_->body.empty()) co_return std::nullopt;
    co_return std::exchange(parser_->body, {});
  }

  Task<std::string> rest(std::size_t limit) override {
    const auto length = parser_->content_length();
    bool fits = !length || *length <= limit;
    if (length && fits) parser_->body.reserve(static_cast<std::size_t>(*length));
    while (fits && !parser_->is_done()) {
      co_await read_body();
      fits = parser_->body.size() <= limit;
    }
    if (!fits)
      throw base::Error(base::Code::invalid,
                        base::cat("the answer is larger than ", limit, " bytes"));
    give_back_if_done();
    co_return std::move(parser_->body);
  }

  bool silent() const { return silent_; }

 private:
  Task<> read_head(bool head_only) {
    for (;;) {
      if (parse_pending_) parse();
      if (parser_->is_header_done()) {
        if (parser_->status >= 200) co_return;
        parser_.emplace(pool_->limits.header_bytes);  // 1xx: the answer is still to come
        parser_->skip(head_only);
        parse_pending_ = !unread_.empty();
        continue;
      }
      const std::size_t count = co_await read_more(*conn_, unread_, portion(0));
      if (count == 0)
        throw base::Error(base::Code::unavailable,
                          "the connection was closed before an answer came");
      silent_ = false;
      parse_pending_ = true;
    }
  }

  // Body bytes, at least one or the end.
  Task<> read_body() {
    const std::size_t before = parser_->body.size();
    if (!unread_.empty()) parse();
    if (parser_->is_done() || parser_->body.size() > before) co_return;
    const auto expected = parser_->content_length_remaining();
    const std::size_t count =
        co_await read_more(*conn_, unread_, portion(expected.value_or(16 * 1024)));
    if (count > 0) {
      parse();
      co_return;
    }
    error_code error;
    parser_->put_eof(error);
    if (error || !parser_->is_done())
      throw base::Error(base::Code::unavailable,
                        "the connection was closed in the middle of an answer");
  }

  void parse() {
    parse_pending_ = false;
    if (const error_code error = parser_->take(unread_))
      throw base::Error(base::Code::unavailable, "malformed answer: " + error.message());
  }

  void give_back_if_done() {
    if (!parser_->is_done() || !conn_) return;
    if (reusable_ && parser_->keep_alive() && unread_.empty()) pool_->keep(std::move(conn_));
    conn_.reset();
    place_ = {};
  }

  std::shared_ptr<Pool> pool_;
  Semaphore::Permit place_;
  std::unique_ptr<Conn> conn_;
  std::string unread_;
  std::optional<MessageParser<false>> parser_;
  bool silent_ = true;  // no byte of an answer has come
  bool reusable_ = true, parse_pending_ = false;
};

enum class Source : bool { fresh, pooled };

// One try. `replayable`: it failed, but surely without an effect that counts.
Task<std::unique_ptr<ClientStream>> attempt(std::shared_ptr<Pool> pool, const Request& request,
                                            Source source, bool& replayable) {
  replayable = false;
  std::string bytes = format_request(request, pool->host);
  auto place = co_await pool->places.acquire();
  std::unique_ptr<Conn> conn;
  if (source == Source::pooled) conn = pool->take_idle();
  const bool reused = conn != nullptr;
  if (!reused) conn = co_await pool->dialer->dial();
  auto stream = std::make_unique<ClientStream>(pool, std::move(conn), std::move(place));
  try {
    co_await stream->exchange(std::move(bytes), request);
  } catch (const base::Error& error) {
    replayable = reused && stream->silent() && error.code() == base::Code::unavailable &&
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
  const std::size_t limit = pool->limits.body_bytes;
  auto stream = co_await start(std::move(pool), request);
  Response response{stream->status(), stream->headers(), {}};
  response.body = co_await stream->rest(limit);
  co_return response;
}

std::string saying(const Request& request) {
  return base::cat(request.method, " ", request.target);
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
  std::shared_ptr<Pool> pool = impl_;
  auto task = whole(pool, request);
  co_return co_await within(pool->clock, deadline, saying(request), std::move(task));
}

Task<std::unique_ptr<ResponseStream>> HttpClient::open(Request request,
                                                       base::Duration header_deadline) {
  std::shared_ptr<Pool> pool = impl_;
  auto task = start(pool, request);
  auto stream = co_await within(pool->clock, header_deadline, saying(request), std::move(task));
  co_return std::unique_ptr<ResponseStream>(std::move(stream));
}

}  // namespace io
