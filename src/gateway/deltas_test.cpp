#include "gateway/deltas.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace gateway {
namespace {

using base::cat;
using Texts = std::vector<std::string>;

LiveCall call_of(const std::string& run, std::int64_t turn = 1) {
  return {.ns = "n", .name = run + "-name", .run = run, .fence = {1, 1}, .turn = turn, .intent = 2};
}

// All that is there, in words: "a/1 0:text", "a/1 4 end 3", "-2" for lost bytes.
Texts read_all(Deltas::Reader& reader) {
  Texts out;
  while (const auto delta = reader.take()) {
    std::string line = cat(delta->call->run, "/", delta->call->turn, " ", delta->offset);
    if (delta->lost > 0) line += cat(" lost ", delta->lost);
    if (!delta->end) line += ":" + delta->text;
    if (delta->end) line += delta->end->outcome ? cat(" end ", *delta->end->outcome) : " end";
    out.push_back(std::move(line));
  }
  return out;
}

TEST(Deltas, ComeInOrderWithTheirOffsets) {
  Deltas deltas;
  const auto reader = deltas.subscribe("n", "");
  Deltas::Writer one(deltas, call_of("a")), two(deltas, call_of("b"));
  one.add("he");
  one.add("l");  // goes with what is not taken yet
  two.add("other");
  one.add("lo");
  EXPECT_EQ(read_all(*reader), (Texts{"a/1 0:hel", "b/1 0:other", "a/1 3:lo"}));
  one.add("!");
  one.end(3);
  EXPECT_EQ(read_all(*reader), (Texts{"a/1 5:!", "a/1 6 end 3"}));
}

TEST(Deltas, TellOfACallThatCommittedNothing) {
  Deltas deltas;
  const auto reader = deltas.subscribe("n", "");
  { Deltas::Writer failing(deltas, call_of("a")); }
  EXPECT_EQ(read_all(*reader), Texts{"a/1 0 end"});
}

TEST(Deltas, BeginForALateReaderWithWhatWasSaid) {
  Deltas deltas;
  Deltas::Writer writer(deltas, call_of("a")), silent(deltas, call_of("b"));
  writer.add("so ");
  writer.add("far");
  const auto late = deltas.subscribe("n", "");
  writer.add(", so good");
  EXPECT_EQ(read_all(*late), Texts{"a/1 0:so far, so good"});
  writer.end(3);
  EXPECT_EQ(read_all(*deltas.subscribe("n", "")), Texts{}) << "it is over";
}

TEST(Deltas, TellALateReaderOfALongAnswerWhatItMissed) {
  Deltas deltas({.late_bytes = 5});
  Deltas::Writer writer(deltas, call_of("a"));
  writer.add("123");
  writer.add("4567");
  writer.add("89");
  const auto late = deltas.subscribe("n", "");
  writer.add("!");
  EXPECT_EQ(read_all(*late), (Texts{"a/1 0:12345", "a/1 9 lost 4:!"}));
}

TEST(Deltas, AreLostForASlowReaderOnlyAndItIsTold) {
  Deltas deltas({.reader_bytes = 4});
  const auto slow = deltas.subscribe("n", "");
  const auto quick = deltas.subscribe("n", "");
  Deltas::Writer writer(deltas, call_of("a"));
  for (const char* piece : {"123", "456", "789"}) {
    writer.add(piece);
    EXPECT_EQ(read_all(*quick).size(), 1u);
  }
  EXPECT_EQ(read_all(*slow), Texts{"a/1 0:123"});
  writer.add("abc");
  writer.end(3);
  EXPECT_EQ(read_all(*slow), (Texts{"a/1 9 lost 6:abc", "a/1 12 end 3"}));
}

TEST(Deltas, KeepsNoMoreThanItMayForAReaderThatNeverReads) {
  Deltas deltas({.reader_items = 3});
  const auto never = deltas.subscribe("n", "");
  for (int turn = 1; turn <= 10; ++turn) {
    Deltas::Writer writer(deltas, call_of("a", turn));
    writer.add("x");
    writer.end(turn);
  }
  EXPECT_EQ(read_all(*never), (Texts{"a/1 0:x", "a/1 1 end 1", "a/2 0:x"}));
}

TEST(Deltas, AreOfOneNamespaceAndOfOneRunIfAsked) {
  Deltas deltas;
  const auto other = deltas.subscribe("other", ""), by_uid = deltas.subscribe("n", "a"),
             by_name = deltas.subscribe("n", "b-name"), elsewhere = deltas.subscribe("other", "a");
  Deltas::Writer a(deltas, call_of("a")), b(deltas, call_of("b"));
  a.add("of a");
  b.add("of b");
  EXPECT_EQ(read_all(*other), Texts{});
  EXPECT_EQ(read_all(*elsewhere), Texts{});
  EXPECT_EQ(read_all(*by_uid), Texts{"a/1 0:of a"});
  EXPECT_EQ(read_all(*by_name), Texts{"b/1 0:of b"});
}

TEST(Deltas, WakeAReaderThatWaitsAndForgetOneThatLeft) {
  Deltas deltas;
  io::Loop loop;
  Deltas::Writer writer(deltas, call_of("a"));
  std::string heard;
  {
    const auto reader = deltas.subscribe("n", "");
    auto listen = [](Deltas::Reader& from, std::string& into) -> io::Task<> {
      const Delta delta = co_await from.next();
      into = delta.text;
    };
    auto speak = [](Deltas::Writer& into) -> io::Task<> {
      co_await io::yield();
      into.add("now");
    };
    io::TaskGroup group(loop);
    group.spawn("listen", listen(*reader, heard));
    group.spawn("speak", speak(writer));
    loop.run(group.join());
  }
  EXPECT_EQ(heard, "now");
  writer.add("to nobody");
}

}  // namespace
}  // namespace gateway
