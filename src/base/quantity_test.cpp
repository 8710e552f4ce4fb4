#include "base/quantity.h"

#include <gtest/gtest.h>

namespace base {
namespace {

std::string canonical_of(std::string_view text) {
  auto quantity = Quantity::parse(text);
  return quantity ? quantity->format() : "not a quantity";
}

// The cases of k8s.io/apimachinery's resource.Quantity tests that matter here.
TEST(Quantity, HasOneCanonicalText) {
  constexpr std::pair<const char*, const char*> cases[] = {
      {"0", "0"},           {"0m", "0"},
      {"0Ki", "0"},         {"-0", "0"},
      {"1", "1"},           {"1000", "1k"},
      {"1000m", "1"},       {"1.5", "1500m"},
      {"0.5", "500m"},      {"100m", "100m"},
      {"1500m", "1500m"},   {"2000m", "2"},
      {"1.0", "1"},         {".5", "500m"},
      {"1.", "1"},          {"+3", "3"},
      {"128Mi", "128Mi"},   {"1024Mi", "1Gi"},
      {"0.5Gi", "512Mi"},   {"1.5Ki", "1536"},
      {"1536Ki", "1536Ki"}, {"1048576", "1048576"},
      {"1000k", "1M"},      {"1M", "1M"},
      {"1Ei", "1Ei"},       {"0.1Ki", "102400m"},
      {"1023Ki", "1023Ki"}, {"-5Ki", "-5Ki"},
      {"1e3", "1e3"},       {"1E3", "1e3"},
      {"12e6", "12e6"},     {"1e4", "10e3"},
      {"1e-3", "1e-3"},     {"100e0", "100"},
      {"1E", "1E"},         {"1n", "1n"},
      {"0.1n", "1n"},       {"1.0000000001", "1000000001n"},
      {"-1.5", "-1500m"},   {"9223372036854775807", "9223372036854775807"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(canonical_of(text), wanted) << text;
}

TEST(Quantity, StaysTheSameWhenReadAgain) {
  for (auto text : {"100m", "128Mi", "12e6", "1500m", "7n", "1k", "3"})
    EXPECT_EQ(canonical_of(canonical_of(text)), text);
}

TEST(Quantity, IsCappedNotWrapped) {
  EXPECT_EQ(Quantity::parse("99999999999999999999")->whole(), INT64_MAX);
  EXPECT_EQ(Quantity::parse("100Ei")->whole(), INT64_MAX);
  EXPECT_EQ(Quantity::parse("-1e50")->whole(), -INT64_MAX);
  EXPECT_EQ(Quantity::parse("1e-50")->milli(), 1);
  EXPECT_EQ(Quantity::parse("100P")->milli(), INT64_MAX);
}

TEST(Quantity, RefusesWhatIsNot) {
  for (auto text : {"", "-", "+", ".", "1.1.1", "1 ", " 1", "1x", "1mi", "1KI", "1kk", "1e",
                    "1e1.5", "1e+-3", "Mi", "--1", "1e9999", "0x10", "NaN"})
    EXPECT_FALSE(Quantity::parse(text)) << text;
}

TEST(Quantity, ComparesAmountsNotTexts) {
  EXPECT_EQ(*Quantity::parse("1Ki"), *Quantity::parse("1024"));
  EXPECT_EQ(*Quantity::parse("1000m"), Quantity::of(1));
  EXPECT_LT(*Quantity::parse("999m"), Quantity::of(1));
  EXPECT_GT(*Quantity::parse("1Gi"), *Quantity::parse("1G"));
  EXPECT_LT(*Quantity::parse("-1"), Quantity());
}

TEST(Quantity, RoundsUp) {
  EXPECT_EQ(Quantity::parse("1500m")->whole(), 2);
  EXPECT_EQ(Quantity::parse("1u")->milli(), 1);
  EXPECT_EQ(Quantity::parse("-1500m")->whole(), -1);
  EXPECT_EQ(Quantity::parse("128Mi")->whole(), 134217728);
  EXPECT_EQ(Quantity::parse("0.25")->milli(), 250);
}

TEST(Quantity, AddsUp) {
  Quantity sum = *Quantity::parse("64Mi");
  sum += *Quantity::parse("64Mi");
  EXPECT_EQ(sum.format(), "128Mi");
  sum = Quantity::of_milli(250);
  sum += Quantity::of(1);
  EXPECT_EQ(sum.format(), "1250m");
}

TEST(IntOrString, IsEither) {
  EXPECT_EQ(format(IntOrString{std::int64_t(80)}), "80");
  EXPECT_EQ(format(IntOrString{std::string("http")}), "http");
  EXPECT_NE(IntOrString{std::int64_t(80)}, IntOrString{std::string("80")});
}

}  // namespace
}  // namespace base
