#include "node/log_server.h"

#include <sys/stat.h>

#include "base/text.h"
#include "io/crypto.h"
#include "io/tls.h"
#include "io/while_client_stays.h"
#include "node/log_follow.h"
#include "node/logs.h"

namespace node {

using base::cat;

namespace {

constexpr auto certificate_life = std::chrono::hours(24 * 365);

io::TlsServer make_identity(const LogServerConfig& config, base::Time now) {
  io::TlsServer out;
  out.identity.key_pem = io::make_p256_key();
  io::CertificateRequest request;
  request.common_name = "system:node:" + config.node_name;
  request.organizations = {"system:nodes"};
  request.dns_names = {config.node_name};
  request.ips = {config.address};
  request.use = io::CertificateRequest::Use::server;
  request.not_before = now - std::chrono::hours(1);
  request.not_after = now + certificate_life;
  out.identity.certificate_pem =
      io::issue_certificate(request, out.identity.key_pem, "", base::Secret<std::string>());
  out.client_ca_pem = config.client_ca_pem;
  return out;
}

struct Path {
  std::string ns, pod, container;
};

std::optional<Path> parse_path(const std::string& path) {
  const auto parts = base::split(path, '/');  // "", containerLogs, ns, pod, container
  if (parts.size() != 5 || parts[1] != "containerLogs") return std::nullopt;
  return Path{parts[2], parts[3], parts[4]};
}

std::int64_t size_of(const std::string& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 ? info.st_size : 0;
}

io::Response plain(int status, std::string text) {
  io::Response out;
  out.status = status;
  out.headers = {{"Content-Type", "text/plain"}};
  out.body = std::move(text);
  return out;
}

}  // namespace

struct LogServer::Impl {
  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  io::BlockingPool& blocking;
  LogServerConfig config;
  Find find;
  std::unique_ptr<io::Listener> listener;
  std::shared_ptr<io::TlsServerContext> tls;
  std::unique_ptr<io::HttpServer> server;

  io::Task<> answer(io::Exchange& exchange) {
    io::Response refusal;
    try {
      if (exchange.peer().common_name != config.client_name) {
        refusal = plain(exchange.peer().common_name ? 403 : 401, "only the API server is served\n");
      } else {
        const io::Target target = io::parse_target(exchange.target());
        if (exchange.method() != "GET") {
          refusal = plain(405, "only GET\n");
        } else if (target.path == "/healthz") {
          refusal = plain(200, "ok");
        } else if (auto path = parse_path(target.path)) {
          const LogOptions options = parse_log_options(target, clock.now());
          const LogSource source = find(path->ns, path->pod, path->container, options.previous);
          co_await send(exchange, source, options);
          co_return;
        } else {
          refusal = plain(404, "404 page not found\n");
        }
      }
    } catch (const base::Error& error) {
      if (exchange.answered() || error.code() == base::Code::cancelled) throw;
      const int status = error.code() == base::Code::not_found ? 404
                         : error.code() == base::Code::invalid ? 400
                                                               : 500;
      refusal = plain(status, error.what());
    }
    co_await exchange.respond(std::move(refusal));
  }

  io::Task<> send(io::Exchange& exchange, LogSource source, LogOptions options) {
    if (source.files.empty()) {
      io::Response nothing = plain(200, "");
      co_await exchange.respond(std::move(nothing));
      co_return;
    }
    struct Begin {
      std::string text;
      std::int64_t size;
    };
    auto read = [files = source.files, options] {
      const std::int64_t size = size_of(files.back());  // before: a line too much, never one lost
      return Begin{read_log(files, options), size};
    };
    Begin begin = co_await blocking.run(read);
    io::Headers headers{{"Content-Type", "text/plain"}};
    co_await exchange.begin(200, std::move(headers));
    std::int64_t left = options.limit_bytes.value_or(INT64_MAX);
    left -= static_cast<std::int64_t>(begin.text.size());
    if (!begin.text.empty()) co_await exchange.send(begin.text);
    if (options.follow && left > 0) {
      auto give = [&exchange, &left](std::string text) -> io::Task<> {
        if (static_cast<std::int64_t>(text.size()) > left)
          text.resize(static_cast<std::size_t>(left));
        left -= static_cast<std::int64_t>(text.size());
        co_await exchange.send(text);
      };
      auto may_grow = [&left, more = source.may_grow] { return left > 0 && more(); };
      LogDecoder decoder(options);
      auto followed = follow_log(clock, blocking, source.files.back(), begin.size,
                                 std::move(decoder), std::move(may_grow), std::move(give));
      co_await io::while_client_stays(loop, exchange, std::move(followed));
    }
    co_await exchange.end();
  }
};

LogServer::LogServer(io::Loop& loop, base::Clock& clock, base::Log& log, io::BlockingPool& blocking,
                     LogServerConfig config, Find find)
    : impl_(new Impl{loop, clock, log, blocking, std::move(config), std::move(find), {}, {}, {}}) {
  auto* impl = impl_.get();
  impl->listener = io::listen_tcp(loop, impl->config.address, impl->config.port);
  impl->tls = io::make_context(make_identity(impl->config, clock.now()));
  auto handler = [impl](io::Exchange& exchange) { return impl->answer(exchange); };
  impl->server = std::make_unique<io::HttpServer>(loop, clock, log, io::ServerLimits{}, handler);
}
LogServer::~LogServer() = default;

std::uint16_t LogServer::port() const { return impl_->listener->port(); }

io::Task<> LogServer::serve() { co_await impl_->server->serve(*impl_->listener, impl_->tls); }

}  // namespace node
