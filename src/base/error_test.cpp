#include "base/error.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Error, KeepsItsCodeWhenWordsAreAdded) {
  Error error = within("applying Job x", Error(Code::conflict, "somebody was faster"));
  EXPECT_EQ(error.code(), Code::conflict);
  EXPECT_STREQ(error.what(), "applying Job x: somebody was faster");
}

TEST(Error, HasANameForEachCode) {
  EXPECT_EQ(name(Code::not_found), "not_found");
  EXPECT_EQ(name(Code::internal), "internal");
}

TEST(Issues, AreOneLine) {
  EXPECT_EQ(format({{"spec.a", "is required"}, {"", "unreadable"}}),
            "spec.a: is required; unreadable");
  EXPECT_EQ(format(Issues{}), "");
}

}  // namespace
}  // namespace base
