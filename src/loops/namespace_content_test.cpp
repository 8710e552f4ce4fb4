#include "loops/namespace_content.h"

#include <gtest/gtest.h>

#include "objects/kinds.h"

namespace loops {
namespace {

using base::Json;
using base::JsonArray;
using base::text_at;

const base::Time noon{std::chrono::seconds(1767355200)};  // 2026-01-02T12:00:00Z
const base::Time later = noon + std::chrono::minutes(1);

Leftovers one_held_map() {
  Leftovers left;
  count_leftover(left, *objects::find_kind("", "configmaps"),
                 base::parse_json(R"({"metadata":{"finalizers":["example.com/hold"]}})"));
  return left;
}

Json with_conditions(JsonArray conditions) {
  return {{"status", {{"conditions", std::move(conditions)}}}};
}

Json find_condition(const JsonArray& conditions, std::string_view type) {
  for (const auto& condition : conditions)
    if (text_at(condition, {"type"}) == type) return condition;
  return {};
}

TEST(NamespaceContent, IsToldWithWhatItWaitsFor) {
  auto conditions = plan_conditions(Json(base::JsonObject{}), one_held_map(), noon);
  ASSERT_TRUE(conditions);
  EXPECT_EQ(conditions->size(), 5u);
  auto content = find_condition(*conditions, "NamespaceContentRemaining");
  EXPECT_EQ(text_at(content, {"status"}), "True");
  EXPECT_EQ(text_at(content, {"message"}),
            "Some resources are remaining: configmaps. has 1 resource instances");
  auto finalizers = find_condition(*conditions, "NamespaceFinalizersRemaining");
  EXPECT_EQ(text_at(finalizers, {"message"}),
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 "
            "resource instances");
}

TEST(NamespaceContent, IsToldOnce) {
  auto told = plan_conditions(Json(base::JsonObject{}), one_held_map(), noon);
  EXPECT_FALSE(plan_conditions(with_conditions(*told), one_held_map(), later));
}

TEST(NamespaceContent, KeepsTheTimeOfWhatHasNotTurned) {
  auto told = plan_conditions(Json(base::JsonObject{}), one_held_map(), noon);
  told->push_back({{"type", "OfSomebodyElse"}, {"status", "True"}});
  auto now = plan_conditions(with_conditions(*told), Leftovers{}, later);
  ASSERT_TRUE(now);
  auto content = find_condition(*now, "NamespaceContentRemaining");
  EXPECT_EQ(text_at(content, {"reason"}), "ContentRemoved");
  EXPECT_EQ(text_at(content, {"lastTransitionTime"}), "2026-01-02T12:01:00Z");
  auto failure = find_condition(*now, "NamespaceDeletionContentFailure");
  EXPECT_EQ(text_at(failure, {"lastTransitionTime"}), "2026-01-02T12:00:00Z");
  EXPECT_FALSE(find_condition(*now, "OfSomebodyElse").is_null());
}

}  // namespace
}  // namespace loops
