#include <gtest/gtest.h>

#include "base/encoding.h"
#include "io/crypto.h"

namespace io {
namespace {

using namespace std::chrono_literals;
using base::Json;
using base::JsonArray;
using base::JsonObject;

// RFC 7515 appendices A.2 (RS256) and A.3 (ES256): keys without kid, one payload.
constexpr auto rfc_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
constexpr auto rfc_rs256_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7"
    "AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"
    "BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"
    "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"
    "p0igcN_IoypGlUPQGe77Rw";
constexpr auto rfc_es256_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
    "pmWQxfKTUJqPP3-Kg6NU1Q";
constexpr auto rfc_modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp"
    "-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW"
    "vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs"
    "LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"
    "G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
    "PAcDTW9gb54h4FRWyuXpoQ";

Jwks rfc_keys() {
  const JsonObject rsa{{"kty", "RSA"}, {"n", rfc_modulus}, {"e", "AQAB"}};
  const JsonObject ec{{"kty", "EC"},
                      {"crv", "P-256"},
                      {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
                      {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}};
  const JsonObject symmetric{{"kty", "oct"}, {"k", "c2VjcmV0"}};
  return Jwks(JsonObject{{"keys", JsonArray{rsa, ec, symmetric}}});
}

std::string why_refused(const Jwks& keys, const std::string& token, const Jwks::Expect& expect) {
  try {
    keys.verify(token, expect);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::denied);
    return error.what();
  }
  return "accepted";
}

// The payload names no audience, which we demand, and is refused for that only after its signature
// and its times were found good.
TEST(Jwt, VerifiesTheSignaturesOfRfc7515) {
  const Jwks keys = rfc_keys();
  const Jwks::Expect then{"joe", "someone", base::Time(1'300'819'379s)};
  for (auto [header, signature] : {std::pair{R"({"alg":"RS256"})", rfc_rs256_signature},
                                   std::pair{R"({"alg":"ES256"})", rfc_es256_signature}}) {
    std::string token = base::base64url(header) + "." + rfc_payload + "." + signature;
    EXPECT_EQ(why_refused(keys, token, then), "token: its audience is not someone");
    const Jwks::Expect later{"joe", "someone", base::Time(1'300'819'380s)};
    EXPECT_EQ(why_refused(keys, token, later), "token: it has expired");
    token[30] ^= 1;
    EXPECT_NE(why_refused(keys, token, then), "token: its audience is not someone");
  }
}

class SignedToken : public ::testing::TestWithParam<std::string> {
 protected:
  SignedToken() : key_(GetParam() == "ES256" ? make_p256_key() : make_rsa_key(2048)) {}
  JsonObject claims() const {
    return {{"iss", "https://issuer"},
            {"aud", JsonArray{"other", "sympozium-gateway"}},
            {"sub", "x"},
            {"exp", 1'800'000'600},
            {"nbf", 1'800'000'000},
            {"iat", 1'800'000'000}};
  }
  std::string refusal(const Json& claims, base::Time now) const {
    return why_refused(Jwks(make_jwks({public_key_pem(key_)})), sign_jwt(claims, key_),
                       {"https://issuer", "sympozium-gateway", now});
  }
  const base::Time now_ = base::Time(1'800'000'100s);
  const base::Secret<std::string> key_;
};

TEST_P(SignedToken, IsAcceptedWithItsClaims) {
  const std::string token = sign_jwt(claims(), key_);
  const Jwks keys(make_jwks({key_.reveal()}));  // reduced to its public half
  EXPECT_EQ(keys.verify(token, {"https://issuer", "sympozium-gateway", now_}), Json(claims()));
  EXPECT_TRUE(keys.has(peek_kid(token)));
  EXPECT_EQ(base::to_text(make_jwks({key_.reveal()})).find("\"d\""), std::string::npos);
}

TEST_P(SignedToken, IsRefusedOutsideItsTime) {
  EXPECT_EQ(refusal(claims(), base::Time(1'800'000'600s)), "token: it has expired");
  EXPECT_EQ(refusal(claims(), base::Time(1'799'999'990s)), "accepted");
  EXPECT_EQ(refusal(claims(), base::Time(1'799'999'989s)), "token: it is not valid yet (\"nbf\")");
  auto endless = claims();
  endless.erase("exp");
  EXPECT_EQ(refusal(endless, now_), "token: it has no expiry");
  endless["exp"] = "1800000600";
  EXPECT_EQ(refusal(endless, now_), "token: \"exp\" is not a number");
}

TEST_P(SignedToken, IsRefusedForOthers) {
  auto changed = claims();
  changed["aud"] = "other";
  EXPECT_EQ(refusal(changed, now_), "token: its audience is not sympozium-gateway");
  changed = claims();
  changed["iss"] = "https://elsewhere";
  EXPECT_EQ(refusal(changed, now_), "token: its issuer is not https://issuer");
}

TEST_P(SignedToken, IsRefusedWhenForged) {
  const Jwks keys(make_jwks({public_key_pem(key_)}));
  const Jwks::Expect expect{"https://issuer", "sympozium-gateway", now_};
  const std::string token = sign_jwt(claims(), key_);
  const auto dot = token.rfind('.');

  auto other = claims();
  other["sub"] = "admin";
  const std::string kid = peek_kid(token);
  const std::string header = token.substr(0, token.find('.'));
  EXPECT_EQ(
      why_refused(keys, header + "." + base::base64url(base::to_text(other)) + token.substr(dot),
                  expect),
      "token: its signature does not match");
  EXPECT_EQ(why_refused(keys, token.substr(0, dot + 1), expect),
            "token: its signature does not match");
  for (const char* alg : {"none", "HS256"}) {
    const Json forged = JsonObject{{"alg", alg}, {"kid", kid}};
    EXPECT_NE(
        why_refused(keys, base::base64url(base::to_text(forged)) + token.substr(token.find('.')),
                    expect)
            .find("no key"),
        std::string::npos);
  }
  EXPECT_NE(why_refused(keys, sign_jwt(claims(), make_p256_key()), expect).find("no key"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SignedToken, ::testing::Values("ES256", "RS256"),
                         [](const auto& info) { return info.param; });

TEST(Jwt, RefusesCriticalExtensionsAndRubbish) {
  const Jwks keys = rfc_keys();
  for (const std::string token : {"", ".", "..", "a.b", "a.b.c.d", "!.!.!"})
    EXPECT_NE(why_refused(keys, token, {}), "accepted") << token;
  const std::string critical = base::base64url(R"({"alg":"ES256","crit":["exp"]})");
  EXPECT_EQ(why_refused(keys, critical + "." + rfc_payload + "." + rfc_es256_signature, {}),
            "token: its header has critical extensions that we do not know");
  EXPECT_EQ(peek_kid("rubbish"), "");
}

TEST(Jwks, RefusesWhatIsNoKeySet) {
  EXPECT_THROW(Jwks(JsonArray{}), base::Error);
  EXPECT_THROW(Jwks(JsonObject{{"keys", 3}}), base::Error);
  EXPECT_THROW(Jwks(JsonObject{{"keys", JsonArray{JsonObject{{"kty", "RSA"}, {"n", "!"}}}}}),
               base::Error);
}

}  // namespace
}  // namespace io
