// The kinds of sympozium.ai. A stock server serves them once their CustomResourceDefinitions are
// applied (generated/crds); the cases are skipped where they are not.
#include "contract/contract.h"

namespace contract {
namespace {

struct OwnKinds : Contract {
  void SetUp() override {
    if (ask("GET", "/apis/sympozium.ai/v1alpha1").status != 200)
      GTEST_SKIP() << "sympozium.ai is not served: apply generated/crds";
  }
  static Json run(const std::string& name) {
    auto object = base::parse_json(
        R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","metadata":{"name":""},
            "spec":{"agentRef":"a","agentId":"primary","sessionKey":"s","task":"t",
                    "model":{"provider":"openai","model":"m","authSecretRef":"key"}}})");
    base::ensure(object, {"metadata", "name"}) = name;
    return object;
  }
};

TEST_F(OwnKinds, AreStoredWithTheirGeneration) {
  auto made = create(path("agentruns"), run("r"));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(base::find_int(made.body, {"metadata", "generation"}), 1);
  EXPECT_FALSE(base::find(made.body, {"status"}));
  auto status = merge(path("agentruns") + "/r/status",
                      R"({"status":{"phase":"Running"},"spec":{"task":"x"}})");
  ASSERT_EQ(status.status, 200) << status.text;
  EXPECT_EQ(text_at(status.body, {"status", "phase"}), "Running");
  EXPECT_EQ(text_at(status.body, {"spec", "task"}), "t");
  EXPECT_EQ(base::find_int(status.body, {"metadata", "generation"}), 1);
  auto main = merge(path("agentruns") + "/r", R"({"status":{"phase":"Failed"}})");
  EXPECT_EQ(text_at(main.body, {"status", "phase"}), "Running");
}

TEST_F(OwnKinds, AreNamedInTheirBodiesAndInLists) {
  auto nameless = run("r");
  nameless.as_object().erase("kind");
  EXPECT_EQ(create(path("agentruns"), nameless).status, 400);
  ASSERT_EQ(create(path("agentruns"), run("r")).status, 201);
  auto list = ask("GET", path("agentruns"));
  EXPECT_EQ(text_at(list.body.at("items").at(0), {"kind"}), "AgentRun");
}

TEST_F(OwnKinds, LoseOrRefuseUnknownFields) {
  auto odd = run("r");
  base::ensure(odd, {"spec", "tusk"}) = "t";
  auto strict = ask("POST", path("agentruns") + "?fieldValidation=Strict", base::to_text(odd));
  EXPECT_EQ(strict.status, 400);
  EXPECT_NE(strict.message().find("strict decoding error: unknown field \"spec.tusk\""),
            std::string::npos)
      << strict.message();
  auto warned = create(path("agentruns"), odd);
  EXPECT_EQ(warned.status, 201) << warned.text;
  EXPECT_NE(warned.headers.get("Warning").find("unknown field \\\"spec.tusk\\\""),
            std::string::npos)
      << warned.headers.get("Warning");
  EXPECT_FALSE(base::find(warned.body, {"spec", "tusk"}));
  auto patched = merge(path("agentruns") + "/r?fieldValidation=Strict", R"({"spec":{"tusk":"t"}})");
  EXPECT_EQ(patched.status, 422);
}

TEST_F(OwnKinds, NameEveryBadFieldAtOnce) {
  auto bad = run("r");
  bad.as_object()["spec"].as_object().erase("task");
  base::ensure(bad, {"spec", "agentRef"}) = 7;
  auto refused = create(path("agentruns"), bad);
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.message().find("spec.task: Required value"), std::string::npos)
      << refused.message();
  EXPECT_NE(refused.message().find("spec.agentRef: Invalid value"), std::string::npos);
}

TEST_F(OwnKinds, AreNeverMergedStrategically) {
  create(path("agentruns"), run("r"));
  auto refused =
      ask("PATCH", path("agentruns") + "/r", "{}", {"application/strategic-merge-patch+json"});
  EXPECT_EQ(refused.status, 415);
  EXPECT_TRUE(refused.message().starts_with(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json"))
      << refused.message();
}

}  // namespace
}  // namespace contract
