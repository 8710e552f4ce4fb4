#include "gateway/identity.h"

#include "base/text.h"
#include "protocol/names.h"

namespace gateway {

namespace {

constexpr base::Duration refresh_pause{10'000};
constexpr std::size_t remembered_max = 4096;

}  // namespace

PodIdentity pod_of(const base::Json& claims) {
  PodIdentity out;
  out.ns = base::text_at(claims, {"kubernetes.io", "namespace"});
  out.pod = base::text_at(claims, {"kubernetes.io", "pod", "name"});
  out.uid = base::text_at(claims, {"kubernetes.io", "pod", "uid"});
  if (out.ns.empty() || out.uid.empty())
    throw base::Error(base::Code::denied, "the token is not bound to a pod");
  return out;
}

TokenVerifier::TokenVerifier(base::Clock& clock, base::Log& log, kube::Api& api)
    : clock_(clock), log_(log), api_(api) {}

io::Task<PodIdentity> TokenVerifier::verify(std::string authorization) {
  constexpr std::string_view scheme = "Bearer ";
  if (!authorization.starts_with(scheme)) throw base::Error(base::Code::denied, "no bearer token");
  const std::string token = authorization.substr(scheme.size());
  std::string hash = io::sha256(token);
  if (const auto known = verified_.find(hash);
      known != verified_.end() && now_seconds() < known->second.expires)
    co_return known->second.pod;
  if (!keys_.has(io::peek_kid(token))) co_await refresh();
  const base::Json claims =
      keys_.verify(token, {.issuer = issuer_,
                           .audience = std::string(protocol::audience_gateway),
                           .now = clock_.now()});
  Verified verified{pod_of(claims), base::find_int(claims, {"exp"}).value_or(0)};
  remember(std::move(hash), verified);
  co_return std::move(verified.pod);
}

void TokenVerifier::remember(std::string token_hash, Verified verified) {
  if (verified_.size() >= remembered_max)
    std::erase_if(verified_,
                  [now = now_seconds()](const auto& known) { return known.second.expires <= now; });
  if (verified_.size() < remembered_max) verified_[std::move(token_hash)] = std::move(verified);
}

std::int64_t TokenVerifier::now_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
}

io::Task<> TokenVerifier::refresh() {
  const auto asked = clock_.steady();
  auto turn = co_await fetching_.acquire();
  if (fetched_ && (*fetched_ >= asked || clock_.steady() - *fetched_ < refresh_pause)) co_return;
  base::Json provider, key_set;
  std::string why;
  try {
    provider = co_await api_.get_path("/.well-known/openid-configuration");
    key_set = co_await api_.get_path("/openid/v1/jwks");
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    why = error.what();
  }
  // Also when it forbids: an API server that has just started does not know our rights yet.
  if (!why.empty()) throw base::Error(base::Code::unavailable, "the keys of tokens: " + why);
  keys_ = io::Jwks(key_set);
  verified_.clear();
  issuer_ = base::text_at(provider, {"issuer"});
  fetched_ = clock_.steady();
  log_.info("token keys fetched", {{"issuer", issuer_}});
}

}  // namespace gateway
