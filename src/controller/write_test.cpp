#include "controller/write.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "controller/tapped_api.h"
#include "faults/server.h"
#include "objects/config_map.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace controller {
namespace {

using base::Json;
using base::parse_json;

TEST(StatusPatch, IsAsSmallAsTheChange) {
  const Json before = parse_json(R"({"phase":"Pending","count":1,"deep":{"a":1,"b":2}})");
  const Json after = parse_json(R"({"phase":"Running","count":1,"deep":{"a":1,"b":3}})");
  EXPECT_EQ(plan_status_patch(before, after, "7"),
            parse_json(R"({"metadata":{"resourceVersion":"7"},
                           "status":{"phase":"Running","deep":{"b":3}}})"));
}

TEST(StatusPatch, NullsWhatIsNoMore) {
  const Json before = parse_json(R"({"phase":"Pending","error":"x","deep":{"a":1}})");
  const Json after = parse_json(R"({"phase":"Pending","deep":{}})");
  EXPECT_EQ(plan_status_patch(before, after, "7"),
            parse_json(R"({"metadata":{"resourceVersion":"7"},
                           "status":{"error":null,"deep":{"a":null}}})"));
}

TEST(StatusPatch, ReplacesListsWhole) {
  EXPECT_EQ(plan_status_patch(parse_json(R"({"l":[1,2]})"), parse_json(R"({"l":[1,2,3]})"), "7"),
            parse_json(R"({"metadata":{"resourceVersion":"7"},"status":{"l":[1,2,3]}})"));
}

TEST(StatusPatch, IsNothingWithoutAChange) {
  const Json status = parse_json(R"({"phase":"Pending","l":[1]})");
  EXPECT_EQ(plan_status_patch(status, status, "7"), std::nullopt);
  EXPECT_EQ(plan_status_patch(base::JsonObject{}, base::JsonObject{}, "7"), std::nullopt);
}

TEST(StatusPatch, MakesOneOfTheOther) {
  Json status = parse_json(R"({"a":1,"b":{"c":[1],"d":"x"},"e":null})");
  const Json after = parse_json(R"({"b":{"c":[],"f":{"g":true}},"h":"new"})");
  base::merge_patch(status, plan_status_patch(status, after, "7")->at("status"));
  EXPECT_EQ(status, after);
}

TEST(ChildStep, RecordsThenCreatesThenObserves) {
  EXPECT_EQ(plan_child({}), ChildStep::record);
  EXPECT_EQ(plan_child({.exists = true}), ChildStep::record) << "whosever it is";
  EXPECT_EQ(plan_child({.recorded = true}), ChildStep::create);
  EXPECT_EQ(plan_child({.recorded = true, .exists = true}), ChildStep::observe);
  EXPECT_EQ(plan_child({.recorded = true, .observed = true, .exists = true}), ChildStep::observe);
}

TEST(ChildStep, NeverMakesAgainWhatWasSeen) {
  EXPECT_EQ(plan_child({.recorded = true, .observed = true}), ChildStep::lost);
}

TEST(Ownership, IsOfTheControllerAlone) {
  const Json object = parse_json(R"({"metadata":{"ownerReferences":[
      {"uid":"u1"},{"uid":"u2","controller":false},{"uid":"u3","controller":true}]}})");
  EXPECT_FALSE(is_controlled_by(object, "u1"));
  EXPECT_FALSE(is_controlled_by(object, "u2"));
  EXPECT_TRUE(is_controlled_by(object, "u3"));
  EXPECT_FALSE(is_controlled_by(base::JsonObject{}, "u3"));
}

TEST(Finalizers, AreAddedAndRemovedOnWhatWasRead) {
  const Json object =
      parse_json(R"({"metadata":{"resourceVersion":"7","finalizers":["x/a","x/b"]}})");
  EXPECT_TRUE(has_finalizer(object, "x/a"));
  EXPECT_EQ(plan_add_finalizer(object, "x/a"), std::nullopt);
  EXPECT_EQ(plan_remove_finalizer(object, "x/c"), std::nullopt);
  EXPECT_EQ(plan_add_finalizer(object, "x/c"),
            parse_json(R"({"metadata":{"finalizers":["x/a","x/b","x/c"],"resourceVersion":"7"}})"));
  EXPECT_EQ(plan_remove_finalizer(object, "x/a"),
            parse_json(R"({"metadata":{"finalizers":["x/b"],"resourceVersion":"7"}})"));
  const Json bare = parse_json(R"({"metadata":{"resourceVersion":"7"}})");
  EXPECT_FALSE(has_finalizer(bare, "x/a"));
  EXPECT_EQ(plan_add_finalizer(bare, "x/a"),
            parse_json(R"({"metadata":{"finalizers":["x/a"],"resourceVersion":"7"}})"));
}

