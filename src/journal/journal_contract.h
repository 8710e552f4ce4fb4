// What every journal promises: one suite for all implementations. A test program includes it once
// and instantiates it:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract, ::testing::Values(make_home));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>

#include "io/loop.h"
#include "journal/chain.h"
#include "journal/journal.h"
#include "journal/recall.h"
#include "journal/record.h"
#include "support/virtual_clock.h"

namespace journal {

// Where a journal of one test lives. Opened with the consumers "one" and "two".
class JournalHome {
 public:
  virtual ~JournalHome() = default;
  virtual io::Loop& loop() = 0;
  virtual test::VirtualClock& clock() = 0;  // the journal's
  virtual Journal& journal() = 0;
  virtual void reopen() = 0;
  // The same journal, opened by somebody else at the same time. Not from within a task.
  virtual Journal& other() = 0;
};
using MakeHome = std::function<std::unique_ptr<JournalHome>()>;

class JournalContract : public ::testing::TestWithParam<MakeHome> {
 protected:
  template <class T>
  T get(io::Task<T> task) {
    return home_->loop().run(std::move(task));
  }
  Journal& journal() { return home_->journal(); }

  template <class... Bodies>
  std::int64_t append(const std::string& run, Fence fence, const Bodies&... bodies) {
    Batch batch{.run = run, .fence = fence};
    (batch.add(bodies), ...);
    return get(journal().append(batch));
  }
  void begin(const std::string& run) {
    append(run, {1, 0}, RunBegun{.ns = "default", .name = "run-" + run, .policyHash = "p"});
  }
  template <class Call>
  base::Code refusal(Call call) {
    try {
      call();
    } catch (const base::Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing thrown";
    return base::Code::internal;
  }
  std::vector<Event> events(const std::string& run) { return get(journal().events(run, -1, 1000)); }
  void expect_sound(const std::string& run) {
    const auto state = get(journal().state(run));
    ASSERT_TRUE(state);
    EXPECT_EQ(find_fault(events(run), *state), std::nullopt);
  }

  static ToolIntent allow(const std::string& call) {
    return {.call = call,
            .tool = "read_file",
            .argumentsSha256 = "abc",
            .decision = protocol::Verdict::allow};
  }

  std::unique_ptr<JournalHome> home_ = GetParam()();
};

TEST_P(JournalContract, KnowsNothingOfARunThatHasNotBegun) {
  EXPECT_FALSE(get(journal().state("a")));
  EXPECT_TRUE(events("a").empty());
  EXPECT_EQ(refusal([&] { append("a", {1, 1}, allow("1.0")); }), base::Code::not_found);
}

TEST_P(JournalContract, KeepsEventsInOrderWithTheirBodies) {
  begin("a");
  EXPECT_EQ(append("a", {1, 1}, ExecutionBegun{.agent = "runner/1", .podUid = "pod"}), 1);
  const ModelIntent intent{.turn = 1,
                           .parent = 0,
                           .appended = {"x", "y"},
                           .tools = "t",
                           .parameters = base::JsonObject{{"model", "m"}},
                           .requestHash = "h"};
  EXPECT_EQ(append("a", {1, 1}, intent), 2);
  const ModelOutcome outcome{.turn = 1,
                             .message = "m",
                             .usage = {10, 20},
                             .finish = protocol::Finish::tool_calls,
                             .error = protocol::Failure{"rate_limited", "wait"}};
  EXPECT_EQ(append("a", {1, 1}, outcome), 3);

  home_->reopen();
  const auto all = events("a");
  ASSERT_EQ(all.size(), 4u);
  const auto begun = read<RunBegun>(all[0]);
  EXPECT_EQ(begun.name, "run-a");
  EXPECT_EQ(all[1].id(), "a/1");
  EXPECT_EQ(read<ExecutionBegun>(all[1]).podUid, "pod");
  const auto asked = read<ModelIntent>(all[2]);
  EXPECT_EQ(asked.appended, intent.appended);
  EXPECT_EQ(asked.parameters, intent.parameters);
  const auto answered = read<ModelOutcome>(all[3]);
  EXPECT_EQ(answered.usage.outputTokens, 20);
  EXPECT_EQ(answered.finish, protocol::Finish::tool_calls);
  EXPECT_EQ(answered.error->code, "rate_limited");
  EXPECT_EQ(all[3].fence, (Fence{1, 1}));
  EXPECT_THROW(read<RunBegun>(all[3]), base::Error);
  expect_sound("a");
}

TEST_P(JournalContract, GivesEventsInPages) {
  begin("a");
  for (int i = 0; i < 9; ++i) append("a", {1, 1}, allow("1." + std::to_string(i)));
  const auto page = get(journal().events("a", 3, 4));
  ASSERT_EQ(page.size(), 4u);
  EXPECT_EQ(page.front().seq, 4);
  EXPECT_EQ(page.back().seq, 7);
}

TEST_P(JournalContract, BeginsAndEndsARunOnce) {
  begin("a");
  EXPECT_EQ(refusal([&] { begin("a"); }), base::Code::exists);
  append("a", {1, 1}, RunOutcome{.status = protocol::RunStatus::error, .error = "no"});
  EXPECT_TRUE(get(journal().state("a"))->ended);
  EXPECT_EQ(refusal([&] { append("a", {1, 1}, RunOutcome{}); }), base::Code::exists);
  EXPECT_EQ(events("a").size(), 2u);
  expect_sound("a");
}

TEST_P(JournalContract, RefusesAnOvertakenExecution) {
  begin("a");
  append("a", {1, 1}, ExecutionBegun{});
  append("a", {1, 2}, ExecutionBegun{});
  EXPECT_EQ(refusal([&] { append("a", {1, 1}, allow("1.0")); }), base::Code::conflict);
  append("a", {2, 1}, ExecutionBegun{});
  EXPECT_EQ(refusal([&] { append("a", {1, 9}, allow("1.0")); }), base::Code::conflict);
  EXPECT_EQ(append("a", {2, 1}, allow("1.0")), 4);
  EXPECT_EQ(get(journal().state("a"))->fence, (Fence{2, 1}));
  expect_sound("a");
}

TEST_P(JournalContract, WritesABatchWholeOrNotAtAll) {
  begin("a");
  Batch batch{.run = "a", .fence = {1, 1}};
  const std::string blob = batch.add_blob("content");
  batch.add(allow("1.0")).add(RunOutcome{}).add(RunOutcome{});
  EXPECT_EQ(refusal([&] { get(journal().append(batch)); }), base::Code::exists);
  EXPECT_EQ(events("a").size(), 1u);
  EXPECT_EQ(refusal([&] { get(journal().blobs({blob})); }), base::Code::not_found);
  EXPECT_EQ(get(journal().state("a"))->sums, Sums{});
  batch.events.pop_back();
  EXPECT_EQ(get(journal().append(batch)), 2);
  expect_sound("a");
}

// Two that write for one execution: what one decided without knowing what the other wrote is not
// written.
TEST_P(JournalContract, RefusesWhatWasDecidedWithoutKnowingTheLastEvent) {
  begin("a");
  Journal& other = home_->other();
  Batch batch{.run = "a", .fence = {1, 1}, .after = 0};
  batch.add(allow("1.0")).add(allow("1.1"));
  EXPECT_EQ(get(other.append(batch)), 2);
  const std::string blob = batch.add_blob("of the refused one");
  EXPECT_EQ(refusal([&] { get(journal().append(batch)); }), base::Code::conflict);
  EXPECT_EQ(events("a").size(), 3u);
  EXPECT_EQ(refusal([&] { get(journal().blobs({blob})); }), base::Code::not_found);
  batch.after = 7;
  EXPECT_EQ(refusal([&] { get(journal().append(batch)); }), base::Code::conflict);
  batch.after = 2;
  EXPECT_EQ(get(journal().append(batch)), 4);
  expect_sound("a");

  Batch first{.run = "b", .fence = {1, 0}, .after = -1};
  first.add(RunBegun{.ns = "default", .name = "run-b"});
  EXPECT_EQ(get(journal().append(first)), 0);
  EXPECT_EQ(refusal([&] { get(other.append(first)); }), base::Code::exists);
}

TEST_P(JournalContract, FindsTheLatestOfATurnOrCall) {
  begin("a");
  begin("b");
  append("a", {1, 1}, allow("3.0"), allow("3.1"));
  append("a", {1, 2}, allow("3.0"));
  append("a", {1, 2}, ToolOutcome{.call = "3.0", .result = "r"});
  EXPECT_EQ(get(journal().find("a", Kind::tool_intent, "3.0"))->seq, 3);
  EXPECT_EQ(read<ToolOutcome>(*get(journal().find("a", Kind::tool_outcome, "3.0"))).result, "r");
  EXPECT_FALSE(get(journal().find("a", Kind::tool_outcome, "3.1")));
  EXPECT_FALSE(get(journal().find("b", Kind::tool_outcome, "3.0")));
}

TEST_P(JournalContract, KeepsBlobsByContent) {
  begin("a");
  const std::string large(1'000'000, 'x'), binary("\0\xff", 2);
  Batch batch{.run = "a", .fence = {1, 1}};
  batch.add(allow("1.0"));
  const std::vector<std::string> names = {batch.add_blob("small"), batch.add_blob(large),
                                          batch.add_blob(binary), batch.add_blob("")};
  get(journal().append(batch));
  get(journal().append(batch));  // the same contents again
  EXPECT_EQ(get(journal().blobs(names)), (std::vector<std::string>{"small", large, binary, ""}));
  EXPECT_EQ(refusal([&] { get(journal().blobs({std::string(64, 'a')})); }), base::Code::not_found);
  EXPECT_EQ(refusal([&] { get(journal().blobs({"short"})); }), base::Code::invalid);
}

TEST_P(JournalContract, CountsWhatWasUsed) {
  begin("a");
  begin("b");
  append("a", {1, 1}, ModelIntent{.turn = 1}, ModelOutcome{.turn = 1, .usage = {100, 10}});
  append("a", {1, 1}, allow("1.0"), ToolIntent{.call = "1.1", .tool = "x", .argumentsSha256 = "h"});
  append("a", {1, 2}, allow("1.0"));  // again, after a crash
  append("a", {1, 2}, ModelIntent{.turn = 2});
  append("a", {1, 3}, ModelIntent{.turn = 2},
         ModelOutcome{.turn = 2, .usage = {200, 20}, .error = protocol::Failure{"internal", "x"}});
  home_->reopen();
  EXPECT_EQ(get(journal().state("a"))->sums,
            (Sums{.inputTokens = 300, .outputTokens = 30, .modelCalls = 3, .toolCalls = 1}));
  EXPECT_EQ(get(journal().state("b"))->sums, Sums{});
}

TEST_P(JournalContract, TellsWhatIsUnknownAfterACrash) {
  begin("a");
  append("a", {1, 1}, ModelIntent{.turn = 1}, ModelOutcome{.turn = 1, .message = "m"});
  append("a", {1, 1}, allow("1.0"), allow("1.1"));
  append("a", {1, 1}, ToolOutcome{.call = "1.1", .result = "r"});
  append("a", {1, 1}, ModelIntent{.turn = 2, .parent = 1});
  const auto all = events("a");
  const Record record = make_record(all);
  EXPECT_EQ(record.turns.at(1).outcome->message, "m");
  EXPECT_FALSE(record.turns.at(2).outcome);
  EXPECT_TRUE(record.calls.at("1.0").is_unknown());
  EXPECT_FALSE(record.calls.at("1.1").is_unknown());
  EXPECT_FALSE(record.outcome);
}

TEST_P(JournalContract, ChainsShowEveryChange) {
  begin("a");
  for (int i = 0; i < 5; ++i) append("a", {1, 1}, allow("1." + std::to_string(i)));
  const auto state = *get(journal().state("a"));
  const auto good = events("a");
  ASSERT_EQ(find_fault(good, state), std::nullopt);

  const auto fault_after = [&](auto change) {
    auto all = good;
    change(all);
    return find_fault(all, state).has_value();
  };
  EXPECT_TRUE(fault_after([](auto& all) { all.erase(all.begin() + 2); }));
  EXPECT_TRUE(fault_after([](auto& all) { all.pop_back(); }));
  EXPECT_TRUE(fault_after([](auto& all) { std::swap(all[2], all[3]); }));
  EXPECT_TRUE(fault_after([](auto& all) { all[2].body += " "; }));
  EXPECT_TRUE(fault_after([](auto& all) { all[2].bodyHash = all[3].bodyHash; }));
  EXPECT_TRUE(fault_after([](auto& all) { all.back().at += std::chrono::milliseconds(1); }));
  EXPECT_TRUE(fault_after([](auto& all) { all.back().kind = Kind::run_outcome; }));
  EXPECT_TRUE(fault_after([](auto& all) { all.back().fence.execution = 2; }));
  EXPECT_FALSE(fault_after([](auto& all) { all[2].body = ""; })) << "erased on purpose";
}

TEST_P(JournalContract, DeliversEachEventToEachConsumer) {
  begin("a");
  append("a", {1, 1}, allow("1.0"), allow("1.1"));
  const auto first = get(journal().next("one", std::nullopt, 2));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].event.id(), "a/0");
  const auto rest = get(journal().next("one", first[1].position, 10));
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].event.id(), "a/2");
  EXPECT_EQ(read<ToolIntent>(rest[0].event).call, "1.1");

  // What was not acknowledged comes again, also after a restart.
  home_->loop().run(journal().ack("one", first[0].position));
  home_->reopen();
  EXPECT_EQ(get(journal().next("one", std::nullopt, 10)).front().event.id(), "a/1");
  home_->loop().run(journal().ack("one", rest[0].position));
  home_->loop().run(journal().ack("one", first[0].position));  // late news change nothing
  EXPECT_EQ(get(journal().next("two", std::nullopt, 10)).size(), 3u);
  home_->loop().run(journal().ack("two", rest[0].position));
  begin("b");
  for (const char* consumer : {"one", "two"})
    EXPECT_EQ(get(journal().next(consumer, std::nullopt, 10)).at(0).event.id(), "b/0");
  EXPECT_EQ(refusal([&] { get(journal().next("three", std::nullopt, 1)); }), base::Code::not_found);
}

