#include "controller/cache.h"

#include <gtest/gtest.h>

#include "objects/config_map.h"

namespace controller {
namespace {

using objects::ConfigMap;
using Names = std::vector<std::string>;

// A ConfigMap of some owner, at a revision.
base::Json map(const std::string& name, int revision, const std::string& owner = "") {
  base::Json object{
      {"metadata",
       {{"name", name}, {"namespace", "demo"}, {"resourceVersion", std::to_string(revision)}}}};
  if (!owner.empty()) base::ensure(object, {"metadata", "labels", "owner"}) = owner;
  return object;
}
base::Json undecodable(const std::string& name, int revision) {
  base::Json object = map(name, revision);
  object.as_object()["data"] = "not a map";
  return object;
}
Key key(const std::string& name) { return {"demo", name}; }

class Errors final : public base::Log {
 public:
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level == base::Level::error) lines.push_back(base::cat(message, ": ", fields[0].second));
  }
  Names lines;
};

class CacheTest : public testing::Test {
 protected:
  CacheTest() {
    cache.add_index("owner", [](const Key&, const ConfigMap& map) {
      const auto owner = map.metadata.labels.find("owner");
      return owner == map.metadata.labels.end() ? Names{} : Names{owner->second};
    });
    cache.on_change([this](const Key& about, const ConfigMap* before, const ConfigMap* now) {
      auto revision = [](const ConfigMap* map) {
        return map ? map->metadata.resourceVersion : std::string("-");
      };
      changes.push_back(base::cat(about.name, " ", revision(before), ">", revision(now)));
    });
  }
  // A list that is complete at a revision.
  void list(const std::vector<base::Json>& objects, int revision) {
    cache.list_begins();
    for (const base::Json& object : objects) cache.put(object);
    cache.reached(std::to_string(revision));
    cache.listed();
  }
  // An event of the watch.
  void put(const base::Json& object) {
    cache.put(object);
    cache.reached(base::text_at(object, {"metadata", "resourceVersion"}));
  }
  void gone(const base::Json& object) {
    cache.gone(object);
    cache.reached(base::text_at(object, {"metadata", "resourceVersion"}));
  }
  // "" when it is absent.
  std::string revision_of(const std::string& name) {
    const auto found = cache.find(key(name));
    return found ? found->metadata.resourceVersion : "";
  }
  Names owned_by(const std::string& owner) {
    Names names;
    for (const auto& [about, object] : cache.list_by("owner", owner)) names.push_back(about.name);
    return names;
  }

  Errors log;
  Cache<ConfigMap> cache{log};
  Names changes;
};

TEST_F(CacheTest, IsSyncedOnceAListIsComplete) {
  cache.list_begins();
  cache.put(map("a", 1));
  EXPECT_FALSE(cache.is_synced());
  cache.listed();
  EXPECT_TRUE(cache.is_synced());
  EXPECT_EQ(cache.list().size(), 1u);
}

TEST_F(CacheTest, TellsEachChangeWithWhatWasBefore) {
  list({map("a", 1)}, 5);
  put(map("a", 6));
  put(map("b", 7));
  gone(map("a", 8));
  EXPECT_EQ(changes, (Names{"a ->1", "a 1>6", "b ->7", "a 6>-"}));
  EXPECT_EQ(revision_of("a"), "");
}

TEST_F(CacheTest, TellsNothingOfWhatItKnows) {
  list({map("a", 3)}, 5);
  put(map("a", 3));
  put(map("a", 2));
  gone(map("b", 6));
  EXPECT_EQ(changes, Names{"a ->3"});
}

TEST_F(CacheTest, KeepsItsIndexesTrue) {
  list({map("a", 1, "x"), map("b", 2, "x"), map("c", 3)}, 5);
  EXPECT_EQ(owned_by("x"), (Names{"a", "b"}));
  put(map("a", 6, "y"));
  put(map("b", 7));
  put(map("c", 8, "x"));
  EXPECT_EQ(owned_by("x"), Names{"c"});
  EXPECT_EQ(owned_by("y"), Names{"a"});
  gone(map("a", 9, "y"));
  EXPECT_EQ(owned_by("y"), Names{});
  list({}, 10);
  EXPECT_EQ(owned_by("x"), Names{});
}

TEST_F(CacheTest, DropsWhatALaterListHasNot) {
  list({map("a", 1, "x"), map("b", 2, "x")}, 5);
  changes.clear();
  list({map("b", 2, "x")}, 9);
  EXPECT_EQ(changes, Names{"a 1>-"});
  EXPECT_EQ(owned_by("x"), Names{"b"});
}

TEST_F(CacheTest, DropsNothingWhileAListIsUnderWay) {
  list({map("a", 1), map("b", 2)}, 5);
  cache.list_begins();
  cache.put(map("b", 2));
  EXPECT_EQ(revision_of("a"), "1");
  cache.list_begins();  // its continue token had expired: from the beginning
  cache.put(map("a", 1));
  cache.listed();
  EXPECT_EQ(revision_of("a"), "1");
  EXPECT_EQ(revision_of("b"), "");
}

