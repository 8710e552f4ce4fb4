#include "kube/json_text.h"

#include <gtest/gtest.h>

#include <string>

namespace kube {
namespace {

TEST(JsonText, HasMembersOfEveryShape) {
  const std::string_view text =
      R"( { "a" : 1 , "b":"x,}\"" ,"c": {"a":[1,{"b":2}]}, "d":[ ], "e" :true} )";
  EXPECT_EQ(member_text(text, "a"), "1 ");
  EXPECT_EQ(member_text(text, "b"), R"("x,}\"")");
  EXPECT_EQ(member_text(text, "c"), R"({"a":[1,{"b":2}]})");
  EXPECT_EQ(member_text(text, "d"), "[ ]");
  EXPECT_EQ(member_text(text, "e"), "true");
  EXPECT_EQ(member_text(text, "f"), std::nullopt);
}

TEST(JsonText, HasElementsOfEveryShape) {
  using Texts = std::vector<std::string_view>;
  EXPECT_EQ(element_texts(R"([1,"],", {"a":[2]} ,[[]]])"),
            (Texts{"1", R"("],")", R"({"a":[2]})", "[[]]"}));
  EXPECT_EQ(element_texts("[ ]"), Texts{});
  EXPECT_EQ(element_texts("{}"), Texts{});
}

TEST(JsonText, IsWalkedHoweverDeep) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(member_text(R"({"a":)" + deep + R"(,"b":1})", "b"), "1");
}

TEST(JsonText, MayStopShort) {
  for (const std::string_view text :
       {"", "{", "{\"", "{\"a", "{\"a\\", "{\"a\"", "{\"a\":", "{\"b\":1,", "{:", "]", "{]", "{,"})
    EXPECT_EQ(member_text(text, "a").value_or(""), "") << text;
  EXPECT_EQ(element_texts("[[1,2"), (std::vector<std::string_view>{"[1,2"}));
}

}  // namespace
}  // namespace kube