TEST(ChildName, FitsALabelAndStaysDistinct) {
  EXPECT_EQ(child_name("run", "secret"), "run-secret");
  EXPECT_EQ(child_name("run", ""), "run");
  const std::string longest(63, 'x');
  EXPECT_EQ(child_name(longest, ""), longest);
  const std::string first = child_name(longest, "a"), second = child_name(longest, "b");
  EXPECT_EQ(first.size(), 61u);
  EXPECT_TRUE(first.starts_with(std::string(52, 'x') + "-"));
  EXPECT_NE(first, second);
  EXPECT_EQ(first, child_name(longest, "a"));
  const std::string dotted = child_name(std::string(50, 'x') + "..", "and so on and on");
  EXPECT_TRUE(dotted.starts_with(std::string(50, 'x') + "-")) << dotted;
  EXPECT_TRUE(base::is_dns_label(dotted));
}

// The writes themselves, on a real API server.
class Writes : public testing::Test {
 protected:
  class NoLog final : public base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  };
  static kube::Ref ref(const std::string& name) {
    return {&objects::ConfigMap::info, "default", name, {}};
  }
  static Json map(const std::string& name, const std::string& value) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}, {"namespace", "default"}}},
            {"data", {{"k", value}}}};
  }
  static std::string value_of(const Json& map) { return base::text_at(map, {"data", "k"}); }

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  NoLog log;
  faults::Server server{loop, clock, random, log, {}};
  std::unique_ptr<kube::Client> client = server.client("writer");
  TappedApi api{*client};
};

TEST_F(Writes, CreateWhatIsNotThere) {
  const Child child = loop.run(create_or_get(api, ref("a"), map("a", "mine")));
  EXPECT_EQ(child.made, Made::now);
  EXPECT_EQ(value_of(child.object), "mine");
  EXPECT_FALSE(base::text_at(child.object, {"metadata", "uid"}).empty());
}

TEST_F(Writes, TakeWhatIsThereAsItIs) {
  loop.run(api.create(ref("a"), map("a", "another's"), {}));
  const Child child = loop.run(create_or_get(api, ref("a"), map("a", "mine")));
  EXPECT_EQ(child.made, Made::found);
  EXPECT_EQ(value_of(child.object), "another's");
}

TEST_F(Writes, PassOnEveryOtherRefusal) {
  Json bad = map("a", "x");
  bad.as_object()["data"] = "no map";
  try {
    loop.run(create_or_get(api, ref("a"), bad));
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::invalid) << error.what();
  }
  EXPECT_EQ(api.calls, std::vector<std::string>{"create ConfigMap default/a"});
}

TEST_F(Writes, RemoveWhatIsThereAndMindNothingWhenItIsNot) {
  loop.run(api.create(ref("a"), map("a", "x"), {}));
  EXPECT_TRUE(loop.run(remove_if_there(api, ref("a"), {})));
  EXPECT_FALSE(loop.run(remove_if_there(api, ref("a"), {})));
}

TEST_F(Writes, RemoveNothingElseOfThatName) {
  loop.run(api.create(ref("a"), map("a", "x"), {}));
  try {
    loop.run(remove_if_there(api, ref("a"), {.uid = "that-of-an-earlier-one"}));
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::conflict);
  }
  EXPECT_TRUE(loop.run(kube::find(api, ref("a"))));
}

TEST_F(Writes, LoseARaceWithAConflict) {
  const Json read = loop.run(api.create(ref("a"), map("a", "x"), {}));
  const auto mine = plan_add_finalizer(read, "example.com/mine");
  loop.run(api.patch(ref("a"), {{"data", {{"k", "y"}}}}, {}));
  ASSERT_TRUE(mine);
  try {
    loop.run(api.patch(ref("a"), *mine, {}));
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::conflict);
  }
}

}  // namespace
}  // namespace controller
