#include "cli/three_way.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

using base::Json;
using base::parse_json;

Json object(std::string_view rest) {
  return parse_json(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"})" +
                    std::string(rest) + "}");
}
// What the server holds after `applied` was applied, and `changes` by others.
Json live(const Json& applied, std::string_view changes = "{}") {
  Json tree = with_last_applied(applied);
  base::merge_patch(tree, parse_json(changes));
  return tree;
}
std::string plan(const Json& there, const Json& wanted) {
  Json patch = plan_apply(there, with_last_applied(wanted));
  // The memory itself changes with every change of the file.
  if (auto* metadata = patch.get_object().if_contains("metadata");
      metadata && metadata->get_object().contains("annotations")) {
    metadata->get_object()["annotations"].get_object().erase(annotation_last_applied);
    if (metadata->get_object()["annotations"].get_object().empty())
      metadata->get_object().erase("annotations");
    if (metadata->get_object().empty()) patch.get_object().erase("metadata");
  }
  return base::to_text(patch);
}

TEST(PlanApply, DoesNothingWhenNothingChanged) {
  const Json file = object(R"(,"data":{"k":"v"})");
  EXPECT_EQ(base::to_text(plan_apply(live(file), with_last_applied(file))), "{}");
}

TEST(PlanApply, LeavesAloneWhatOthersSet) {
  const Json file = object(R"(,"data":{"k":"v"})");
  EXPECT_EQ(plan(live(file, R"({"metadata":{"labels":{"x":"y"},"uid":"u"},"data":{"o":"1"}})"),
                 object(R"(,"data":{"k":"w"})")),
            R"({"data":{"k":"w"}})");
}

TEST(PlanApply, RemovesWhatTheFileNoLongerSays) {
  EXPECT_EQ(plan(live(object(R"(,"data":{"k":"v","gone":"1"})"), R"({"data":{"o":"1"}})"),
                 object(R"(,"data":{"k":"v"})")),
            R"({"data":{"gone":null}})");
}

TEST(PlanApply, TakesBackWhatSomebodyChanged) {
  const Json file = object(R"(,"data":{"k":"v"})");
  EXPECT_EQ(plan(live(file, R"({"data":{"k":"other"}})"), file), R"({"data":{"k":"v"}})");
}

TEST(PlanApply, TreatsAListAsOneValueButForgivesDefaultsInIt) {
  const Json file = object(R"(,"spec":{"list":[{"a":1}]})");
  EXPECT_EQ(plan(live(file, R"({"spec":{"list":[{"a":1,"default":true}]}})"), file), "{}");
  EXPECT_EQ(plan(live(object(R"(,"spec":{"list":[{"a":1,"b":2}]})")), file),
            R"({"spec":{"list":[{"a":1}]}})");
}

TEST(PlanApply, KnowsNothingOfAForeignAnnotation) {
  Json there = object(R"(,"data":{"o":"1"})");
  base::ensure(there, {"metadata", "annotations", annotation_last_applied}) = "{not json";
  EXPECT_EQ(plan(there, object(R"(,"data":{"k":"v"})")), R"({"data":{"k":"v"}})");
}

TEST(WithLastApplied, NeverRemembersASecretsValues) {
  const Json secret = with_last_applied(parse_json(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"k":"c2VjcmV0"}})"));
  const std::string memory =
      base::text_at(secret, {"metadata", "annotations", annotation_last_applied});
  EXPECT_EQ(memory.find("c2VjcmV0"), std::string::npos) << memory;
  EXPECT_NE(memory.find("\"k\""), std::string::npos) << memory;
  EXPECT_EQ(base::text_at(secret, {"data", "k"}), "c2VjcmV0");
}

}  // namespace
}  // namespace cli