TEST_P(JournalContract, WakesAConsumerThatWaits) {
  std::string seen;
  io::TaskGroup group(home_->loop());
  auto waiting = [&]() -> io::Task<> {
    const auto deliveries = co_await journal().next("one", std::nullopt, 10);
    seen = deliveries.front().event.id();
  };
  group.spawn("wait", waiting());
  home_->loop().run_ready();
  EXPECT_EQ(seen, "");
  begin("a");
  home_->loop().run(group.join());
  EXPECT_EQ(seen, "a/0");
}

// ---- two that write one journal ----

TEST_P(JournalContract, OfTwoThatBeginARunOneDoes) {
  for (int i = 0; i < 10; ++i) {
    const std::string run = std::to_string(i);
    int begun = 0, refused = 0;
    io::TaskGroup group(home_->loop());
    const auto begin_at = [&](Journal& at) -> io::Task<> {
      Batch batch{.run = run, .fence = {1, 0}};
      batch.add(RunBegun{.ns = "default", .name = run});
      try {
        co_await at.append(std::move(batch));
        ++begun;
      } catch (const base::Error& error) {
        if (error.code() == base::Code::exists) ++refused;
      }
    };
    group.spawn("one", begin_at(journal()));
    group.spawn("other", begin_at(home_->other()));
    home_->loop().run(group.join());
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(refused, 1);
    expect_sound(run);
  }
}

