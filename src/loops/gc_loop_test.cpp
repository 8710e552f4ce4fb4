// Owners and what they own, on a real API server.
#include "loops/gc_loop.h"

#include "loops/virtual_home.h"

namespace loops {
namespace {

using base::Json;
using base::text_at;
using kube::Propagation;

class Garbage : public VirtualHome {
 protected:
  Garbage() {
    tasks.spawn("garbage", collector.run());
    loop.run_ready();
  }

  struct Owner {
    std::string name;
    bool blocks = false;
    std::string uid = {}, kind = "ConfigMap", api_version = "v1";
  };
  static kube::Ref map(std::string name) { return ref("configmaps", std::move(name)); }
  Json owner_reference(const Owner& owner) {
    const std::string uid =
        owner.uid.empty() ? text_at(get(map(owner.name)), {"metadata", "uid"}) : owner.uid;
    return {{"apiVersion", owner.api_version},
            {"kind", owner.kind},
            {"name", owner.name},
            {"uid", uid},
            {"blockOwnerDeletion", owner.blocks}};
  }
  Json owners(const std::vector<Owner>& all) {
    base::JsonArray list;
    for (const Owner& one : all) list.push_back(owner_reference(one));
    return list;
  }
  // A ConfigMap with these owners.
  void make(const std::string& name, const std::vector<Owner>& all = {}) {
    Json object{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}};
    if (!all.empty()) base::ensure(object, {"metadata", "ownerReferences"}) = owners(all);
    create("configmaps", std::move(object));
  }
  void own(const std::string& name, const std::vector<Owner>& all) {
    loop.run(hand->patch(map(name), {{"metadata", {{"ownerReferences", owners(all)}}}}, {}));
    loop.run_ready();
  }
  void hold(const std::string& name) {
    patch(map(name), R"({"metadata":{"finalizers":["example.com/hold"]}})");
  }
  Names owners_named(const std::string& of) {
    Names names;
    for (const auto& owner : read_owned(get(map(of))).owners) names.push_back(owner.name);
    return names;
  }
  // Those of our names that are there and not on their way out.
  Names left(const Names& names) {
    Names there;
    for (const std::string& name : names) {
      const Json object = get(map(name));
      if (!object.is_null() && text_at(object, {"metadata", "deletionTimestamp"}).empty())
        there.push_back(name);
    }
    return there;
  }

  GcLoop collector{loop,
                   clock,
                   random,
                   log,
                   metrics,
                   api,
                   {objects::find_kind("", "configmaps"), objects::find_kind("", "namespaces")}};
};

TEST_F(Garbage, IsWhatADeletedOwnerLeavesBehindAtAnyDepth) {
  make("a");
  make("b", {{"a"}});
  make("c", {{"b"}});
  make("d");
  remove(map("a"), {.propagation = Propagation::background});
  EXPECT_EQ(left({"a", "b", "c", "d"}), Names{"d"});
}

TEST_F(Garbage, IsNotWhatStillHasAnOwner) {
  make("a");
  make("b");
  make("c", {{"a"}, {"b"}});
  remove(map("a"), {.propagation = Propagation::background});
  EXPECT_EQ(left({"b", "c"}), (Names{"b", "c"}));
  EXPECT_EQ(owners_named("c"), Names{"b"});
  remove(map("b"), {.propagation = Propagation::background});
  EXPECT_EQ(left({"c"}), Names{});
}

TEST_F(Garbage, IsWhatNamesAnOwnerThatNeverWas) {
  make("a");
  make("b", {{.name = "a", .uid = "that-of-an-earlier-a"}});
  make("c", {{.name = "nobody", .uid = "u"}});
  EXPECT_EQ(left({"a", "b", "c"}), Names{"a"});
}

TEST_F(Garbage, IsNotWhatWeCannotJudge) {
  make("a", {{.name = "x", .uid = "u", .kind = "Widget", .api_version = "example.com/v1"}});
  EXPECT_EQ(left({"a"}), Names{"a"});
  // An owner in a namespace means nothing to what has none.
  create("namespaces",
         {{"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata",
           {{"name", "precious"}, {"ownerReferences", owners({{.name = "gone", .uid = "u"}})}}}});
  EXPECT_EQ(text_at(get(ref("namespaces", "precious")), {"status", "phase"}), "Active");
}

// A Secret is none of the kinds that are watched here.
TEST_F(Garbage, IsNotWhatTheServerKnowsAnOwnerOf) {
  const Json secret =
      create("secrets", {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", "s"}}}});
  make("a", {{.name = "s", .uid = text_at(secret, {"metadata", "uid"}), .kind = "Secret"}});
  EXPECT_EQ(left({"a"}), Names{"a"});
}

TEST_F(Garbage, IsNotMadeOfOrphans) {
  make("a");
  make("other");
  make("b", {{"a"}, {"other"}});
  make("c", {{"a"}});
  remove(map("a"), {.propagation = Propagation::orphan});
  EXPECT_FALSE(exists(map("a")));
  EXPECT_EQ(left({"b", "c"}), (Names{"b", "c"}));
  EXPECT_EQ(owners_named("b"), Names{"other"});
  EXPECT_EQ(owners_named("c"), Names{});
}

// Deleting an owner in the foreground.
using Foreground = Garbage;
const kube::RemoveOptions in_foreground{.propagation = Propagation::foreground};

TEST_F(Foreground, WaitsForDependentsThatBlock) {
  make("a");
  make("b", {{.name = "a", .blocks = true}});
  make("c", {{.name = "b", .blocks = true}});
  hold("c");
  remove(map("a"), in_foreground);
  EXPECT_EQ(left({"a", "b", "c"}), Names{});
  EXPECT_TRUE(exists(map("a")));
  EXPECT_TRUE(exists(map("b"))) << "who waits for b waits for c";
  patch(map("c"), R"({"metadata":{"finalizers":null}})");
  for (const char* name : {"a", "b", "c"}) EXPECT_FALSE(exists(map(name))) << name;
}

TEST_F(Foreground, WaitsForNobodyElse) {
  make("a");
  make("b", {{.name = "a", .blocks = false}});
  hold("b");
  remove(map("a"), in_foreground);
  EXPECT_FALSE(exists(map("a")));
  EXPECT_TRUE(exists(map("b")));
  EXPECT_EQ(left({"b"}), Names{});
}

TEST_F(Foreground, SparesWhatHasAnotherOwnerAndDoesNotWaitForIt) {
  make("a");
  make("other");
  make("b", {{.name = "a", .blocks = true}, {"other"}});
  remove(map("a"), in_foreground);
  EXPECT_FALSE(exists(map("a")));
  EXPECT_EQ(left({"b"}), Names{"b"});
  EXPECT_EQ(owners_named("b"), Names{"other"});
}

TEST_F(Foreground, BreaksACircle) {
  make("a");
  make("b", {{.name = "a", .blocks = true}});
  make("c", {{.name = "b", .blocks = true}});
  own("a", {{.name = "c", .blocks = true}});
  EXPECT_EQ(left({"a", "b", "c"}), (Names{"a", "b", "c"})) << "each has an owner";
  remove(map("a"), in_foreground);
  for (const char* name : {"a", "b", "c"}) EXPECT_FALSE(exists(map(name))) << name;
}

TEST_F(Foreground, DoesNotWaitForItself) {
  make("a");
  own("a", {{.name = "a", .blocks = true}});
  remove(map("a"), in_foreground);
  EXPECT_FALSE(exists(map("a")));
}

}  // namespace
}  // namespace loops
