#include "cli/live.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace cli {
namespace {

protocol::ModelDelta piece(std::int64_t turn, std::int64_t offset, const std::string& text) {
  return {.turn = turn, .intent = turn * 10, .offset = offset, .text = text};
}
protocol::ModelDelta end(std::int64_t turn, std::int64_t offset) {
  return {.turn = turn, .intent = turn * 10, .offset = offset, .ended = true, .outcome = "u/9"};
}
std::string stamped(std::string_view head) { return base::cat("0.1s ", head); }
const std::string step = R"({"type":"turn","turn":1,"text":"hello\nyou","inputTokens":1})";

TEST(LiveText, GrowsBelowItsHead) {
  LiveText live(stamped);
  EXPECT_EQ(live.add(piece(1, 0, "hello")), "0.1s … turn 1\n  hello");
  EXPECT_EQ(live.add(piece(1, 5, "\nyou")), "\n  you");
  EXPECT_EQ(live.add(end(1, 9)), "\n");
  EXPECT_EQ(live.close(), "");
}

TEST(LiveText, ShowsNothingTwiceAndSaysWhatIsMissing) {
  LiveText live(stamped);
  live.add(piece(1, 0, "hello"));
  EXPECT_EQ(live.add(piece(1, 0, "hello")), "") << "the stream was taken up again";
  EXPECT_EQ(live.add(piece(1, 3, "lo, you")), ", you");
  EXPECT_EQ(live.add(piece(1, 20, "end")), "[…] end");
}

TEST(LiveText, GoesOnBehindALineOfOthers) {
  LiveText live(stamped);
  live.add(piece(1, 0, "one"));
  EXPECT_EQ(live.close(), "\n");
  EXPECT_EQ(live.add(piece(1, 3, "!")), "0.1s … turn 1\n  !");
  EXPECT_EQ(live.add(piece(2, 0, "two")), "\n0.1s … turn 2\n  two");
  EXPECT_EQ(live.add(end(1, 4)), "") << "another one is open";
}

TEST(LiveText, LeavesAStepWithoutTheTextThatHasGrown) {
  LiveText live(stamped);
  live.add(piece(1, 0, "hello"));
  live.add(piece(1, 5, "\nyou and more"));
  EXPECT_EQ(live.rest_of(step), R"({"type":"turn","turn":1,"text":"","inputTokens":1})");
  EXPECT_EQ(live.add(piece(1, 18, "late")), "") << "it was told";
  EXPECT_EQ(live.rest_of("no step"), "no step");
  EXPECT_EQ(live.rest_of("{no json"), "{no json");
}

TEST(LiveText, LeavesAStepAsItIsWhenItsTextWasNotSeen) {
  LiveText silent(stamped);
  EXPECT_EQ(silent.rest_of(step), step);
  EXPECT_EQ(silent.add(piece(1, 0, "hello")), "") << "it came behind its step";
  LiveText late(stamped);
  late.add(piece(1, 3, "lo\nyou"));
  EXPECT_EQ(late.rest_of(step), step);
}

TEST(LiveText, ATurnThatIsAskedAnewBeginsAnew) {
  LiveText live(stamped);
  live.add(piece(1, 0, "he"));
  protocol::ModelDelta again = piece(1, 0, "hello");
  again.intent = 99;
  EXPECT_EQ(live.add(again), "\n0.1s … turn 1\n  hello");
}

TEST(LiveText, SteersNoTerminal) {
  LiveText live(stamped);
  EXPECT_EQ(live.add(piece(1, 0, "\x1b[2J")).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace cli
