#include "base/encoding.h"

#include <gtest/gtest.h>

namespace base {
namespace {

// RFC 4648, section 10.
TEST(Base64, FollowsTheRfcVectors) {
  constexpr std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base64(plain), encoded);
    EXPECT_EQ(parse_base64(encoded), plain);
  }
}

TEST(Base64, TakesLineBreaksAndMissingPadding) {
  EXPECT_EQ(parse_base64("Zm9v\nYmFy\r\n"), "foobar");
  EXPECT_EQ(parse_base64("Zm8"), "fo");
}

TEST(Base64, RefusesWhatIsNot) {
  for (auto text : {"Z", "Zg===", "Zg==Zg==", "Zm9v!", "Zm_v", "Zh==", "Z g="})
    EXPECT_FALSE(parse_base64(text)) << text;
}

TEST(Base64url, UsesItsOwnAlphabetWithoutPadding) {
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(parse_base64url("-__-"), "\xfb\xff\xfe");
  EXPECT_FALSE(parse_base64url("+//+"));
}

TEST(Hex, IsLowerCaseAndReadsBoth) {
  EXPECT_EQ(hex(std::string_view("\x00\xab\xff", 3)), "00abff");
  EXPECT_EQ(parse_hex("00ABff"), std::string("\x00\xab\xff", 3));
  EXPECT_FALSE(parse_hex("0"));
  EXPECT_FALSE(parse_hex("0g"));
}

TEST(UrlEscape, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(url_escape("a-b_c.d~e /?&=+%ä"), "a-b_c.d~e%20%2F%3F%26%3D%2B%25%C3%A4");
  EXPECT_EQ(url_unescape("a%20b+c%2f%C3%A4"), "a b+c/ä");
  for (auto text : {"%", "%4", "%4g", "a%"}) EXPECT_FALSE(url_unescape(text)) << text;
}

}  // namespace
}  // namespace base
