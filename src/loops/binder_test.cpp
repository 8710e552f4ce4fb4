#include "loops/binder.h"

#include <gtest/gtest.h>

namespace loops {
namespace {

NodeFacts node(std::string name) {
  NodeFacts facts;
  facts.name = std::move(name);
  facts.ready = true;
  return facts;
}

const base::Json plain = base::parse_json(R"({"spec":{}})");

TEST(Binder, ChoosesTheReadyNodeWithTheFewestPods) {
  EXPECT_EQ(place(plain, {node("a"), node("b")}, {{"a", 1}}).node, "b");
  EXPECT_EQ(place(plain, {node("a"), node("b")}, {}).node, "a");
}

TEST(Binder, SaysWhyNoNodeFits) {
  auto sleeping = node("a");
  sleeping.ready = false;
  auto cordoned = node("b");
  cordoned.unschedulable = true;
  EXPECT_EQ(place(plain, {}, {}).message, "0/0 nodes are available.");
  EXPECT_EQ(place(plain, {sleeping, cordoned}, {}).message,
            "0/2 nodes are available: 1 node(s) were not ready, 1 node(s) were unschedulable.");
}

TEST(Binder, HonoursSelectorsAndTaints) {
  auto picky = base::parse_json(R"({"spec":{"nodeSelector":{"disk":"fast"}}})");
  auto labelled = node("a");
  EXPECT_EQ(place(picky, {labelled}, {}).node, "");
  labelled.labels["disk"] = "fast";
  EXPECT_EQ(place(picky, {labelled}, {}).node, "a");
  auto tainted = node("a");
  tainted.taints = {{"k", "v", "NoSchedule"}};
  EXPECT_EQ(place(plain, {tainted}, {}).node, "");
  auto tolerant = base::parse_json(
      R"({"spec":{"tolerations":[{"key":"k","operator":"Equal","value":"v","effect":"NoSchedule"}]}})");
  EXPECT_EQ(place(tolerant, {tainted}, {}).node, "a");
}

}  // namespace
}  // namespace loops
