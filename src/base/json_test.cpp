#include "base/json.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(ParseJson, ReadsOneDocumentWithSpaceAround) {
  Json value = parse_json(" {\"a\": [1, 2.5, null, true, \"x\"]} \n");
  EXPECT_EQ(to_text(value), R"({"a":[1,2.5E0,null,true,"x"]})");
}

TEST(ParseJson, KeepsIntegersExact) {
  EXPECT_EQ(parse_json("9007199254740993").as_int64(), 9007199254740993);
  EXPECT_EQ(parse_json("-9223372036854775808").as_int64(), INT64_MIN);
  EXPECT_EQ(parse_json("18446744073709551615").as_uint64(), UINT64_MAX);
}

TEST(ParseJson, NamesTheLineAndColumnOfAMistake) {
  try {
    parse_json("{\n  \"a\": 1,\n  \"b\": oops\n}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid);
    EXPECT_TRUE(std::string(error.what()).starts_with("line 3, column 8: not JSON"))
        << error.what();
  }
}

TEST(ParseJson, RefusesWhatIsNotOneDocument) {
  for (auto text : {"", "   ", "{} {}", "{\"a\":}", "[1,]", "nul", "{\"a\":1", "\"\x01\"",
                    "\"\xff\"", "01", "NaN", "'a'"})
    EXPECT_THROW(parse_json(text), Error) << text;
}

TEST(ParseJson, RefusesTooDeepNesting) {
  EXPECT_NO_THROW(parse_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_THROW(parse_json(std::string(65, '[') + std::string(65, ']')), Error);
}

TEST(Find, FollowsKeysAndStopsWhereThereIsNone) {
  Json value = parse_json(R"({"a":{"b":{"n":7,"s":"x","t":true}},"l":[1]})");
  EXPECT_EQ(find_int(value, {"a", "b", "n"}), 7);
  EXPECT_EQ(text_at(value, {"a", "b", "s"}), "x");
  EXPECT_EQ(find_bool(value, {"a", "b", "t"}), true);
  EXPECT_EQ(find(value, {"a", "c", "n"}), nullptr);
  EXPECT_EQ(find(value, {"l", "0"}), nullptr);
  EXPECT_EQ(find(value, {}), &value);
  EXPECT_FALSE(find_string(value, {"a", "b", "n"}));
  EXPECT_FALSE(find_int(value, {"a", "b", "s"}));
  EXPECT_EQ(text_at(value, {"a"}), "");
}

TEST(Ensure, MakesObjectsOnTheWay) {
  Json value = parse_json(R"({"a":1})");
  ensure(value, {"a", "b"}) = 2;
  EXPECT_EQ(to_text(value), R"({"a":{"b":2}})");
}

struct PatchCase {
  const char *original, *patch, *result;
};

// RFC 7386, appendix A.
TEST(MergePatch, FollowsTheRfcVectors) {
  constexpr PatchCase cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& c : cases) {
    Json target = parse_json(c.original);
    merge_patch(target, parse_json(c.patch));
    EXPECT_EQ(target, parse_json(c.result)) << c.original << " + " << c.patch;
  }
}

TEST(MergeDiff, TurnsOneIntoTheOther) {
  constexpr std::pair<const char*, const char*> cases[] = {
      {R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":1,"b":{"c":5},"e":[1]})"},
      {R"({"a":{"b":1}})", R"({"a":{}})"},
      {R"({"a":1})", R"({"a":{"b":2}})"},
      {R"({"a":{"b":2}})", R"({"a":"x"})"},
      {R"({"a":[1,2]})", R"({"a":[2]})"},
      {R"({})", R"({"a":{"b":{}}})"},
  };
  for (const auto& [from, to] : cases) {
    Json value = parse_json(from);
    merge_patch(value, merge_diff(parse_json(from), parse_json(to)));
    EXPECT_EQ(value, parse_json(to)) << from;
  }
}

TEST(MergeDiff, SaysOnlyWhatDiffers) {
  EXPECT_EQ(to_text(merge_diff(parse_json(R"({"a":1,"b":2})"), parse_json(R"({"b":2,"a":1})"))),
            "{}");
  EXPECT_EQ(to_text(merge_diff(parse_json(R"({"a":{"x":1,"y":2},"b":2})"),
                               parse_json(R"({"a":{"x":1,"y":3},"b":2})"))),
            R"({"a":{"y":3}})");
}

TEST(FirstDifference, IsAPointerToIt) {
  const auto between = [](const char* one, const char* other) {
    return first_difference(parse_json(one), parse_json(other));
  };
  EXPECT_EQ(between(R"({"a":1,"b":[{"c":2}]})", R"({"b":[{"c":2.0}],"a":1})"), std::nullopt);
  EXPECT_EQ(between(R"({"a":1,"b":[{"c":2}]})", R"({"a":1,"b":[{"c":3}]})"), "/b/0/c");
  EXPECT_EQ(between(R"({"b":1})", R"({"a/~":1,"b":2})"), "/a~1~0");
  EXPECT_EQ(between("[1,2]", "[1,2,3]"), "/2");
  EXPECT_EQ(between("[]", "{}"), "");
}

// RFC 8785, sections 3.2.2 to 3.2.4.
TEST(Canonical, FollowsTheRfcExample) {
  Json value = parse_json(
      R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],)"
      R"("string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
  EXPECT_EQ(canonical(value),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
            "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST(Canonical, SortsKeysByUtf16CodeUnits) {
  Json value = parse_json(
      R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",)"
      R"("1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin"})");
  EXPECT_EQ(
      canonical(value),
      "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":"
      "\"Latin\",\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\","
      "\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785, appendix B.
TEST(Canonical, WritesNumbersAsEcmaScriptDoes) {
  constexpr std::pair<const char*, const char*> cases[] = {
      {"0.0", "0"},
      {"-0.0", "0"},
      {"5e-324", "5e-324"},
      {"-5e-324", "-5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"9007199254740992.0", "9007199254740992"},
      {"295147905179352830000.0", "295147905179352830000"},
      {"9.999999999999997e22", "9.999999999999997e+22"},
      {"1e23", "1e+23"},
      {"1e21", "1e+21"},
      {"999999999999999700000.0", "999999999999999700000"},
      {"9.999999999999997e-7", "9.999999999999997e-7"},
      {"0.000001", "0.000001"},
      {"333333333.3333332", "333333333.3333332"},
      {"-0.0000033333333333333333", "-0.0000033333333333333333"},
      {"1424953923781206.2", "1424953923781206.2"},
      {"1.0", "1"},
      {"-7", "-7"},
      {"9223372036854775807", "9223372036854775807"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(canonical(parse_json(text)), wanted) << text;
}

TEST(Canonical, EscapesControlCharactersInLowerCase) {
  EXPECT_EQ(canonical(Json("\b\t\n\f\r\x1f\x7f/")), "\"\\b\\t\\n\\f\\r\\u001f\x7f/\"");
}

}  // namespace
}  // namespace base
