#include "kube/status.h"

#include <gtest/gtest.h>

namespace kube {
namespace {

TEST(Status, BecomesACodeByItsReason) {
  const auto error = make_status_error(
      "creating Job demo/x", 409,
      R"({"kind":"Status","status":"Failure","message":"jobs.batch \"x\" already exists","reason":"AlreadyExists","code":409})",
      "");
  EXPECT_EQ(error.code(), base::Code::exists);
  EXPECT_EQ(error.http_status(), 409);
  EXPECT_STREQ(error.what(), "creating Job demo/x: exists: jobs.batch \"x\" already exists");
}

TEST(Status, BecomesACodeByHttpStatusWhenItHasNoReason) {
  EXPECT_EQ(make_status_error("x", 404, "404 page not found", "").code(), base::Code::not_found);
  EXPECT_EQ(make_status_error("x", 500, "", "").code(), base::Code::unavailable);
  EXPECT_EQ(make_status_error("x", 415, "", "").code(), base::Code::invalid);
  EXPECT_EQ(make_status_error("x", 429, "", "").code(), base::Code::unavailable);
}

TEST(Status, CarriesHowLongToWait) {
  using namespace std::chrono_literals;
  EXPECT_EQ(retry_after_of(make_status_error("x", 429, "", "7")), 7s);
  EXPECT_EQ(retry_after_of(make_status_error(
                "x", 504, R"({"reason":"ServerTimeout","details":{"retryAfterSeconds":3}})", "")),
            3s);
  EXPECT_EQ(retry_after_of(base::Error(base::Code::timeout, "x")), 0s);
}

TEST(Status, OfAWatchEventTellsExpiry) {
  const auto error = make_status_error(
      "watching jobs",
      base::parse_json(
          R"({"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"})"));
  EXPECT_EQ(error.code(), base::Code::gone);
}

}  // namespace
}  // namespace kube
