#include "gateway/identity.h"

#include "base/text.h"
#include "gateway/gateway_fixture_test.h"
#include "io/crypto.h"
#include "protocol/names.h"

namespace gateway {
namespace {

TEST(PodOf, ReadsABoundToken) {
  const auto claims = base::parse_json(
      R"({"kubernetes.io":{"namespace":"demo","pod":{"name":"p","uid":"u"},"serviceaccount":{}}})");
  EXPECT_EQ(pod_of(claims), (PodIdentity{"demo", "p", "u"}));
  for (auto text : {"{}", R"({"kubernetes.io":{"namespace":"demo"}})",
                    R"({"kubernetes.io":{"pod":{"name":"p","uid":"u"}}})",
                    R"({"kubernetes.io":{"namespace":"demo","pod":{"name":"p"}}})"})
    EXPECT_THROW(pod_of(base::parse_json(text)), base::Error) << text;
}

// Of somebody who comes later.
struct LateClock final : base::Clock {
  base::Time now() const override { return world().clock.now() + late; }
  base::Instant steady() const override { return world().clock.steady() + late; }
  TimerId call_after(base::Duration delay, std::function<void()> fire) override {
    return world().clock.call_after(delay, std::move(fire));
  }
  void cancel(TimerId timer) override { world().clock.cancel(timer); }
  base::Duration late{0};
};

struct Tokens : testing::Test {
  RecordingLog log;
  WrappedApi api;
  LateClock clock;
  TokenVerifier verifier{clock, log, api};
  std::string pod = unique_name("pod"), uid = make_pod(pod);

  std::string refused(const std::string& authorization) {
    try {
      run(verifier.verify(authorization));
    } catch (const base::Error& error) {
      return base::cat(base::name(error.code()), ": ", error.what());
    }
    return "";
  }
};

TEST_F(Tokens, AreVerifiedWithTheServersKeys) {
  const std::string token = make_token(pod, uid, protocol::audience_gateway);
  EXPECT_EQ(run(verifier.verify("Bearer " + token)), (PodIdentity{"default", pod, uid}));
  EXPECT_EQ(refused("Bearer " + token), "");
  EXPECT_EQ(api.paths_asked, 2);  // discovery and keys, once
  EXPECT_TRUE(refused(token).starts_with("denied")) << refused(token);
  EXPECT_TRUE(refused("").starts_with("denied"));
  const std::string other = make_token(pod, uid, "somebody-else");
  EXPECT_NE(refused("Bearer " + other).find("audience"), std::string::npos)
      << refused("Bearer " + other);
}

TEST_F(Tokens, AreRememberedUntilTheyExpire) {
  const std::string token = make_token(pod, uid, protocol::audience_gateway);
  EXPECT_EQ(refused("Bearer " + token), "");
  clock.late = std::chrono::seconds(protocol::token_seconds - 60);
  EXPECT_EQ(refused("Bearer " + token), "");
  clock.late = std::chrono::seconds(protocol::token_seconds + 60);
  EXPECT_NE(refused("Bearer " + token).find("expired"), std::string::npos);
}

TEST_F(Tokens, AreForgottenWhenTheirKeyIsWithdrawn) {
  const std::string token = make_token(pod, uid, protocol::audience_gateway);
  EXPECT_EQ(refused("Bearer " + token), "");
  const auto new_key = io::make_p256_key();
  api.keys = io::make_jwks({new_key.reveal()});
  clock.late = std::chrono::seconds(30);
  refused("Bearer " + io::sign_jwt(base::JsonObject{}, new_key));  // its key is asked for
  EXPECT_TRUE(refused("Bearer " + token).starts_with("denied"));
}

TEST_F(Tokens, AreNotToBlameForAnApiServerThatGivesNoKeys) {
  const std::string token = make_token(pod, uid, protocol::audience_gateway);
  api.paths_denied = 1;
  EXPECT_TRUE(refused("Bearer " + token).starts_with("unavailable"));
  EXPECT_EQ(refused("Bearer " + token), "");
}

TEST_F(Tokens, OfUnknownKeysAskForTheKeysOnceInAWhile) {
  const base::Json claims = base::parse_json(
      R"({"iss":"x","aud":["sympozium-gateway"],"exp":9999999999,"kubernetes.io":{"namespace":"default","pod":{"name":"p","uid":"u"}}})");
  for (int i = 0; i < 5; ++i) {
    const std::string forged = io::sign_jwt(claims, io::make_p256_key());
    EXPECT_TRUE(refused("Bearer " + forged).starts_with("denied"));
  }
  EXPECT_EQ(api.paths_asked, 2);
}

}  // namespace
}  // namespace gateway
