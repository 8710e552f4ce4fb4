#include <gtest/gtest.h>

#include "schema/sample_test.h"

namespace schema {
namespace {

using base::parse_json;
using sample::Spec;
using sample::Thing;

// Every form with a value.
constexpr const char* full = R"({
  "title":"abc","size":3,"shiny":false,"ratio":2.5,"since":"2026-01-02T03:04:05Z",
  "beat":"2026-01-02T03:04:05.000006Z","weight":"1500m","port":"http","anything":[1,{"a":null}],
  "shape":{"type":"object"},"colour":"green","mode":"always",
  "parts":[{"name":"p","count":2},{"name":"q","zone":"z","count":1}],"tags":["a","b"],
  "labels":{"k":"v","":"empty"},"places":{"x":{"name":"here","count":1}},"maybe":false,
  "main":{"name":"m","count":9},"timeout":"1m","old":{"enabled":true,"hint":"h"},"gone":"g","ignored":"i"})";

TEST(Decode, FillsEveryForm) {
  Spec spec;
  EXPECT_EQ(base::format(decode(spec, parse_json(full), Unknown::refuse)), "");
  EXPECT_EQ(spec.size, 3);
  EXPECT_FALSE(spec.shiny);
  EXPECT_EQ(spec.weight.milli(), 1500);
  EXPECT_EQ(base::format(*spec.port), "http");
  EXPECT_EQ(spec.colour, sample::Colour::green);
  ASSERT_EQ(spec.parts.size(), 2u);
  EXPECT_EQ(spec.parts[1].zone, "z");
  EXPECT_EQ(spec.labels.at(""), "empty");
  EXPECT_EQ(spec.places.at("x").name, "here");
  EXPECT_EQ(spec.maybe, false);
  EXPECT_EQ(base::format_micro_time(spec.beat), "2026-01-02T03:04:05.000006Z");
}

TEST(Decode, GivesBackWhatEncodeWrote) {
  Spec spec;
  decode(spec, parse_json(full));
  EXPECT_EQ(encode(spec), parse_json(full));
  Spec again;
  decode(again, encode(spec));
  EXPECT_EQ(again, spec);
}

TEST(Decode, ReportsEverythingAtOnceWithItsPlace) {
  Thing thing;
  auto issues = decode(thing, parse_json(R"({"apiVersion":"example.org/v2","kind":7,"spec":{
      "size":"big","shiny":1,"since":"yesterday","weight":"heavy","port":true,"shape":[],
      "colour":"blue","parts":[{"name":"a"},{"zone":3},7],"tags":"a","labels":{"a":1,"b.c/d":2},
      "places":{"x":{"nam":"y"}},"beat":12,"ratio":"1","surprise":1}})"),
                       Unknown::refuse);
  std::vector<std::string> lines;
  for (const auto& issue : issues) lines.push_back(issue.path + ": " + issue.message);
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "apiVersion: must be example.org/v1, not \"example.org/v2\"",
                "kind: must be of type string, not integer",
                "spec.size: must be of type integer, not string",
                "spec.shiny: must be of type boolean, not integer",
                "spec.since: \"yesterday\" is not an RFC 3339 time; write 2026-01-02T03:04:05Z",
                "spec.weight: \"heavy\" is not a quantity; write 500m, 2 or 128Mi",
                "spec.port: must be of type integer or string, not boolean",
                "spec.shape: must be of type object, not array",
                "spec.colour: unsupported value \"blue\"; use one of: red, green",
                "spec.parts[1].zone: must be of type string, not integer",
                "spec.parts[1].name: is required",
                "spec.parts[2]: must be of type object, not integer",
                "spec.tags: must be of type array, not string",
                "spec.labels.a: must be of type string, not integer",
                "spec.labels[b.c/d]: must be of type string, not integer",
                "spec.places.x.nam: unknown field",
                "spec.places.x.name: is required",
                "spec.beat: must be of type string, not integer",
                "spec.ratio: must be of type number, not string",
                "spec.surprise: unknown field",
                "spec.title: is required",
            }));
}

