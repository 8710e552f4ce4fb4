#include "home/credentials.h"

#include <functional>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "io/crypto.h"

namespace home {

using Use = io::CertificateRequest::Use;

namespace {

constexpr auto year = std::chrono::hours(24 * 365);
constexpr auto backdate =
    std::chrono::hours(1);  // clocks of one machine agree, those of its guests may not

Credential keep_credential(const Layout& layout, base::Clock& clock, const std::string& name,
                           const std::function<Credential()>& make) {
  if (auto known = find_credential(layout, clock, name)) return std::move(*known);
  Credential fresh = make();
  write_credential(layout, name, fresh);
  return fresh;
}

}  // namespace

Authority::Authority(const Layout& layout, base::Clock& clock) : layout_(layout), clock_(clock) {
  ca_ = keep_credential(layout, clock, "ca", [&] {
    io::CertificateRequest request{.common_name = "sympozium-ca", .use = Use::ca};
    request.not_before = clock_.now() - backdate;
    request.not_after = clock_.now() + 10 * year;
    auto key = io::make_p256_key();
    return Credential{io::issue_certificate(request, key, "", base::Secret<std::string>()),
                      key.reveal()};
  });
}

std::optional<Credential> find_credential(const Layout& layout, base::Clock& clock,
                                          const std::string& name) {
  auto certificate = io::find_file(layout.path("pki/" + name + ".crt"));
  auto key = io::find_file(layout.path("pki/" + name + ".key"));
  if (!certificate || !key || io::certificate_expiry(*certificate) < clock.now() + year / 3)
    return {};
  return Credential{std::move(*certificate), std::move(*key)};
}

void write_credential(const Layout& layout, const std::string& name, const Credential& credential) {
  // The key first: a certificate without its key would be taken for whole.
  io::write_file(layout.path("pki/" + name + ".key"), credential.key_pem, 0600, io::Durable::yes);
  io::write_file(layout.path("pki/" + name + ".crt"), credential.certificate_pem, 0600,
                 io::Durable::yes);
}

Credential Authority::client(const std::string& name, const std::string& common_name,
                             const std::vector<std::string>& organizations) {
  return keep_credential(layout_, clock_, name, [&] {
    io::CertificateRequest request{
        .common_name = common_name, .organizations = organizations, .use = Use::client};
    request.not_before = clock_.now() - backdate;
    request.not_after = clock_.now() + year;
    auto key = io::make_p256_key();
    auto certificate = io::issue_certificate(request, key, ca_.certificate_pem,
                                             base::Secret<std::string>(ca_.key_pem));
    return Credential{std::move(certificate), key.reveal()};
  });
}

Credential Authority::server(const std::string& name, std::vector<std::string> dns_names) {
  return keep_credential(layout_, clock_, name, [&] {
    io::CertificateRequest request{.common_name = dns_names.front(),
                                   .dns_names = std::move(dns_names),
                                   .ips = {"127.0.0.1"},
                                   .use = Use::server};
    request.dns_names.emplace_back("localhost");
    request.not_before = clock_.now() - backdate;
    request.not_after = clock_.now() + year;
    auto key = io::make_p256_key();
    auto certificate = io::issue_certificate(request, key, ca_.certificate_pem,
                                             base::Secret<std::string>(ca_.key_pem));
    return Credential{std::move(certificate), key.reveal()};
  });
}

std::string Authority::signing_key(const std::string& name) {
  const std::string path = layout_.path("pki/" + name + ".key");
  if (auto old = io::find_file(path)) return *old;
  auto key = io::make_p256_key();
  io::write_file(path, key.reveal(), 0600, io::Durable::yes);
  return key.reveal();
}

std::string format_kubeconfig(const std::string& server_url, const std::string& ca_pem,
                              const Credential& credential) {
  constexpr std::string_view name = "sympozium";
  // JSON is YAML; kubectl reads it as such.
  const base::Json config{
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"clusters",
       {{{"name", name},
         {"cluster",
          {{"server", server_url}, {"certificate-authority-data", base::base64(ca_pem)}}}}}},
      {"users",
       {{{"name", name},
         {"user",
          {{"client-certificate-data", base::base64(credential.certificate_pem)},
           {"client-key-data", base::base64(credential.key_pem)}}}}}},
      {"contexts", {{{"name", name}, {"context", {{"cluster", name}, {"user", name}}}}}},
      {"current-context", name}};
  return base::to_text(config) + "\n";
}

}  // namespace home
