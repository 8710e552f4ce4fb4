// What is not a resource: discovery, version, health, OpenAPI, the token issuer's keys.
#include <algorithm>

#include "apiserver/context.h"
#include "apiserver/discovery.h"
#include "apiserver/protobuf.h"
#include "base/text.h"
#include "io/crypto.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonObject;

namespace {

// The apidiscovery.k8s.io version that the client asks for before plain JSON, "" when none.
std::string aggregated_version(std::string_view accept) {
  for (const auto& media : parse_accept(accept)) {
    if (media.type != "application/json") continue;
    auto version = media.get("v");
    if (media.get("g") == "apidiscovery.k8s.io" && media.get("as") == "APIGroupDiscoveryList" &&
        (version == "v2" || version == "v2beta1"))
      return version;
    if (media.get("as").empty()) return "";
  }
  return "";
}

JsonObject describe_version(const std::string& version) {
  auto parts = base::split(std::string_view(version).substr(1), '.');
  return {
      {"major", parts.at(0)}, {"minor", parts.at(1)},    {"gitVersion", cat(version, "+sympozium")},
      {"gitCommit", ""},      {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
      {"goVersion", ""},      {"compiler", "clang"},     {"platform", "linux/amd64"}};
}

std::optional<Json> find_document(Context& context, const std::vector<std::string>& parts) {
  const auto& catalog = context.catalog;
  auto count = parts.size();
  if (count == 0) {
    return JsonObject{
        {"paths", base::JsonArray{"/api", "/apis", "/healthz", "/livez", "/openapi/v2",
                                  "/openapi/v3", "/readyz", "/version"}}};
  }
  const auto& first = parts[0];
  if (first == "api" && count == 1) return make_api_versions();
  if (first == "api" && count == 2) return make_resource_list(catalog, "", parts[1]);
  if (first == "apis" && count == 1) return make_group_list(catalog);
  if (first == "apis" && count == 2) return make_group(catalog, parts[1]);
  if (first == "apis" && count == 3) return make_resource_list(catalog, parts[1], parts[2]);
  if (first == "version" && count == 1) return describe_version(context.settings.version);
  if (first == "openapi" && count == 2 && parts[1] == "v2") return make_openapi_v2(catalog);
  if (first == "openapi" && count >= 2 && parts[1] == "v3") {
    if (count == 2) return make_openapi_index(catalog);
    if (count == 4 && parts[2] == "api") return make_openapi(catalog, "", parts[3]);
    if (count == 5 && parts[2] == "apis") return make_openapi(catalog, parts[3], parts[4]);
  }
  if (first == "openid" && count == 3 && parts[1] == "v1" && parts[2] == "jwks")
    return context.authenticator.jwks();
  if (first == ".well-known" && count == 2 && parts[1] == "openid-configuration")
    return context.authenticator.discovery();
  return {};
}

// A document that clients keep: its hash is its ETag (RFC 9110 §13.1.2).
io::Task<> answer_cached(Call& call, std::string body, std::string type) {
  auto tag = cat("\"", io::sha256_hex(body), "\"");
  bool known = call.exchange.headers().get("If-None-Match") == tag;
  call.headers.set("ETag", tag);
  call.headers.set("Vary", "Accept");
  co_await answer(call, known ? 304 : 200, known ? std::string() : std::move(body),
                  std::move(type));
}

// The key set has a media type of its own and is sent as nothing else, as kube-apiserver does it.
void check_accepts_keys(const Call& call) {
  auto types = parse_accept(call.exchange.headers().get("Accept"));
  for (const auto& media : types)
    if (media.type == "*/*" || media.type == "application/*" ||
        media.type == "application/jwk-set+json")
      return;
  if (!types.empty()) throw not_acceptable({"application/jwk-set+json"});
}

// Older clients ask for it by this name, newer ones by one that is no media type.
constexpr std::string_view openapi_protobuf =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

bool accepts_openapi_protobuf(const Call& call) {
  return std::ranges::any_of(
      parse_accept(call.exchange.headers().get("Accept")), [](const MediaType& media) {
        return media.type.starts_with("application/com.github.proto-openapi.spec.v2");
      });
}

// The constant document of a path, made when it is first asked for; null when there is none.
const std::string* find_text(Context& context, const std::vector<std::string>& parts,
                             const std::string& aggregated) {
  auto key = cat(base::join(parts, "/"), ";", aggregated);
  if (auto known = context.documents.find(key); known != context.documents.end())
    return &known->second;
  std::optional<Json> document;
  if (!aggregated.empty()) {
    document = make_aggregated(context.catalog, parts[0] == "api", aggregated);
  } else {
    document = find_document(context, parts);
  }
  if (!document) return nullptr;
  return &(context.documents[key] = base::to_text(*document));
}

}  // namespace

io::Task<> serve_path(Context& context, Call& call) {
  if (call.exchange.method() != "GET" && call.exchange.method() != "HEAD")
    throw method_not_allowed();
  std::vector<std::string> parts;
  for (auto& part : base::split(call.target.path, '/'))
    if (!part.empty()) parts.push_back(std::move(part));
  std::string first = parts.empty() ? "" : parts[0];
  if (first == "healthz" || first == "livez" || first == "readyz") {
    co_await answer(call, 200, "ok", "text/plain; charset=utf-8");
    co_return;
  }
  std::string aggregated;
  if (parts.size() == 1 && (first == "api" || first == "apis"))
    aggregated = aggregated_version(call.exchange.headers().get("Accept"));
  auto text = find_text(context, parts, aggregated);
  if (!text) {
    co_await answer(call, 404, "404 page not found\n", "text/plain; charset=utf-8");
    co_return;
  }
  std::string type = "application/json";
  if (!aggregated.empty())
    type =
        cat("application/json;g=apidiscovery.k8s.io;v=", aggregated, ";as=APIGroupDiscoveryList");
  if (first == "openid") {
    check_accepts_keys(call);
    type = "application/jwk-set+json";
  }
  std::string body = *text;
  if (first == "openapi" && parts.size() == 2 && parts[1] == "v2" &&
      accepts_openapi_protobuf(call)) {
    body = encode_openapi_v2(base::parse_json(body));
    type = openapi_protobuf;
  }
  co_await answer_cached(call, std::move(body), std::move(type));
}

}  // namespace apiserver