TEST_P(JournalContract, AnExecutionIsOvertakenByAnotherWritersToo) {
  begin("a");
  append("a", {1, 1}, ExecutionBegun{});
  Batch batch{.run = "a", .fence = {1, 2}};
  batch.add(ExecutionBegun{});
  EXPECT_EQ(get(home_->other().append(batch)), 2);
  EXPECT_EQ(refusal([&] { append("a", {1, 1}, allow("1.0")); }), base::Code::conflict);
  EXPECT_EQ(append("a", {1, 2}, allow("1.0")), 3);
  expect_sound("a");
}

TEST_P(JournalContract, TwoThatAppendToOneRunLeaveNoGapAndNoBranch) {
  begin("a");
  io::TaskGroup group(home_->loop());
  std::vector<std::int64_t> numbers;
  const auto append_at = [&](Journal& at, std::string call) -> io::Task<> {
    Batch batch{.run = "a", .fence = {1, 1}};
    const std::string content = batch.add_blob("of both");
    batch.add(allow(call)).add(ToolOutcome{.call = call, .result = content});
    const std::int64_t last = co_await at.append(std::move(batch));
    numbers.push_back(last);
  };
  for (int i = 0; i < 25; ++i) {
    group.spawn("one", append_at(journal(), "1." + std::to_string(i)));
    group.spawn("other", append_at(home_->other(), "2." + std::to_string(i)));
  }
  home_->loop().run(group.join());
  std::ranges::sort(numbers);
  std::vector<std::int64_t> expected;
  for (std::int64_t seq = 2; seq <= 100; seq += 2) expected.push_back(seq);
  EXPECT_EQ(numbers, expected);
  EXPECT_EQ(get(journal().state("a"))->sums.toolCalls, 50);
  expect_sound("a");
}

