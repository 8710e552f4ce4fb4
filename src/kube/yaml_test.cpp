#include "kube/yaml.h"

#include <gtest/gtest.h>

namespace kube {
namespace {

base::Json one(std::string_view text) {
  auto documents = parse_yaml(text, "t.yaml");
  EXPECT_EQ(documents.size(), 1u);
  return documents.empty() ? base::Json() : documents[0].value;
}

std::string complaint(std::string_view text) {
  try {
    parse_yaml(text, "t.yaml");
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::invalid);
    return error.what();
  }
  return "nothing";
}

TEST(Yaml, TellsNumbersFromStringsByTheirQuotes) {
  EXPECT_EQ(base::to_text(one(
                "{a: 1, b: \"1\", c: '1', d: 1.5, e: 0x1f, f: 0644, g: 1_000, h: -7, i: 1.30.0}")),
            R"({"a":1,"b":"1","c":"1","d":1.5E0,"e":31,"f":420,"g":1000,"h":-7,"i":"1.30.0"})");
}

TEST(Yaml, KnowsTheBooleansAndNullsOfYaml11) {
  EXPECT_EQ(base::to_text(one("[yes, No, on, OFF, true, ~, null, 'yes', Yess]")),
            R"([true,false,true,false,true,null,null,"yes","Yess"])");
}

TEST(Yaml, KeepsWholeInt64AndBeyondAsText) {
  EXPECT_EQ(one("a: 9223372036854775807").at("a").as_int64(), INT64_MAX);
  EXPECT_EQ(one("a: -9223372036854775808").at("a").as_int64(), INT64_MIN);
  EXPECT_FALSE(one("a: 9223372036854775808").at("a").is_int64());
}

TEST(Yaml, ReadsManyDocumentsAndSaysWhereTheyBegin) {
  auto documents = parse_yaml("# head\nkind: A\n---\n---\nkind: B\n", "t.yaml");
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].line, 2);
  EXPECT_EQ(documents[1].line, 5);
  EXPECT_EQ(base::text_at(documents[1].value, {"kind"}), "B");
}

TEST(Yaml, FollowsAnchorsAndMergeKeys) {
  EXPECT_EQ(base::to_text(one("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n")),
            R"({"base":{"x":1,"y":2},"use":{"y":3,"x":1}})");
}

TEST(Yaml, KeepsBlockText) {
  EXPECT_EQ(base::text_at(one("t: |\n  a\n   b\n\nu: >\n  c\n  d\n"), {"t"}), "a\n b\n");
}

TEST(Yaml, NamesLineAndColumnOfWhatIsWrong) {
  EXPECT_EQ(complaint("a: 1\nb: [1, 2\nc: 3\n").substr(0, 22), "t.yaml: line 3, column");
  EXPECT_EQ(complaint("a: 1\nb: 2\na: 3\n"), "t.yaml: line 3, column 1: key \"a\" is given twice");
  EXPECT_EQ(complaint("a: *b\n"), "t.yaml: line 1, column 4: alias *b has no anchor before it");
  EXPECT_EQ(complaint("? [a]\n: b\n"), "t.yaml: line 1, column 3: a key must be a string");
}

TEST(Yaml, RefusesABombOfAliases) {
  std::string text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k ? ", " : "") + last;
    text += "]\n";
  }
  EXPECT_NE(complaint(text).find("expands to more than"), std::string::npos);
}

TEST(Yaml, WritesWhatItReadsBack) {
  const base::Json value = base::parse_json(
      R"({"kind":"Agent","n":1,"s":"1","yes":"yes","empty":"","list":["a",{"b":1,"c":[1,2]},[],{}],)"
      R"("text":"one\n  two\n\nthree\n","tail":"x\n\n","colon":"a: b","hash":"a #b","star":"*x","null":null,"t":true})");
  const std::string text = format_yaml(value);
  EXPECT_EQ(one(text), value) << text;
  EXPECT_NE(text.find("kind: Agent\n"), std::string::npos);
  EXPECT_NE(text.find("text: |\n  one\n    two\n\n  three\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace kube
