#include "apiserver/authn.h"

#include "apiserver/status.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::string_view private_claims = "kubernetes.io";

std::int64_t seconds_of(base::Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

JsonObject reference(const std::string& name, const std::string& uid) {
  return {{"name", name}, {"uid", uid}};
}

User user_of(const io::Peer& peer) {
  User user;
  user.name = *peer.common_name;
  user.groups = peer.organizations;
  user.groups.emplace_back(group_authenticated);
  return user;
}

}  // namespace

Authenticator::Authenticator(const Store& store, base::Clock& clock, base::Random& random,
                             TokenSettings settings)
    : store_(store),
      clock_(clock),
      random_(random),
      settings_(std::move(settings)),
      key_set_(io::make_jwks({settings_.key_pem.reveal()})),
      keys_(key_set_) {}

User Authenticator::authenticate(const io::Peer& peer, std::string_view authorization) const {
  if (peer.common_name) return user_of(peer);
  if (authorization.empty()) {
    User user;
    user.name = user_anonymous;
    user.groups.emplace_back(group_unauthenticated);
    return user;
  }
  constexpr std::string_view scheme = "bearer ";
  if (base::lower(authorization.substr(0, scheme.size())) != scheme) throw unauthorized();
  auto owner = review(base::trim(authorization.substr(scheme.size())), settings_.audiences);
  if (!owner) throw unauthorized();
  return std::move(owner->user);
}

std::optional<TokenOwner> Authenticator::review(std::string_view token,
                                                const std::vector<std::string>& audiences) const {
  Json claims;
  bool verified = false;
  for (const auto& audience : audiences) {
    try {
      claims = keys_.verify(token, {settings_.issuer, audience, clock_.now()});
      verified = true;
      break;
    } catch (const base::Error&) {
      // the next audience may be the one
    }
  }
  if (!verified) return {};
  auto ns = text_at(claims, {private_claims, "namespace"});
  auto name = text_at(claims, {private_claims, "serviceaccount", "name"});
  auto uid = text_at(claims, {private_claims, "serviceaccount", "uid"});
  auto account = store_.find({"serviceaccounts", ns, name});
  if (!account || account->uid != uid) return {};
  TokenOwner owner;
  owner.user.name = cat(service_account_prefix, ns, ":", name);
  owner.user.uid = uid;
  owner.user.groups = {"system:serviceaccounts", cat("system:serviceaccounts:", ns),
                       std::string(group_authenticated)};
  owner.user.extra["authentication.kubernetes.io/credential-id"] = {
      cat("JTI=", text_at(claims, {"jti"}))};
  for (auto [kind, storage] : {std::pair{"pod", "pods"}, std::pair{"secret", "secrets"}}) {
    auto bound = text_at(claims, {private_claims, kind, "name"});
    if (bound.empty()) continue;
    auto bound_uid = text_at(claims, {private_claims, kind, "uid"});
    auto object = store_.find({storage, ns, bound});
    if (!object || object->uid != bound_uid) return {};
    if (std::string_view(kind) == "pod") {
      owner.user.extra["authentication.kubernetes.io/pod-name"] = {bound};
      owner.user.extra["authentication.kubernetes.io/pod-uid"] = {bound_uid};
    }
  }
  if (auto node = text_at(claims, {private_claims, "node", "name"}); !node.empty()) {
    owner.user.extra["authentication.kubernetes.io/node-name"] = {node};
    owner.user.extra["authentication.kubernetes.io/node-uid"] = {
        text_at(claims, {private_claims, "node", "uid"})};
  }
  if (auto list = base::find(claims, {"aud"}); list && list->is_array())
    for (const auto& audience : list->get_array())
      if (audience.is_string()) owner.audiences.emplace_back(audience.get_string());
  return owner;
}

Authenticator::Token Authenticator::issue(const TokenRequest& request) {
  auto now = clock_.now();
  auto seconds = std::min(request.seconds, settings_.seconds_max);
  auto expires = now + std::chrono::seconds(seconds);
  JsonArray audiences;
  for (const auto& audience : request.audiences.empty() ? settings_.audiences : request.audiences)
    audiences.emplace_back(audience);
  JsonObject own{{"namespace", request.ns},
                 {"serviceaccount", reference(request.account, request.account_uid)}};
  if (!request.pod.empty()) own["pod"] = reference(request.pod, request.pod_uid);
  if (!request.node.empty()) own["node"] = reference(request.node, request.node_uid);
  if (!request.secret.empty()) own["secret"] = reference(request.secret, request.secret_uid);
  JsonObject claims{{"aud", std::move(audiences)},
                    {"exp", seconds_of(expires)},
                    {"iat", seconds_of(now)},
                    {"iss", settings_.issuer},
                    {"jti", base::random_uuid(random_)},
                    {private_claims, std::move(own)},
                    {"nbf", seconds_of(now)},
                    {"sub", cat(service_account_prefix, request.ns, ":", request.account)}};
  return {io::sign_jwt(claims, settings_.key_pem), expires};
}

Json Authenticator::jwks() const { return key_set_; }

Json Authenticator::discovery() const {
  return JsonObject{{"issuer", settings_.issuer},
                    {"jwks_uri", cat(settings_.issuer, "/openid/v1/jwks")},
                    {"response_types_supported", JsonArray{"id_token"}},
                    {"subject_types_supported", JsonArray{"public"}},
                    {"id_token_signing_alg_values_supported", JsonArray{"ES256"}}};
}

}  // namespace apiserver
