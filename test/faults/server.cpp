#include "faults/server.h"

#include "io/crypto.h"

namespace faults {

namespace {

class MemoryLog final : public apiserver::ObjectLog {
 public:
  explicit MemoryLog(apiserver::History known) : known_(std::move(known)) {}
  apiserver::History load() override { return std::move(known_); }
  io::Task<> append(apiserver::Record) override { co_return; }

 private:
  apiserver::History known_;
};

// A connection whose other end has shown a client certificate.
class KnownConn final : public io::Conn {
 public:
  KnownConn(std::unique_ptr<io::Conn> inner, io::Peer peer)
      : inner_(std::move(inner)), peer_(std::move(peer)) {}
  io::Task<std::size_t> read_some(std::span<char> buffer) override {
    return inner_->read_some(buffer);
  }
  io::Task<> write(std::string_view bytes) override { return inner_->write(bytes); }
  io::Task<> shutdown_write() override { return inner_->shutdown_write(); }
  void close() override { inner_->close(); }
  const io::Peer& peer() const override { return peer_; }
  bool ended() const override { return inner_->ended(); }

 private:
  std::unique_ptr<io::Conn> inner_;
  io::Peer peer_;
};

// Each dial is a pipe whose far end the server serves.
class PipeDialer final : public io::Dialer {
 public:
  PipeDialer(io::HttpServer& http, io::TaskGroup& tasks, io::Peer peer)
      : http_(http), tasks_(tasks), peer_(std::move(peer)) {}
  io::Task<std::unique_ptr<io::Conn>> dial() override {
    auto [here, there] = io::memory_pipe();
    auto known = std::make_unique<KnownConn>(std::move(there), peer_);
    tasks_.spawn("connection", http_.serve_conn(std::move(known)));
    co_return std::move(here);
  }

 private:
  io::HttpServer& http_;
  io::TaskGroup& tasks_;
  io::Peer peer_;
};

// Made once: a key costs more than a whole story.
apiserver::TokenSettings make_tokens() {
  static const base::Secret<std::string> key = io::make_p256_key();
  apiserver::TokenSettings tokens;
  tokens.key_pem = key;
  return tokens;
}

// Bookmarks would only make virtual minutes longer.
apiserver::ServerSettings make_settings() {
  apiserver::ServerSettings settings;
  settings.bookmark_every = std::chrono::hours(24);
  return settings;
}

}  // namespace

struct Server::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Random& random, base::Log& log, apiserver::History known)
      : loop(l),
        clock(c),
        objects(std::move(known)),
        server(l, c, random, log, objects, make_tokens(), make_settings(), {}, {}),
        http(l, c, log, io::ServerLimits{}, server.handler()),
        tasks(l) {}

  io::Loop& loop;
  base::Clock& clock;
  MemoryLog objects;
  apiserver::ApiServer server;
  io::HttpServer http;
  io::TaskGroup tasks;
};

Server::Server(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
               apiserver::History known)
    : impl_(std::make_unique<Impl>(loop, clock, random, log, std::move(known))) {
  loop.run(impl_->server.bootstrap());
}

Server::~Server() {
  auto end = [](Impl& impl) -> io::Task<> {
    co_await impl.server.stop();
    impl.tasks.stop();
    co_await impl.tasks.join();
  };
  impl_->loop.run(end(*impl_));
}

std::unique_ptr<kube::Client> Server::client(const std::string& user) {
  io::Peer peer{.address = "pipe", .common_name = user, .organizations = {"system:masters"}};
  kube::Endpoint endpoint;
  endpoint.host = "kubernetes";
  endpoint.dialer = [this, peer] {
    return std::make_unique<PipeDialer>(impl_->http, impl_->tasks, peer);
  };
  return std::make_unique<kube::Client>(impl_->loop, impl_->clock, std::move(endpoint));
}

apiserver::Store& Server::store() { return impl_->server.store(); }
const apiserver::Catalog& Server::catalog() const { return impl_->server.catalog(); }

apiserver::History Server::snapshot() {
  apiserver::History history;
  history.version = history.lost = store().version();
  for (const auto& resource : catalog().resources()) {
    if (catalog().find_stored(resource.storage) != &resource) continue;
    for (const auto& object : store().list(resource.storage, ""))
      history.objects.push_back(
          {object->key, object->version, apiserver::ChangeType::added, "", object->text});
  }
  return history;
}

const std::string& storage_of(const apiserver::Catalog& catalog, const schema::KindInfo& kind) {
  return catalog.find(kind.group, kind.version, kind.plural)->storage;
}

}  // namespace faults