TEST_F(CacheTest, IsNotBlindedByAnObjectThatDoesNotDecode) {
  list({undecodable("bad", 1), map("good", 2)}, 5);
  EXPECT_EQ(revision_of("bad"), "");
  EXPECT_EQ(revision_of("good"), "2");
  EXPECT_EQ(log.lines, Names{"object does not decode: demo/bad"});
  EXPECT_EQ(changes, Names{"good ->2"});
  list({undecodable("bad", 1), map("good", 2)}, 6);
  EXPECT_EQ(log.lines.size(), 1u) << "reported once per revision";
  put(undecodable("bad", 7));
  EXPECT_EQ(log.lines.size(), 2u);
  put(map("bad", 8));
  EXPECT_EQ(revision_of("bad"), "8") << "and back when it is mended";
}

TEST_F(CacheTest, ForgetsAnObjectThatDoesNotDecodeAnyMore) {
  list({map("a", 1, "x")}, 5);
  put(undecodable("a", 6));
  EXPECT_EQ(revision_of("a"), "");
  EXPECT_EQ(owned_by("x"), Names{});
  gone(map("a", 7));
  EXPECT_EQ(changes, (Names{"a ->1", "a 1>-"}));
  EXPECT_EQ(cache.size(), 0u);
}

TEST_F(CacheTest, KeepsWhatItsTrimLeaves) {
  Cache<ConfigMap> small(log, [](ConfigMap& map) { map.data.clear(); });
  base::Json object = map("a", 1);
  base::ensure(object, {"data", "k"}) = "v";
  small.put(object);
  ASSERT_TRUE(small.find(key("a")));
  EXPECT_TRUE(small.find(key("a"))->data.empty());
}

TEST_F(CacheTest, HoldsFactsThatAFunctionReads) {
  Cache<std::string> names(log, [](const base::Json& object) {
    return base::text_at(object, {"metadata", "name"}) + "!";
  });
  names.put(map("a", 1));
  EXPECT_EQ(*names.find(key("a")), "a!");
}

// What a write of ours returned, against what the watch tells.
using Assumed = CacheTest;

TEST_F(Assumed, IsSeenByTheNextLook) {
  list({map("a", 1)}, 5);
  cache.assume(map("a", 6));
  cache.assume(map("new", 7));
  EXPECT_EQ(revision_of("a"), "6");
  EXPECT_EQ(revision_of("new"), "7");
  put(map("a", 6));
  put(map("new", 7));
  EXPECT_EQ(changes, (Names{"a ->1", "a 1>6", "new ->7"})) << "the watch has no news then";
}

TEST_F(Assumed, InAWorldThatWasEmptyIsSeenToo) {
  list({}, 5);
  cache.assume(map("first", 6));
  EXPECT_EQ(revision_of("first"), "6");
}

TEST_F(Assumed, IsNotUndoneByAnOlderEvent) {
  list({map("a", 1)}, 5);
  cache.assume(map("a", 9));
  put(map("a", 7));
  EXPECT_EQ(revision_of("a"), "9");
}

TEST_F(Assumed, DoesNotUndoNewerEvents) {
  list({map("a", 1)}, 5);
  put(map("a", 9));
  cache.assume(map("a", 7));
  EXPECT_EQ(revision_of("a"), "9");
}

TEST_F(Assumed, DoesNotBringBackWhatHasGone) {
  list({map("a", 1)}, 5);
  gone(map("a", 9));
  cache.assume(map("a", 8));
  EXPECT_EQ(revision_of("a"), "");
  cache.assume(map("b", 9));
  EXPECT_EQ(revision_of("b"), "") << "made at 7, say, and removed at 8, before the watch's 9";
}

TEST_F(Assumed, SurvivesTheEndOfItsPredecessor) {
  list({map("a", 1)}, 5);
  cache.assume(map("a", 8));  // removed at 7 and made again by us
  gone(map("a", 7));
  EXPECT_EQ(revision_of("a"), "8");
}

TEST_F(Assumed, LeavesTheLastWordToAListThatIsUnderWay) {
  list({map("a", 1)}, 5);
  cache.list_begins();
  cache.assume(map("a", 6));
  cache.assume(map("new", 7));
  EXPECT_EQ(revision_of("a"), "6");
  EXPECT_EQ(revision_of("new"), "") << "it may be removed before the list sees it";
  cache.reached("10");
  cache.listed();
  EXPECT_EQ(revision_of("a"), "") << "removed at 8, say";
}

TEST_F(Assumed, BeforeTheFirstListIsNotTaken) {
  cache.assume(map("a", 1));
  EXPECT_EQ(revision_of("a"), "");
}

TEST(Revision, IsOlderOnlyWhereBothAreNumbers) {
  EXPECT_TRUE(is_older_revision("9", "10"));
  EXPECT_FALSE(is_older_revision("10", "9"));
  EXPECT_FALSE(is_older_revision("9", "9"));
  EXPECT_FALSE(is_older_revision("", "9"));
  EXPECT_FALSE(is_older_revision("a", "b"));
}

}  // namespace
}  // namespace controller