TEST_P(JournalContract, TheOutboxSkipsNothingThatTwoWrite) {
  constexpr int runs = 8, appends = 20;
  io::TaskGroup group(home_->loop());
  const auto live = [&](Journal& at, std::string run) -> io::Task<> {
    Batch first{.run = run, .fence = {1, 0}};
    first.add(RunBegun{.ns = "default", .name = run});
    co_await at.append(std::move(first));
    for (int i = 0; i < appends; ++i) {
      Batch batch{.run = run, .fence = {1, 1}};
      batch.add(allow("1." + std::to_string(i)));
      co_await at.append(std::move(batch));
    }
  };
  std::map<std::string, std::int64_t> last;
  std::int64_t position = 0;
  bool in_order = true;
  const auto consume = [&]() -> io::Task<> {
    while (!last.contains("end")) {
      const auto deliveries = co_await journal().next("one", position, 7);
      for (const auto& [at, event] : deliveries) {
        in_order = in_order && at > position &&
                   event.seq == (last.contains(event.run) ? last[event.run] + 1 : 0);
        position = at;
        last[event.run] = event.seq;
      }
    }
  };
  io::TaskGroup consumer(home_->loop());
  consumer.spawn("consume", consume());
  for (int i = 0; i < runs; ++i)
    group.spawn("run", live(i % 2 == 0 ? journal() : home_->other(), std::to_string(i)));
  home_->loop().run(group.join());
  begin("end");
  home_->loop().run(consumer.join());
  EXPECT_TRUE(in_order);
  for (int i = 0; i < runs; ++i) EXPECT_EQ(last[std::to_string(i)], appends);
}

