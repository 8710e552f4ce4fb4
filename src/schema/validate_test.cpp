#include "schema/validate.h"

#include <gtest/gtest.h>

#include "schema/format.h"
#include "schema/sample_test.h"

namespace schema {
namespace {

using base::parse_json;
using sample::Spec;

std::string issues_of(const char* text) {
  return base::format(validate(Spec::table, parse_json(text), Unknown::refuse));
}

TEST(Validate, AcceptsWhatIsRight) {
  EXPECT_EQ(issues_of(R"({"title":"abc","size":-5,"tags":["a","b"],"timeout":"1h30m",
      "parts":[{"name":"a"},{"name":"a","zone":"z"},{"name":"b","count":9}]})"),
            "");
}

TEST(Validate, ChecksLengthsRangesAndFormats) {
  EXPECT_EQ(issues_of(R"({"title":"a"})"), "title: must have at least 2 characters");
  EXPECT_EQ(issues_of(R"({"title":"abcdefghi"})"), "title: must have at most 8 characters, not 9");
  EXPECT_EQ(issues_of(R"({"title":"abc","main":{"name":"m","count":0}})"),
            "main.count: 0 is less than 1");
  EXPECT_EQ(issues_of(R"({"title":"abc","main":{"name":"m","count":10}})"),
            "main.count: 10 is more than 9");
  EXPECT_EQ(issues_of(R"({"title":"abc","timeout":"soon"})"),
            "timeout: \"soon\" is not valid; write a duration such as 90s, 10m or 1h30m");
  EXPECT_EQ(issues_of(R"({"title":"abc","tags":["ok","Not"]})"),
            "tags[1]: \"Not\" is not valid; write a name of lower-case letters, digits and '-', at "
            "most 63 "
            "characters");
  EXPECT_EQ(
      issues_of(
          R"({"title":"abc","parts":[{"name":"1"},{"name":"2"},{"name":"3"},{"name":"4"},{"name":"5"}]})"),
      "parts: must have at most 4 elements, not 5");
}

TEST(Validate, FindsDuplicates) {
  EXPECT_EQ(issues_of(R"({"title":"abc","tags":["a","b","a"]})"),
            "tags[2]: is a duplicate of [0]: \"a\"");
  EXPECT_EQ(
      issues_of(
          R"({"title":"abc","parts":[{"name":"a","zone":"z"},{"name":"a"},{"name":"a","zone":"z"}]})"),
      "parts[2]: is a duplicate of [0]: name \"a\", zone \"z\"");
}

TEST(Validate, NamesARefusedFieldAndTheFix) {
  EXPECT_EQ(issues_of(R"({"title":"abc","gone":"x"})"),
            "gone: is not supported by this version; remove it");
  EXPECT_EQ(issues_of(R"({"title":"abc","old":{"enabled":true}})"),
            "old: is not supported by this version; remove it");
  EXPECT_EQ(issues_of(R"({"title":"abc","old":{"hint":"x"}})"),
            "old: is not supported by this version; remove it");
}

TEST(Validate, AcceptsARefusedFieldThatSaysNoMoreThanItsDefault) {
  EXPECT_EQ(issues_of(R"({"title":"abc","gone":"","old":{"enabled":false,"hint":""}})"), "");
  EXPECT_EQ(issues_of(R"({"title":"abc","gone":null,"old":{}})"), "");
}

TEST(Validate, ReportsTypesAndRulesTogether) {
  EXPECT_EQ(issues_of(R"({"title":7,"gone":"x","surprise":1})"),
            "title: must be of type string, not integer; gone: is not supported by this version; "
            "remove it; "
            "surprise: unknown field");
}

TEST(Validate, TakesAStruct) {
  Spec spec;
  spec.title = "abc";
  spec.main.name = "m";
  EXPECT_EQ(base::format(validate(spec, "spec")), "");
  spec.gone = "x";
  EXPECT_EQ(base::format(validate(spec, "spec")),
            "spec.gone: is not supported by this version; remove it");
}

TEST(ApplyDefaults, FillsObjectsThatAreThere) {
  auto json = parse_json(
      R"({"size":null,"parts":[{"name":"a"},{"count":3}],"places":{"x":{}},"maybe":true})");
  apply_defaults(Spec::table, json);
  EXPECT_EQ(json, parse_json(R"({"size":10,"shiny":true,"mode":"once","maybe":true,
      "parts":[{"name":"a","count":1},{"count":3}],"places":{"x":{"count":1}}})"));
}

TEST(ApplyDefaults, LeavesWhatIsWrongForValidation) {
  for (auto text : {"[]", "7", "{\"parts\":7,\"shiny\":true,\"size\":1,\"mode\":\"once\"}"}) {
    auto json = parse_json(text);
    apply_defaults(Spec::table, json);
    EXPECT_EQ(json, parse_json(text));
  }
}

TEST(Prune, TakesOutWhatIsUnknownAtAnyDepth) {
  auto json = parse_json(
      R"({"apiVersion":"v","kind":"k","x":1,"spec":{"title":"a","y":2,"shape":{"keep":{"me":1}},
      "parts":[{"name":"a","z":3}],"places":{"p":{"name":"n","w":4}},"labels":{"any":"v"},"anything":{"b":1}}})");
  prune(sample::Thing::table, json);
  EXPECT_EQ(json, parse_json(
                      R"({"apiVersion":"v","kind":"k","spec":{"title":"a","shape":{"keep":{"me":1}},
      "parts":[{"name":"a"}],"places":{"p":{"name":"n"}},"labels":{"any":"v"},"anything":{"b":1}}})"));
}

TEST(ValidateUpdate, NamesImmutableFieldsThatChange) {
  auto before = parse_json(R"({"spec":{"title":"a","main":{"name":"m"}}})");
  auto after = parse_json(R"({"spec":{"title":"b","main":{"name":"n"}}})");
  EXPECT_TRUE(validate_update(sample::Thing::table, before, after).empty());
  base::ensure(before, {"spec", "old", "hint"}) = "x";
  EXPECT_EQ(base::format(validate_update(sample::Thing::table, before, after)),
            "spec.main: cannot be changed; make a new object");
  EXPECT_TRUE(validate_update(sample::Thing::table, before, before).empty());
}

TEST(Warnings, NameInertFields) {
  EXPECT_EQ(base::format(warnings(sample::Thing::table, parse_json(R"({"spec":{"ignored":"x"}})"))),
            "spec.ignored: has no effect here");
  EXPECT_TRUE(warnings(sample::Thing::table, parse_json(R"({"spec":{"ignored":""}})")).empty());
}

TEST(Format, MatchesWhatItSays) {
  EXPECT_TRUE(matches(Format::go_duration, "1.5h"));
  EXPECT_FALSE(matches(Format::go_duration, "-1s"));
  EXPECT_FALSE(matches(Format::go_duration, "0"));
  EXPECT_TRUE(matches(Format::http_url, "http://127.0.0.1:9411/v1"));
  for (auto text : {"", "http://", "https:///x", "ftp://a", "127.0.0.1", "http://a b"})
    EXPECT_FALSE(matches(Format::http_url, text)) << text;
  EXPECT_TRUE(matches(Format::tool_name, "run_it2"));
  EXPECT_FALSE(matches(Format::tool_name, "Run"));
  EXPECT_FALSE(matches(Format::tool_name, "run-it"));
  EXPECT_TRUE(matches(Format::env_name, "_A1"));
  EXPECT_FALSE(matches(Format::env_name, "1A"));
  EXPECT_TRUE(matches(Format::dns_subdomain, "a.b"));
}

}  // namespace
}  // namespace schema
