// JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515), ES256 and RS256 (RFC 7518), and their key
// sets (RFC 7517).
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "io/crypto_impl.h"

namespace io {

namespace {

using base::Code;
using base::Error;
using base::Json;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

constexpr std::size_t token_bytes_max = 16 * 1024;
constexpr double leeway_seconds = 10;
constexpr int coordinate_bytes = 32;

// The algorithm of a key: "ES256", "RS256", or "" for a kind of key that we do not take.
// RFC 7518 §3.3 asks for RSA keys of 2048 bits at least.
std::string_view algorithm(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA"))
    return EVP_PKEY_get_bits(key) >= 2048 ? std::string_view("RS256") : std::string_view();
  char group[64] = "";
  if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
      std::string_view(group) == "prime256v1")
    return "ES256";
  return "";
}

std::string_view require_algorithm(EVP_PKEY* key) {
  const std::string_view found = algorithm(key);
  if (found.empty())
    throw Error(Code::invalid, "a token's key must be P-256 or RSA of at least 2048 bits");
  return found;
}

std::string key_id(EVP_PKEY* key) { return base::base64url(sha256(public_key_der(key))); }

std::string number_bytes(const BIGNUM* number, int width) {
  std::string bytes(static_cast<std::size_t>(width), '\0');
  if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), width) != width)
    throw_openssl(Code::internal, "encoding a number");
  return bytes;
}

// ---- signatures ----

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// OpenSSL's DER sequence ↔ JWS's r || s (RFC 7518 §3.4).
std::string raw_from_der(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  EcSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) throw_openssl(Code::internal, "reading a signature");
  return number_bytes(ECDSA_SIG_get0_r(signature.get()), coordinate_bytes) +
         number_bytes(ECDSA_SIG_get0_s(signature.get()), coordinate_bytes);
}

std::optional<std::string> der_from_raw(std::string_view raw) {
  if (raw.size() != 2 * coordinate_bytes) return std::nullopt;
  EcSignature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(raw), coordinate_bytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(raw) + coordinate_bytes, coordinate_bytes, nullptr);
  require(ECDSA_SIG_set0(signature.get(), r, s), "encoding a signature");
  unsigned char* out = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &out);
  if (size < 0) throw_openssl(Code::internal, "encoding a signature");
  std::string der(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return der;
}

std::string sign(EVP_PKEY* key, std::string_view input) {
  DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key), "signing");
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes_of(input), input.size()), "signing");
  std::string signature(size, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         bytes_of(input), input.size()),
          "signing");
  signature.resize(size);
  return algorithm(key) == "ES256" ? raw_from_der(signature) : signature;
}

bool signature_matches(EVP_PKEY* key, std::string_view input, std::string_view signature) {
  std::string der;
  if (algorithm(key) == "ES256") {
    auto converted = der_from_raw(signature);
    if (!converted) return false;
    der = std::move(*converted);
    signature = der;
  }
  DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key), "verifying");
  const bool matches = EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                                        bytes_of(input), input.size()) == 1;
  ERR_clear_error();  // a refusal must not be found by whoever asks OpenSSL next
  return matches;
}

// ---- key sets ----

base::JsonObject to_jwk(EVP_PKEY* key) {
  auto number = [&](const char* name, int width) {
    BIGNUM* raw = nullptr;
    require(EVP_PKEY_get_bn_param(key, name, &raw), "reading a key");
    const BigNumber value(raw);
    return base::base64url(number_bytes(raw, width > 0 ? width : BN_num_bytes(raw)));
  };
  const std::string_view alg = require_algorithm(key);
  base::JsonObject jwk{{"use", "sig"}, {"alg", alg}, {"kid", key_id(key)}};
  if (alg == "ES256") {
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    jwk["x"] = number(OSSL_PKEY_PARAM_EC_PUB_X, coordinate_bytes);
    jwk["y"] = number(OSSL_PKEY_PARAM_EC_PUB_Y, coordinate_bytes);
  } else {
    jwk["kty"] = "RSA";
    jwk["n"] = number(OSSL_PKEY_PARAM_RSA_N, 0);
    jwk["e"] = number(OSSL_PKEY_PARAM_RSA_E, 0);
  }
  return jwk;
}