// ---- retention ----

TEST_P(JournalContract, ErasesTheContentsThatNoOtherRunUses) {
  begin("a");
  begin("b");
  const auto use = [&](Journal& at, const std::string& run, const std::string& content) {
    Batch batch{.run = run, .fence = {1, 1}};
    const std::string name = batch.add_blob(content);
    batch.add(ToolOutcome{.call = "1.0", .result = name});
    get(at.append(batch));
    return name;
  };
  const std::string own = use(journal(), "a", "own"), shared = use(journal(), "a", "shared");
  use(home_->other(), "b", "shared");
  const auto before = get(journal().state("a"));
  home_->loop().run(journal().erase("a"));
  home_->reopen();
  EXPECT_EQ(refusal([&] { get(journal().blobs({own})); }), base::Code::not_found);
  EXPECT_EQ(get(journal().blobs({shared})).front(), "shared");
  EXPECT_EQ(get(journal().state("a"))->link, before->link);
  EXPECT_EQ(read<ToolOutcome>(events("a").at(1)).result, own) << "the body stays";
  expect_sound("a");

  home_->loop().run(journal().erase("b"));
  EXPECT_EQ(refusal([&] { get(journal().blobs({shared})); }), base::Code::not_found);
  home_->loop().run(journal().erase("b"));  // again: nothing is left to do
  use(journal(), "a", "own");
  EXPECT_EQ(get(journal().blobs({own})).front(), "own") << "written anew";
  EXPECT_EQ(refusal([&] { home_->loop().run(journal().erase("c")); }), base::Code::not_found);
}

