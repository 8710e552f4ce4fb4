#include "schema/yaml.h"

#include <gtest/gtest.h>

namespace schema {
namespace {

std::string yaml_of(const char* json) { return format_yaml(base::parse_json(json)); }

TEST(FormatYaml, WritesBlocks) {
  EXPECT_EQ(
      yaml_of(R"({"a":{"b":1,"c":[1,{"d":2,"e":[]},[3,4],[]]},"f":{},"g":null,"h":true,"i":2.5})"),
      "a:\n"
      "  b: 1\n"
      "  c:\n"
      "  - 1\n"
      "  - d: 2\n"
      "    e: []\n"
      "  - - 3\n"
      "    - 4\n"
      "  - []\n"
      "f: {}\n"
      "g: null\n"
      "h: true\n"
      "i: 2.5E0\n");
}

TEST(FormatYaml, QuotesWhatWouldBeReadAsSomethingElse) {
  EXPECT_EQ(
      yaml_of(
          R"(["plain text","true","No","1","1e3","0x1f","2026-01-02","","a: b","a #b","a#b","a:b","- x",
      "*x","&x","!x","%x","@x","`x","{x","[x","|x",">x","'x","\"x","#x","?x"," x","x ","x:","~","null","on","a\tb",
      "/bin/true","_x","ä","x€","12:30","=","<<"])"),
      "- plain text\n- \"true\"\n- \"No\"\n- \"1\"\n- \"1e3\"\n- \"0x1f\"\n- \"2026-01-02\"\n- "
      "\"\"\n"
      "- \"a: b\"\n- \"a #b\"\n- a#b\n- a:b\n- \"- x\"\n- \"*x\"\n- \"&x\"\n- \"!x\"\n- \"%x\"\n- "
      "\"@x\"\n"
      "- \"`x\"\n- \"{x\"\n- \"[x\"\n- \"|x\"\n- \">x\"\n- \"'x\"\n- \"\\\"x\"\n- \"#x\"\n- "
      "\"?x\"\n"
      "- \" x\"\n- \"x \"\n- \"x:\"\n- \"~\"\n- \"null\"\n- \"on\"\n- \"a\\tb\"\n- /bin/true\n- "
      "_x\n"
      "- \"ä\"\n- x€\n- \"12:30\"\n- \"=\"\n- \"<<\"\n");
}

TEST(FormatYaml, WritesTextsOfSeveralLinesAsBlocksWhereExact) {
  EXPECT_EQ(yaml_of(R"({"a":"one\n\ntwo\n","b":{"c":"x\n  y\n"},"d":["p\nq\n"]})"),
            "a: |\n  one\n\n  two\nb:\n  c: |\n    x\n      y\nd:\n- |\n  p\n  q\n");
  EXPECT_EQ(yaml_of(R"({"a":"no end","b":"two\nends\n\n","c":" first\n","d":"x\ny"})"),
            "a: no end\nb: \"two\\nends\\n\\n\"\nc: \" first\\n\"\nd: \"x\\ny\"\n");
}

TEST(FormatYaml, WritesScalarsAlone) {
  EXPECT_EQ(yaml_of("7"), "7\n");
  EXPECT_EQ(yaml_of("{}"), "{}\n");
  EXPECT_EQ(yaml_of("\"x\""), "x\n");
  EXPECT_EQ(yaml_of("[]"), "[]\n");
}

TEST(FormatYaml, QuotesKeys) {
  EXPECT_EQ(yaml_of(R"({"true":1,"a b":2,"1":3,"x.io/y":4,"":5})"),
            "\"true\": 1\na b: 2\n\"1\": 3\nx.io/y: 4\n\"\": 5\n");
}

}  // namespace
}  // namespace schema