Key key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    throw_openssl(Code::invalid, base::cat("reading a key set's ", type, " key"));
  return Key(key);
}

std::string member_bytes(const Json& jwk, std::string_view name) {
  auto bytes = base::parse_base64url(base::text_at(jwk, {name}));
  if (!bytes || bytes->empty())
    throw Error(Code::invalid, base::cat("a key of the set has no readable \"", name, "\""));
  return *bytes;
}

Key read_ec_jwk(const Json& jwk) {
  const std::string x = member_bytes(jwk, "x"), y = member_bytes(jwk, "y");
  if (x.size() != coordinate_bytes || y.size() != coordinate_bytes)
    throw Error(Code::invalid, "a P-256 key's coordinates must have 32 bytes");
  const std::string point = "\x04" + x + y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return key_from("EC", builder.get());
}

Key read_rsa_jwk(const Json& jwk) {
  const std::string n = member_bytes(jwk, "n"), e = member_bytes(jwk, "e");
  const BigNumber modulus(BN_bin2bn(bytes_of(n), static_cast<int>(n.size()), nullptr));
  const BigNumber exponent(BN_bin2bn(bytes_of(e), static_cast<int>(e.size()), nullptr));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return key_from("RSA", builder.get());
}

// Nothing for kinds that we do not take: another curve, encryption, a symmetric key.
Key read_jwk(const Json& jwk) {
  const std::string type = base::text_at(jwk, {"kty"});
  if (base::find_string(jwk, {"use"}).value_or("sig") != "sig") return nullptr;
  Key key;
  if (type == "EC" && base::text_at(jwk, {"crv"}) == "P-256") key = read_ec_jwk(jwk);
  if (type == "RSA") key = read_rsa_jwk(jwk);
  if (!key || algorithm(key.get()).empty()) return nullptr;
  if (base::find_string(jwk, {"alg"}).value_or(std::string(algorithm(key.get()))) !=
      algorithm(key.get()))
    return nullptr;
  return key;
}

// ---- tokens ----

[[noreturn]] void deny(const std::string& why) { throw Error(Code::denied, "token: " + why); }

struct Parts {
  std::string_view signed_input;  // header.payload
  std::string header, payload, signature;
};

std::optional<Parts> split_token(std::string_view token) {
  if (token.size() > token_bytes_max) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
  auto header = base::parse_base64url(token.substr(0, first));
  auto payload = base::parse_base64url(token.substr(first + 1, second - first - 1));
  auto signature = base::parse_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::nullopt;
  return Parts{token.substr(0, second), std::move(*header), std::move(*payload),
               std::move(*signature)};
}

Json parse_object(const std::string& text, std::string_view what) {
  try {
    Json tree = base::parse_json(text);
    if (tree.is_object()) return tree;
  } catch (const Error&) {}
  deny(base::cat(what, " is not a JSON object"));
}

// RFC 7519 §2 NumericDate; nothing when absent.
std::optional<double> seconds_at(const Json& claims, std::string_view name) {
  const Json* value = base::find(claims, {name});
  if (!value) return std::nullopt;
  if (!value->is_number()) deny(base::cat("\"", name, "\" is not a number"));
  return value->to_number<double>();
}

bool has_audience(const Json& claims, std::string_view wanted) {
  const Json* audience = base::find(claims, {"aud"});
  if (!audience) return false;
  if (audience->is_string()) return audience->get_string() == wanted;
  if (!audience->is_array()) return false;
  return std::ranges::any_of(audience->get_array(), [&](const Json& one) {
    return one.is_string() && one.get_string() == wanted;
  });
}