TEST_P(JournalContract, AContentThatIsErasedWhileAnotherRunTakesItUpStays) {
  Journal& other = home_->other();
  for (int i = 0; i < 20; ++i) {
    const std::string old = "old-" + std::to_string(i), fresh = "fresh-" + std::to_string(i);
    Batch first{.run = old, .fence = {1, 0}}, second{.run = fresh, .fence = {1, 0}};
    const std::string name = first.add_blob("of " + old);
    second.add_blob("of " + old);
    first.add(RunBegun{.ns = "default", .name = old});
    second.add(RunBegun{.ns = "default", .name = fresh});
    get(journal().append(first));
    io::TaskGroup group(home_->loop());
    const auto take_up = [&]() -> io::Task<> {
      Batch batch = second;
      co_await other.append(std::move(batch));
    };
    group.spawn("erase", journal().erase(old));
    group.spawn("take up", take_up());
    home_->loop().run(group.join());
    EXPECT_EQ(get(journal().blobs({name})).size(), 1u);
  }
}

TEST_P(JournalContract, AForkPaysForNothingThatItSharesAndOutlivesItsSource) {
  begin("a");
  Batch past{.run = "a", .fence = {1, 1}};
  const std::string question = past.add_blob("question"), answer = past.add_blob("answer"),
                    result = past.add_blob("result");
  past.add(ModelIntent{.turn = 1, .appended = {question}});
  past.add(ModelOutcome{.turn = 1, .message = answer, .usage = {100, 10}});
  past.add(allow("1.0")).add(ToolOutcome{.call = "1.0", .result = result});
  past.add(ModelIntent{.turn = 2, .parent = 1}).add(RunOutcome{});
  get(journal().append(past));

  const auto source = events("a");
  const Shared shared = share(source, 1);
  const auto contents = get(journal().blobs(shared.blobs));
  Batch fork{.run = "b", .fence = {1, 0}};
  fork.add(RunBegun{.ns = "default", .name = "fork", .forkOf = "a", .forkStep = 1});
  for (const auto& event : shared.events) fork.add(event);
  for (const auto& content : contents) fork.add_blob(content);
  EXPECT_EQ(get(home_->other().append(fork)), 4);
  EXPECT_EQ(get(journal().state("b"))->sums, Sums{});
  append("b", {1, 1}, ModelIntent{.turn = 2, .parent = 1},
         ModelOutcome{.turn = 2, .message = answer, .usage = {7, 3}}, allow("2.0"));

  const auto delivered = get(journal().next("one", std::nullopt, 100));
  for (const char* consumer : {"one", "two"})
    home_->loop().run(journal().ack(consumer, delivered.back().position));
  home_->loop().run(journal().erase("a"));
  home_->loop().run(journal().forget("a"));
  home_->reopen();
  expect_sound("b");
  EXPECT_EQ(get(journal().state("b"))->sums,
            (Sums{.inputTokens = 7, .outputTokens = 3, .modelCalls = 1, .toolCalls = 1}));
  const auto all = events("b");
  const Record record = make_record(all);
  EXPECT_TRUE(record.turns.at(1).recalled);
  EXPECT_FALSE(record.turns.at(2).recalled);
  EXPECT_EQ(record.turns.at(1).outcome->usage.inputTokens, 100);
  EXPECT_EQ(record.calls.at("1.0").outcome->result, result);
  EXPECT_EQ(record.calls.at("1.0").fence, (Fence{0, 0}));
  EXPECT_EQ(read<Recalled>(*get(journal().find("b", Kind::recalled, "1"))).from, "a/2");
  EXPECT_EQ(get(journal().blobs({question, answer, result})),
            (std::vector<std::string>{"question", "answer", "result"}));
  home_->loop().run(journal().erase("b"));
  EXPECT_EQ(refusal([&] { get(journal().blobs({question})); }), base::Code::not_found);
}

