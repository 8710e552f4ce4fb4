#include "base/time.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using namespace std::chrono_literals;

TEST(FormatTime, WritesWholeSecondsInUtc) {
  EXPECT_EQ(format_time(Time(1'767'323'045'999ms)), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_time(Time(0ms)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(Time(-1ms)), "1969-12-31T23:59:59Z");
}

TEST(FormatTime, WritesMicroAndMilliseconds) {
  EXPECT_EQ(format_micro_time(MicroTime(1'767'323'045'000'006us)), "2026-01-02T03:04:05.000006Z");
  EXPECT_EQ(format_time_millis(Time(1'767'323'045'006ms)), "2026-01-02T03:04:05.006Z");
}

TEST(ParseTime, ReadsFractionsAndOffsets) {
  MicroTime wanted(1'767'323'045'000'000us);
  EXPECT_EQ(parse_time("2026-01-02T03:04:05Z"), wanted);
  EXPECT_EQ(parse_time("2026-01-02t03:04:05z"), wanted);
  EXPECT_EQ(parse_time("2026-01-02T04:34:05+01:30"), wanted);
  EXPECT_EQ(parse_time("2026-01-01T19:04:05-08:00"), wanted);
  EXPECT_EQ(parse_time("2026-01-02T03:04:05.5Z"), wanted + 500ms);
  EXPECT_EQ(parse_time("2026-01-02T03:04:05.123456789Z"), wanted + 123456us);
  EXPECT_EQ(parse_time("2024-02-29T00:00:00Z"), MicroTime(1'709'164'800'000'000us));
}

TEST(ParseTime, RefusesWhatIsNotATime) {
  for (auto text : {"", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z",
                    "2025-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z",
                    "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+1:00",
                    "26-01-02T03:04:05Z", "2026-01-02T03:04:05+24:00"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(ParseTime, ReadsWhatWasFormatted) {
  for (auto at : {0us, 1'767'323'045'000'006us, -1us, 253'402'300'799'999'999us})
    EXPECT_EQ(parse_time(format_micro_time(MicroTime(at))), MicroTime(at));
}

TEST(ParseDuration, ReadsGoDurations) {
  constexpr std::pair<const char*, Duration> cases[] = {
      {"0", 0ms},         {"0s", 0ms},      {"250ms", 250ms},          {"1.5s", 1500ms},
      {"10m", 10min},     {"1h30m", 90min}, {"1h0m0.5s", 3'600'500ms}, {"-2s", -2000ms},
      {"+3s", 3000ms},    {".5s", 500ms},   {"1.s", 1000ms},           {"1500us", 2ms},
      {"1000000ns", 1ms}, {"2µs", 0ms},     {"100h", 360'000s},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(parse_duration(text), wanted) << text;
}

TEST(ParseDuration, RefusesWhatIsNotADuration) {
  for (auto text :
       {"", "5", "1d", "s", ".s", "-", "1m 2s", "--1s", "1e3s", "1sx", "99999999999999999999h"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(FormatDuration, WritesAsGoDoes) {
  constexpr std::pair<Duration, const char*> cases[] = {
      {0ms, "0s"},        {250ms, "250ms"}, {1s, "1s"},
      {1500ms, "1.5s"},   {90s, "1m30s"},   {1h, "1h0m0s"},
      {90min, "1h30m0s"}, {-90s, "-1m30s"}, {3'600'007ms, "1h0m0.007s"},
  };
  for (const auto& [duration, wanted] : cases) {
    EXPECT_EQ(format_duration(duration), wanted);
    EXPECT_EQ(parse_duration(wanted), duration);
  }
}

}  // namespace
}  // namespace base