// A tree of millions of wrong things must cost no more than reading it.
TEST(Decode, SaysOneHundredThingsAtMost) {
  base::JsonArray parts(100'000, base::Json(7));
  base::JsonObject labels;
  labels.emplace(std::string(100'000, 'k'), 1);
  const base::Json json{{"spec", {{"labels", labels}, {"parts", parts}}}};
  Thing thing;
  const auto issues = decode(thing, json);
  ASSERT_EQ(issues.size(), 101u);
  EXPECT_EQ(base::format({issues[1]}), "spec.parts[0]: must be of type object, not integer");
  EXPECT_EQ(base::format({issues.back()}), "and there is more");
  EXPECT_LT(issues.front().path.size(), 300u) << "a name is told in part";
  EXPECT_LT(thing.spec.parts.size(), 200u) << "the rest is not read";
}

TEST(Decode, IgnoresUnknownFieldsUnlessAsked) {
  Spec spec;
  auto json = parse_json(R"({"title":"abc","surprise":{"a":1},"main":{"name":"m","more":2}})");
  EXPECT_TRUE(decode(spec, json).empty());
  EXPECT_EQ(decode(spec, json, Unknown::refuse).size(), 2u);
}

TEST(Decode, KeepsWhatIsRightBesideWhatIsWrong) {
  Spec spec;
  auto issues = decode(spec, parse_json(R"({"size":"x","title":"kept","tags":["a",3,"b"]})"));
  EXPECT_EQ(issues.size(), 2u);
  EXPECT_EQ(spec.title, "kept");
  EXPECT_EQ(spec.size, 10);
  EXPECT_EQ(spec.tags, (std::vector<std::string>{"a", "", "b"}));
}

TEST(Decode, TakesNullAsAbsent) {
  Spec spec;
  auto issues = decode(
      spec, parse_json(R"({"title":null,"size":null,"parts":null,"maybe":null,"main":null})"));
  EXPECT_EQ(base::format(issues), "title: is required");
  EXPECT_EQ(spec.size, 10);
  EXPECT_FALSE(spec.maybe);
}

TEST(Decode, TakesWholeDoublesAsIntegersAndRefusesOthers) {
  Spec spec;
  EXPECT_TRUE(decode(spec, parse_json(R"({"title":"abc","size":5.0})")).empty());
  EXPECT_EQ(spec.size, 5);
  EXPECT_EQ(base::format(decode(spec, parse_json(R"({"title":"abc","size":5.5})"))),
            "size: must be of type integer, not number");
  EXPECT_EQ(
      base::format(decode(spec, parse_json(R"({"title":"abc","size":18446744073709551615})"))),
      "size: is too large for a 64-bit integer");
  EXPECT_EQ(base::format(decode(spec, parse_json(R"({"title":"abc","size":1e300})"))),
            "size: must be of type integer, not number");
}

TEST(Decode, StartsListsAndMapsAnew) {
  Spec spec;
  spec.tags = {"old"};
  spec.labels = {{"old", "x"}};
  decode(spec, parse_json(R"({"title":"abc","tags":["new"],"labels":{"new":"y"}})"));
  EXPECT_EQ(spec.tags, std::vector<std::string>{"new"});
  EXPECT_EQ(spec.labels.size(), 1u);
}

TEST(Decode, PutsAPrefixInFrontOfPaths) {
  Spec spec;
  EXPECT_EQ(decode(spec, parse_json("{}"), Unknown::ignore, "spec")[0].path, "spec.title");
  EXPECT_EQ(decode(spec, parse_json("[]"), Unknown::ignore, "spec")[0].path, "spec");
  EXPECT_EQ(decode(spec, parse_json("[]"))[0].path, "");
}

TEST(Encode, LeavesOutWhatIsEmptyButRequiredAndDefaulted) {
  EXPECT_EQ(
      base::to_text(encode(Spec{})),
      R"({"title":"","size":10,"shiny":true,"mode":"once","main":{"name":"","count":1},"old":{"enabled":false}})");
}

TEST(Encode, PutsApiVersionAndKindInFrontOfAWholeObject) {
  EXPECT_TRUE(base::to_text(encode(Thing{}))
                  .starts_with(R"({"apiVersion":"example.org/v1","kind":"Thing","spec":)"));
}

TEST(Read, ThrowsWithEveryIssue) {
  EXPECT_EQ(read<sample::Part>(parse_json(R"({"name":"a","new":1})")).name, "a");
  try {
    read<sample::Part>(parse_json(R"({"zone":1})"));
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::invalid);
    EXPECT_STREQ(error.what(),
                 "Part: zone: must be of type string, not integer; name: is required");
  }
}

TEST(Names, AreReadAndWritten) {
  EXPECT_EQ(name(sample::Mode::always), "always");
  EXPECT_EQ(parse_name<sample::Mode>("once"), sample::Mode::once);
  EXPECT_FALSE(parse_name<sample::Mode>("never"));
}

}  // namespace
}  // namespace schema