TEST_P(JournalContract, ForgetsARunThatHasEndedAndThatNobodyWaitsFor) {
  begin("a");
  begin("b");
  const auto forget = [&] { home_->loop().run(journal().forget("a")); };
  EXPECT_EQ(refusal(forget), base::Code::conflict) << "it has not ended";
  Batch last{.run = "a", .fence = {1, 1}};
  const std::string answer = last.add_blob("answer");
  last.add(RunOutcome{.text = answer});
  get(journal().append(last));
  EXPECT_EQ(refusal(forget), base::Code::conflict) << "both consumers wait for its end";
  const auto all = get(journal().next("one", std::nullopt, 10));
  ASSERT_EQ(all.back().event.id(), "a/1");
  home_->loop().run(journal().ack("one", all.back().position));
  home_->loop().run(journal().ack("two", all.front().position));
  EXPECT_EQ(refusal(forget), base::Code::conflict) << "one of them still does";
  EXPECT_EQ(get(journal().blobs({answer})).front(), "answer") << "a refusal changes nothing";
  home_->loop().run(journal().ack("two", all.back().position));
  forget();
  home_->reopen();
  EXPECT_FALSE(get(journal().state("a")));
  EXPECT_TRUE(events("a").empty());
  EXPECT_FALSE(get(journal().find("a", Kind::run_outcome, "")));
  EXPECT_EQ(refusal([&] { get(journal().blobs({answer})); }), base::Code::not_found);
  EXPECT_EQ(refusal(forget), base::Code::not_found);
  expect_sound("b");
  begin("a");
  expect_sound("a");
}

// A request names its parent and what is new: the hundredth turn costs what the second one did.
TEST_P(JournalContract, WritesAConversationOnce) {
  begin("a");
  std::vector<std::size_t> written;
  for (std::int64_t turn = 1; turn <= 100; ++turn) {
    Batch asked{.run = "a", .fence = {1, 1}};
    const std::string question = asked.add_blob("question " + std::to_string(turn));
    asked.add(ModelIntent{
        .turn = turn, .parent = turn - 1, .appended = {question}, .requestHash = question});
    Batch answered{.run = "a", .fence = {1, 1}};
    const std::string answer = answered.add_blob("answer " + std::to_string(turn));
    answered.add(ModelOutcome{.turn = turn, .message = answer, .usage = {1, 1}});
    std::size_t bytes = 0;
    for (const Batch* batch : {&asked, &answered}) {
      bytes += batch->events[0].body.size() + batch->blobs[0].bytes.size();
      get(journal().append(*batch));
    }
    written.push_back(bytes);
  }
  EXPECT_LE(written.back(), written[1] + 20) << "more than the digits of a number";

  // And the whole conversation comes back from it.
  std::vector<std::string> names;
  const Record record = make_record(events("a"));
  for (std::int64_t turn = 100; turn != 0; turn = record.turns.at(turn).intent.parent) {
    names.push_back(record.turns.at(turn).outcome->message);
    names.push_back(record.turns.at(turn).intent.appended[0]);
  }
  const auto contents = get(journal().blobs(names));
  EXPECT_EQ(contents.size(), 200u);
  EXPECT_EQ(contents.back(), "question 1");
  EXPECT_EQ(contents.front(), "answer 100");
}

}  // namespace journal
