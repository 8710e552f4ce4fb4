#include "home/enroll.h"

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "objects/kinds.h"
#include "objects/rbac.h"

namespace home {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

constexpr schema::KindInfo request_kind{.group = "certificates.k8s.io",
                                        .version = "v1",
                                        .kind = "CertificateSigningRequest",
                                        .plural = "certificatesigningrequests",
                                        .singular = "certificatesigningrequest",
                                        .scope = schema::Scope::cluster};
constexpr base::Duration sign_limit{30'000};

Json make_request(const std::string& name, const std::string& pem, const std::string& signer) {
  const JsonArray usages{"digital signature", "client auth"};
  return JsonObject{
      {"apiVersion", "certificates.k8s.io/v1"},
      {"kind", "CertificateSigningRequest"},
      {"metadata", {{"name", name}}},
      {"spec", {{"request", base::base64(pem)}, {"signerName", signer}, {"usages", usages}}}};
}

Json make_approval() {
  const JsonObject approved{{"type", "Approved"},
                            {"status", "True"},
                            {"reason", "SympoziumUp"},
                            {"message", "asked for by the one who approves"}};
  return JsonObject{{"status", {{"conditions", JsonArray{approved}}}}};
}

// The signed certificate; "" as long as there is none. Error(denied) when there will be none.
std::string certificate_in(const Json& request) {
  if (const auto* list = base::find(request, {"status", "conditions"}); list && list->is_array())
    for (const Json& condition : list->get_array())
      if (base::text_at(condition, {"type"}) != "Approved")
        throw base::Error(base::Code::denied, cat("the cluster's signer refuses ",
                                                  base::text_at(request, {"metadata", "name"}),
                                                  ": ", base::text_at(condition, {"message"})));
  return base::parse_base64(base::text_at(request, {"status", "certificate"})).value_or("");
}

io::Task<std::string> await_certificate(kube::Api& api, std::string name) {
  kube::Ref one{&request_kind, "", name, ""}, all{&request_kind, "", "", ""};
  const Json now = co_await api.get(std::move(one), {});
  std::string certificate = certificate_in(now);
  kube::WatchOptions options;
  options.field_selector = "metadata.name=" + name;
  options.resource_version = base::text_at(now, {"metadata", "resourceVersion"});
  auto changes = co_await api.watch(std::move(all), std::move(options));
  while (certificate.empty()) {
    auto change = co_await changes->next();
    if (!change) throw base::Error(base::Code::unavailable, "the watch of " + name + " ended");
    if (change->type == kube::WatchEvent::Type::modified)
      certificate = certificate_in(change->object);
  }
  co_return certificate;
}

}  // namespace

io::Task<Credential> enroll(base::Clock& clock, kube::Api& api, Enrolment who) {
  const auto key = io::make_p256_key();
  const std::string pem = io::make_certificate_request(
      {.common_name = who.common_name, .organizations = who.organizations, .use = {}}, key);
  const std::string name = cat("sympozium-", io::sha256_hex(pem).substr(0, 16));
  kube::Ref one{&request_kind, "", name, ""};
  kube::Ref approval{&request_kind, "", name, "approval"};
  Json request = make_request(name, pem, who.signer);
  Json approved = make_approval();
  co_await api.create(one, std::move(request), {});
  co_await api.patch(std::move(approval), std::move(approved), {});
  Credential out;
  out.key_pem = key.reveal();
  out.certificate_pem = co_await io::within(
      clock, sign_limit, cat("waiting for signer ", who.signer), await_certificate(api, name));
  co_await api.remove(std::move(one), {});
  co_return out;
}

io::Task<std::string> client_ca(kube::Api& api) {
  kube::Ref where{objects::find_kind("", "configmaps"), "kube-system",
                  "extension-apiserver-authentication", ""};
  const Json map = co_await api.get(std::move(where), {});
  std::string pem = base::text_at(map, {"data", "client-ca-file"});
  if (pem.empty())
    throw base::Error(
        base::Code::not_found,
        "ConfigMap kube-system/extension-apiserver-authentication: no client-ca-file");
  co_return pem;
}

io::Task<> check_installed(kube::Api& api) {
  std::string missing;
  for (const auto* kind : objects::own_kinds()) {
    kube::Ref collection{kind, "", "", ""};
    kube::ListOptions one{.limit = 1};
    try {
      co_await api.list(std::move(collection), std::move(one));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::not_found) throw;
      missing = cat("kind ", kind->kind);
    }
  }
  for (const char* role : {"sympozium-controller", "sympozium-gateway"}) {
    kube::Ref ref{&objects::ClusterRole::info, "", role, ""};
    auto found = co_await kube::find(api, std::move(ref));
    if (!found) missing = cat("ClusterRole ", role);
  }
  if (!missing.empty())
    throw base::Error(base::Code::invalid,
                      cat("the cluster has no ", missing,
                          "; apply what it needs first: sympozium manifests | kubectl apply -f -"));
}

}  // namespace home
