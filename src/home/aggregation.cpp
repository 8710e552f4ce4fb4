#include "home/aggregation.h"

#include "base/encoding.h"
#include "base/text.h"
#include "home/manifests.h"
#include "objects/kinds.h"
#include "protocol/journal_api.h"

namespace home {

using base::cat;
using base::Json;
using base::JsonObject;

namespace {

constexpr schema::KindInfo api_service{.group = "apiregistration.k8s.io",
                                       .version = "v1",
                                       .kind = "APIService",
                                       .plural = "apiservices",
                                       .singular = "apiservice",
                                       .scope = schema::Scope::cluster};
constexpr schema::KindInfo service{
    .group = "", .version = "v1", .kind = "Service", .plural = "services", .singular = "service"};
constexpr std::string_view service_name = "sympozium-journal";

std::string api_service_name() {
  return cat(protocol::journal_version, ".", protocol::journal_group);
}

// Makes it, or brings its spec to this content.
io::Task<> declare(kube::Api& api, kube::Ref ref, Json object) {
  const Json spec = object.at("spec");
  bool there = false;
  try {
    co_await api.create(ref, std::move(object), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::exists) throw;
    there = true;
  }
  if (!there) co_return;
  Json patch = JsonObject{{"spec", spec}};
  co_await api.patch(std::move(ref), std::move(patch), {});
}

}  // namespace

std::string journal_host() { return cat(service_name, ".", ns_system, ".svc"); }

io::Task<std::optional<FrontProxy>> find_front_proxy(kube::Api& api) {
  kube::Ref where{objects::find_kind("", "configmaps"), "kube-system",
                  "extension-apiserver-authentication", ""};
  const Json map = co_await api.get(std::move(where), {});
  FrontProxy proxy{.ca_pem = base::text_at(map, {"data", "requestheader-client-ca-file"})};
  if (proxy.ca_pem.empty()) co_return std::nullopt;
  const std::string names = base::text_at(map, {"data", "requestheader-allowed-names"});
  const Json list = base::parse_json(names.empty() ? "[]" : names);
  for (const Json& name : list.as_array()) proxy.names.emplace_back(name.as_string());
  co_return proxy;
}

io::Task<> register_journal(kube::Api& api, std::uint16_t port, std::string ca_pem) {
  const std::string ns(ns_system);
  kube::Ref place{&service, ns, std::string(service_name), ""};
  Json local = JsonObject{{"apiVersion", "v1"},
                          {"kind", "Service"},
                          {"metadata", {{"name", service_name}, {"namespace", ns}}},
                          {"spec", {{"type", "ExternalName"}, {"externalName", "localhost"}}}};
  co_await declare(api, std::move(place), std::move(local));
  kube::Ref ref{&api_service, "", api_service_name(), ""};
  Json wanted =
      JsonObject{{"apiVersion", "apiregistration.k8s.io/v1"},
                 {"kind", "APIService"},
                 {"metadata", {{"name", api_service_name()}}},
                 {"spec",
                  {{"group", protocol::journal_group},
                   {"version", protocol::journal_version},
                   {"groupPriorityMinimum", 1000},
                   {"versionPriority", 10},
                   {"caBundle", base::base64(ca_pem)},
                   {"service", {{"namespace", ns}, {"name", service_name}, {"port", port}}}}}};
  co_await declare(api, std::move(ref), std::move(wanted));
}

io::Task<> unregister_journal(kube::Api& api) {
  kube::Ref ref{&api_service, "", api_service_name(), ""};
  try {
    co_await api.remove(std::move(ref), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
  }
}

}  // namespace home
