// Our own API server in this process: TLS on a loopback port, a certificate authority of its own,
// an objects.db in a temporary folder.
#include <filesystem>
#include <map>

#include "apiserver/object_log.h"
#include "apiserver/server.h"
#include "base/encoding.h"
#include "base/text.h"
#include "contract/provider.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/tls.h"

namespace contract {

namespace {

class Quiet final : public base::Log {
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level < base::Level::error) return;
    std::string line(message);
    for (const auto& [key, value] : fields) line += base::cat(" ", key, "=", value);
    std::fprintf(stderr, "%s\n", line.c_str());
  }
};

class OwnProvider final : public Provider {
 public:
  OwnProvider(io::Loop& loop, base::Clock& clock, base::Random& random, Dial journal)
      : loop_(loop),
        clock_(clock),
        objects_(loop, clock, directory_ + "/objects.db"),
        server_(loop, clock, random, log_, objects_, make_tokens(),
                make_settings(std::move(journal)), {}, {}),
        http_(loop, clock, log_, io::ServerLimits{}, server_.handler()),
        listener_(io::listen_tcp(loop, "127.0.0.1", 0)),
        tasks_(loop) {
    loop_.run(server_.bootstrap());
    auto tls = make_tls();
    tasks_.spawn("serve", http_.serve(*listener_, tls));
  }

  ~OwnProvider() override {
    auto end = [](OwnProvider& self) -> io::Task<> {
      co_await self.server_.stop();
      self.listener_->close();
      self.tasks_.stop();
      co_await self.tasks_.join();
    };
    loop_.run(end(*this));
    objects_.close();
    std::filesystem::remove_all(directory_);
  }

  std::string kubeconfig(const std::string& user, const std::vector<std::string>& groups) override {
    auto path = base::cat(directory_, "/", base::url_escape(user), ".kubeconfig");
    if (std::filesystem::exists(path)) return path;
    auto key = io::make_p256_key();
    auto certificate = issue(user, groups, io::CertificateRequest::Use::client, key);
    auto text = base::cat(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: \"https://127.0.0.1:",
        listener_->port(), "\", certificate-authority-data: ", base::base64(ca_), "}}]\n",
        "users: [{name: u, user: {client-certificate-data: ", base::base64(certificate),
        ", client-key-data: ", base::base64(key.reveal()), "}}]\n");
    io::write_file(path, text, 0600);
    return path;
  }
  bool is_own() const override { return true; }

 private:
  std::string issue(const std::string& name, const std::vector<std::string>& organizations,
                    io::CertificateRequest::Use use, const base::Secret<std::string>& key) const {
    io::CertificateRequest request;
    request.common_name = name;
    request.organizations = organizations;
    request.use = use;
    request.not_before = clock_.now() - std::chrono::hours(1);
    request.not_after = clock_.now() + std::chrono::hours(24);
    if (use == io::CertificateRequest::Use::server) {
      request.ips = {"127.0.0.1"};
      request.dns_names = {"localhost", "kubernetes.default.svc"};
    }
    if (use == io::CertificateRequest::Use::ca)
      return io::issue_certificate(request, key, "", base::Secret<std::string>());
    return io::issue_certificate(request, key, ca_, ca_key_);
  }
  apiserver::TokenSettings make_tokens() const {
    apiserver::TokenSettings tokens;
    tokens.key_pem = io::make_p256_key();
    return tokens;
  }
  apiserver::ServerSettings make_settings(Dial journal) const {
    apiserver::ServerSettings settings;
    settings.journal_dialer = std::move(journal);
    settings.ca_pem = ca_;
    return settings;
  }
  std::shared_ptr<io::TlsServerContext> make_tls() const {
    auto key = io::make_p256_key();
    auto certificate = issue("kube-apiserver", {}, io::CertificateRequest::Use::server, key);
    return io::make_context(io::TlsServer{{certificate, key}, ca_});
  }

  io::Loop& loop_;
  base::Clock& clock_;
  std::string directory_ = [] {
    auto path = (std::filesystem::temp_directory_path() / "contract-XXXXXX").string();
    return std::string(mkdtemp(path.data()));
  }();
  base::Secret<std::string> ca_key_ = io::make_p256_key();
  std::string ca_ = issue("contract-ca", {}, io::CertificateRequest::Use::ca, ca_key_);
  Quiet log_;
  apiserver::SqliteObjectLog objects_;
  apiserver::ApiServer server_;
  io::HttpServer http_;
  std::unique_ptr<io::Listener> listener_;
  io::TaskGroup tasks_;
};

}  // namespace

std::unique_ptr<Provider> make_own_provider(io::Loop& loop, base::Clock& clock,
                                            base::Random& random, Dial journal) {
  return std::make_unique<OwnProvider>(loop, clock, random, std::move(journal));
}

}  // namespace contract