void check_claims(const Json& claims, const Jwks::Expect& expect) {
  const double now = static_cast<double>(expect.now.time_since_epoch().count()) / 1000;
  const auto expires = seconds_at(claims, "exp");
  if (!expires) deny("it has no expiry");
  if (!(now < *expires)) deny("it has expired");
  // Written so that what is no number in between cannot pass.
  if (auto from = seconds_at(claims, "nbf"); from && !(*from <= now + leeway_seconds))
    deny("it is not valid yet (\"nbf\")");
  if (auto issued = seconds_at(claims, "iat"); issued && !(*issued <= now + leeway_seconds))
    deny("it was issued in the future (\"iat\")");
  if (!expect.issuer.empty() && base::text_at(claims, {"iss"}) != expect.issuer)
    deny("its issuer is not " + expect.issuer);
  if (!has_audience(claims, expect.audience)) deny("its audience is not " + expect.audience);
}

}  // namespace

std::string sign_jwt(const Json& claims, const base::Secret<std::string>& key_pem) {
  const Key key = read_private_key(key_pem);
  const Json header =
      base::JsonObject{{"alg", require_algorithm(key.get())}, {"kid", key_id(key.get())}};
  const std::string input =
      base::base64url(base::to_text(header)) + "." + base::base64url(base::to_text(claims));
  return input + "." + base::base64url(sign(key.get(), input));
}

Json make_jwks(const std::vector<std::string>& keys_pem) {
  base::JsonArray keys;
  for (const auto& pem : keys_pem) {
    const Key key = read_public_key(pem);
    keys.emplace_back(to_jwk(key.get()));
  }
  return base::JsonObject{{"keys", std::move(keys)}};
}

struct Jwks::Impl {
  struct Entry {
    std::string kid;  // "" when the set gives none: tried for every token
    Key key;
  };
  std::vector<Entry> entries;
};

Jwks::Jwks() : impl_(std::make_unique<Impl>()) {}
Jwks::~Jwks() = default;
Jwks::Jwks(Jwks&&) noexcept = default;
Jwks& Jwks::operator=(Jwks&&) noexcept = default;

Jwks::Jwks(const Json& key_set) : Jwks() {
  const Json* keys = base::find(key_set, {"keys"});
  if (!keys || !keys->is_array())
    throw Error(Code::invalid, "a key set must be an object with the list \"keys\" (RFC 7517)");
  for (const Json& jwk : keys->get_array())
    if (Key key = read_jwk(jwk))
      impl_->entries.push_back({base::text_at(jwk, {"kid"}), std::move(key)});
}

bool Jwks::has(std::string_view kid) const {
  return std::ranges::any_of(impl_->entries, [&](const auto& entry) { return entry.kid == kid; });
}

Json Jwks::verify(std::string_view token, const Expect& expect) const {
  const auto parts = split_token(token);
  if (!parts) deny("it is not three base64url parts");
  const Json header = parse_object(parts->header, "its header");
  if (base::find(header, {"crit"})) deny("its header has critical extensions that we do not know");
  const std::string kid = base::text_at(header, {"kid"});
  const std::string alg = base::text_at(header, {"alg"});

  bool known = false;
  for (const auto& entry : impl_->entries) {
    if (!kid.empty() && !entry.kid.empty() && kid != entry.kid) continue;
    if (algorithm(entry.key.get()) != alg) continue;  // the key decides, the header must agree
    known = true;
    if (!signature_matches(entry.key.get(), parts->signed_input, parts->signature)) continue;
    Json claims = parse_object(parts->payload, "its payload");
    check_claims(claims, expect);
    return claims;
  }
  if (!known) deny(base::cat("no key for kid \"", base::clip(kid, 64), "\" and its algorithm"));
  deny("its signature does not match");
}

std::string peek_kid(std::string_view token) {
  const auto parts = split_token(token);
  if (!parts) return "";
  try {
    return base::text_at(base::parse_json(parts->header), {"kid"});
  } catch (const Error&) {
    return "";
  }
}

}  // namespace io
