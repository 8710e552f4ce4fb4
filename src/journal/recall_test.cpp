#include "journal/recall.h"

#include <gtest/gtest.h>

#include "io/crypto.h"
#include "journal/archive.h"
#include "journal/chain.h"
#include "journal/record.h"

namespace journal {
namespace {

// The events of a run as its journal would have them.
struct Written {
  std::string run = "source";
  std::vector<Event> events = {};

  template <class T>
  Written& add(const T& body) {
    Event event{.run = run,
                .seq = static_cast<std::int64_t>(events.size()),
                .fence = {1, 1},
                .kind = T::kind,
                .version = T::version,
                .prev = events.empty() ? first_link() : link_of(events.back()),
                .body = base::to_text(schema::encode(body))};
    event.bodyHash = io::sha256_hex(event.body);
    events.push_back(std::move(event));
    return *this;
  }
};

ToolIntent decided(const std::string& call, protocol::Verdict verdict) {
  return {.call = call, .tool = "t", .argumentsSha256 = "h", .decision = verdict};
}
constexpr auto allow = protocol::Verdict::allow;
constexpr auto deny = protocol::Verdict::deny;

ModelOutcome failed(std::int64_t turn) {
  return {.turn = turn, .error = protocol::Failure{"rate_limited", "wait"}};
}

Written source() {
  Written out;
  out.add(RunBegun{.ns = "n", .name = "r"}).add(ExecutionBegun{});
  out.add(ModelIntent{.turn = 1, .appended = {"q1"}}).add(failed(1));              // 2, 3
  out.add(ModelIntent{.turn = 1, .appended = {"q1"}, .tools = "tools"});           // 4
  out.add(ModelOutcome{.turn = 1, .message = "a1"});                               // 5
  out.add(decided("1.0", allow)).add(ToolOutcome{.call = "1.0", .result = "r0"});  // 6, 7
  out.add(decided("1.1", deny)).add(decided("1.2", allow));                        // 8, 9
  out.add(ModelIntent{.turn = 2, .parent = 1}).add(failed(2));                     // 10, 11
  out.add(ModelIntent{.turn = 3, .parent = 1}).add(ModelOutcome{.turn = 3, .message = "a3"});
  out.add(ModelIntent{.turn = 4, .parent = 3}).add(RunOutcome{});
  return out;
}

std::vector<std::string> ids(const Shared& shared) {
  std::vector<std::string> out;
  for (const auto& event : shared.events) out.push_back(event.from);
  return out;
}
using Texts = std::vector<std::string>;

base::Error refusal(std::span<const Event> events, std::int64_t step) {
  try {
    share(events, step);
  } catch (const base::Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing thrown";
  return {base::Code::internal, ""};
}

TEST(Share, TakesTheLastTryOfWhatWasCompleted) {
  const Written run = source();
  const Shared one = share(run.events, 1);
  EXPECT_EQ(ids(one), (Texts{"source/4", "source/5", "source/6", "source/7", "source/8"}));
  EXPECT_EQ(one.blobs, (Texts{"q1", "tools", "a1", "r0"}));
  EXPECT_EQ(one.events[0].about, "1");
  EXPECT_EQ(one.events[3].ofKind, Kind::tool_outcome);
  EXPECT_EQ(ids(share(run.events, 3)).size(), 7u) << "not turn 2, which failed";
  EXPECT_TRUE(share(run.events, 0).events.empty());
}

TEST(Share, SaysWhatStepThereIsNot) {
  const Written run = source();
  EXPECT_EQ(refusal(run.events, 9).code(), base::Code::not_found);
  EXPECT_STREQ(refusal(run.events, 9).what(), "there is no step 9: the last one is 4");
  EXPECT_STREQ(refusal(run.events, 2).what(),
               "step 2 has no answer that could be shared: it failed");
  EXPECT_STREQ(refusal(run.events, 4).what(), "step 4 has no answer that could be shared yet");
  EXPECT_STREQ(refusal(std::span(run.events).first(2), 1).what(),
               "there is no step 1: the run has asked its model nothing");
  Written erased = source();
  erased.events[5].body.clear();
  EXPECT_STREQ(refusal(erased.events, 1).what(), "event 5 was erased");
}

TEST(Share, SharesOnUnderTheFirstName) {
  const Written run = source();
  Written fork{.run = "fork"};
  fork.add(RunBegun{.ns = "n", .name = "f", .forkOf = "source", .forkStep = 1});
  for (const auto& event : share(run.events, 1).events) fork.add(event);
  fork.add(ModelIntent{.turn = 2, .parent = 1}).add(ModelOutcome{.turn = 2, .message = "other"});
  EXPECT_EQ(ids(share(fork.events, 2)), (Texts{"source/4", "source/5", "source/6", "source/7",
                                               "source/8", "fork/6", "fork/7"}));
  const Record again = make_record(fork.events), before = make_record(run.events);
  EXPECT_EQ(schema::encode(again.turns.at(1).intent), schema::encode(before.turns.at(1).intent));
  EXPECT_FALSE(again.calls.contains("1.2")) << "what is unknown there is executed here";
}

TEST(Unfold, GivesNothingButSteps) {
  Written run;
  run.add(Recalled{.from = "x/0", .ofKind = Kind::run_outcome, .body = base::JsonObject{}});
  EXPECT_THROW(unfold(run.events[0]), base::Error);
  EXPECT_THROW(blobs_of(run.events[0]), base::Error) << "an import looks at it so";
  run.add(ModelIntent{.turn = 1});
  EXPECT_EQ(unfold(run.events[1]).body, run.events[1].body);
}

}  // namespace
}  // namespace journal
