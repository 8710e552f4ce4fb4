#include "base/text.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Cat, JoinsTextsCharactersAndNumbers) {
  EXPECT_EQ(cat("pod ", std::string("a"), ' ', -3, '/', std::uint8_t(7)), "pod a -3/7");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("a,", ','), (std::vector<std::string>{"a", ""}));
  EXPECT_TRUE(split("", ',').empty());
  EXPECT_EQ(join(split("a,,b", ','), "+"), "a++b");
  EXPECT_EQ(join({}, "+"), "");
}

TEST(Trim, TakesWhiteSpaceOffBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(lower("AbÄ-1"), "abÄ-1");
}

TEST(ParseInt, TakesAWholeIntegerAndNothingElse) {
  EXPECT_EQ(parse_int("-42"), -42);
  EXPECT_EQ(parse_int("9223372036854775807"), INT64_MAX);
  for (auto text : {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808"})
    EXPECT_FALSE(parse_int(text)) << text;
}

TEST(Clip, CutsBeforeACharacterNeverInside) {
  EXPECT_EQ(clip("aä€😀", 100), "aä€😀");
  EXPECT_EQ(clip("aä€😀", 10), "aä€😀");
  EXPECT_EQ(clip("aä€😀", 9), "aä€");
  EXPECT_EQ(clip("aä€😀", 5), "aä");
  EXPECT_EQ(clip("aä€😀", 2), "a");
  EXPECT_EQ(clip("ä", 1), "");
  EXPECT_EQ(clip("abc", 0), "");
}

TEST(ValidUtf8, KnowsRfc3629) {
  for (auto text : {"", "a", "ä€😀", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
    EXPECT_TRUE(valid_utf8(text)) << text;
  for (auto text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3("})
    EXPECT_FALSE(valid_utf8(text)) << text;
}

TEST(DnsNames, FollowRfc1123) {
  for (auto text : {"a", "a-b", "0", "x9"}) EXPECT_TRUE(is_dns_label(text)) << text;
  for (auto text : {"", "-a", "a-", "A", "a.b", "a_b", "ä"})
    EXPECT_FALSE(is_dns_label(text)) << text;
  EXPECT_TRUE(is_dns_label(std::string(63, 'a')));
  EXPECT_FALSE(is_dns_label(std::string(64, 'a')));
  EXPECT_TRUE(is_dns_subdomain("a.b-c.d"));
  EXPECT_TRUE(is_dns_subdomain(std::string(253, 'a')));
  for (auto text : {"", ".", "a.", ".a", "a..b", "a.-b", "a.B"})
    EXPECT_FALSE(is_dns_subdomain(text)) << text;
  EXPECT_FALSE(is_dns_subdomain(std::string(254, 'a')));
}

}  // namespace
}  // namespace base
