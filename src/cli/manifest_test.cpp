#include "cli/manifest.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

using base::text_at;

const std::string agent = R"(apiVersion: sympozium.ai/v1alpha1
kind: Agent
metadata:
  name: first
spec:
  agents:
    default:
      model: m
  authRefs:
    - provider: openai
      secret: key
)";

std::string refusal(const std::string& text) {
  try {
    parse_manifests(text, "a.yaml");
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::invalid);
    return error.what();
  }
  return "";
}

TEST(Manifests, ReadsEveryDocumentAndTheItemsOfLists) {
  const auto all = parse_manifests(agent + "---\n# nothing\n---\n" + R"(apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
  - {apiVersion: v1, kind: Namespace, metadata: {name: b}}
)",
                                   "a.yaml");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(describe(all[0]), "a.yaml, document 1 (line 1): Agent first");
  EXPECT_EQ(all[1].kind->plural, "configmaps");
  EXPECT_EQ(all[2].kind->plural, "namespaces");
}

TEST(Manifests, NamesDocumentLineAndFieldOfEveryMistake) {
  std::string wrong = agent;
  wrong.replace(wrong.find("model: m"), 8, "modle: m");
  const std::string text =
      refusal(agent + "---\n" + wrong + "---\n{apiVersion: v1, kind: ConfigMap}\n");
  EXPECT_NE(text.find("a.yaml, document 2 (line 13): Agent first: spec.agents.default.modle (line "
                      "20): unknown field"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("document 3 (line 25): ConfigMap: metadata.name (line 25): is required"),
            std::string::npos)
      << text;
}

TEST(Manifests, RefusesWhatIsNoObjectOrNoKindOfOurs) {
  EXPECT_NE(refusal("- 1\n").find("must be an object with apiVersion and kind"), std::string::npos);
  EXPECT_NE(refusal("a: [1\n").find("a.yaml: line"), std::string::npos) << refusal("a: [1\n");
  EXPECT_NE(refusal("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}}")
                .find("knows no Deployment of apps/v1; apply it with kubectl"),
            std::string::npos);
}

TEST(Manifests, MovesASecretsPlainTextIntoData) {
  const auto all = parse_manifests(
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: v}, data: {o: eA==}}",
      "a.yaml");
  EXPECT_EQ(text_at(all[0].object, {"data", "k"}), "dg==");
  EXPECT_EQ(text_at(all[0].object, {"data", "o"}), "eA==");
  EXPECT_FALSE(base::find(all[0].object, {"stringData"}));
  const auto plain = parse_manifests(
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: v}}", "a.yaml");
  EXPECT_EQ(text_at(plain[0].object, {"data", "k"}), "dg==");
}

TEST(LineOfField, WalksKeysAndItems) {
  const std::string text =
      "a:\n  b: 1\n  list:\n  - name: x\n    value: 1\n  -  name: y\n     value: 2\nc:\n  b: 2\n"
      "---\na:\n  b: 3\n";
  EXPECT_EQ(line_of_field(text, 1, "a.b"), 2);
  EXPECT_EQ(line_of_field(text, 1, "c.b"), 9);
  EXPECT_EQ(line_of_field(text, 1, "a.list[0].name"), 4);
  EXPECT_EQ(line_of_field(text, 1, "a.list[1].name"), 6);
  EXPECT_EQ(line_of_field(text, 1, "a.list[1].value"), 7);
  EXPECT_EQ(line_of_field(text, 1, "a.missing.deeper"), 1);
  EXPECT_EQ(line_of_field(text, 11, "a.b"), 12);
  EXPECT_EQ(line_of_field("", 1, "a"), 1);
}

}  // namespace
}  // namespace cli
