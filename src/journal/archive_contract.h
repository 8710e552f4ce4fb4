// What every archive promises: beside journal_contract.h, for implementations that are both. The
// home's journal is an Archive, too.
//   INSTANTIATE_TEST_SUITE_P(Sqlite, ArchiveContract, ::testing::Values(make_home));
#pragma once

#include <limits>

#include "io/crypto.h"
#include "journal/archive.h"
#include "journal/chain.h"
#include "journal/journal_contract.h"

namespace journal {

class ArchiveContract : public JournalContract {
 protected:
  Archive& archive() { return dynamic_cast<Archive&>(journal()); }
  void begin_in(const std::string& ns, const std::string& run, const std::string& name) {
    append(run, {1, 0}, RunBegun{.ns = ns, .name = name});
  }
  std::vector<std::string> uids(const RunFilter& filter, std::size_t limit = 100) {
    std::vector<std::string> out;
    for (const auto& entry : get(archive().runs(filter, limit))) out.push_back(entry.run);
    return out;
  }
  std::vector<std::string> ids(const std::string& ns, std::int64_t after = 0,
                               std::size_t limit = 100) {
    std::vector<std::string> out;
    for (const auto& delivery : get(archive().history(ns, after, limit)))
      out.push_back(delivery.event.id());
    return out;
  }
  using Names = std::vector<std::string>;

  // A run with an answer, as another journal would hold it.
  ImportedRun elsewhere() {
    Batch batch{.run = "a", .fence = {1, 1}};
    const std::string said = batch.add_blob("said"), answer = batch.add_blob("answer");
    batch.add(ModelIntent{.turn = 1, .appended = {said}})
        .add(ModelOutcome{.turn = 1, .message = answer, .usage = {7, 3}})
        .add(ToolIntent{.call = "1.0",
                        .tool = "t",
                        .argumentsSha256 = "h",
                        .decision = protocol::Verdict::allow})
        .add(RunOutcome{.text = answer});
    const auto other = GetParam()();
    Batch first{.run = "a", .fence = {1, 0}};
    first.add(RunBegun{.ns = "there", .name = "run-a"});
    other->loop().run(other->journal().append(first));
    other->loop().run(other->journal().append(batch));
    return {.ns = "here",
            .events = other->loop().run(other->journal().events("a", -1, 100)),
            .blobs = batch.blobs};
  }
};

TEST_P(ArchiveContract, ListsRunsOfANamespaceTheNewestFirst) {
  begin_in("x", "a", "one");
  begin_in("y", "b", "one");
  begin_in("x", "c", "two");
  begin_in("x", "d", "one");
  EXPECT_EQ(uids({.ns = "x"}), (Names{"d", "c", "a"}));
  EXPECT_EQ(uids({.ns = "x", .name = "one"}), (Names{"d", "a"}));
  EXPECT_EQ(uids({.ns = "z"}), Names{});
  append("c", {1, 1}, RunOutcome{});
  home_->reopen();
  const auto first = get(archive().runs({.ns = "x"}, 2));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_TRUE(first[1].state.ended);
  EXPECT_EQ(first[1].state.name, "two");
  EXPECT_EQ(first[1].began, events("c").front().at);
  EXPECT_EQ(uids({.ns = "x", .before = first[1].number}), (Names{"a"}));
}

TEST_P(ArchiveContract, ListsRunsByTheirEnd) {
  home_->loop().run(archive().import(elsewhere()));  // run "a"; it did not end here
  begin_in("x", "b", "one");
  begin_in("y", "c", "two");
  begin_in("x", "d", "three");
  append("d", {1, 1}, RunOutcome{});
  home_->clock().advance(base::Duration(10));
  append("c", {1, 1}, RunOutcome{});
  home_->reopen();
  const auto ended = [&](base::Time before, std::size_t limit) {
    Names out;
    for (const auto& entry : get(archive().ended(before, limit))) out.push_back(entry.run);
    return out;
  };
  const auto ever = home_->clock().now() + base::Duration(1);
  EXPECT_EQ(ended(ever, 10), (Names{"d", "c"}));
  EXPECT_EQ(ended(ever, 1), Names{"d"});
  EXPECT_EQ(ended(home_->clock().now(), 10), Names{"d"});
  EXPECT_EQ(get(archive().ended(ever, 1)).front().state.name, "three");
}

TEST_P(ArchiveContract, RemembersANamespacesEventsInTheOrderOfTheirCommits) {
  begin_in("x", "a", "one");
  begin_in("y", "b", "two");
  append("a", {1, 1}, allow("1.0"), allow("1.1"));
  begin_in("x", "c", "three");
  append("a", {1, 1}, RunOutcome{});
  for (const char* consumer : {"one", "two"})  // what the outbox forgets stays here
    home_->loop().run(journal().ack(consumer, 100));
  home_->reopen();
  EXPECT_EQ(ids("x"), (Names{"a/0", "a/1", "a/2", "c/0", "a/3"}));
  EXPECT_EQ(ids("y"), Names{"b/0"});
  const auto page = get(archive().history("x", 0, 2));
  EXPECT_EQ(ids("x", page.back().position, 2), (Names{"a/2", "c/0"}));
  EXPECT_EQ(read<RunBegun>(page.front().event).name, "one");
}

TEST_P(ArchiveContract, WakesWhoWaitsForANamespaceToGrow) {
  begin_in("x", "a", "one");
  const auto last = get(archive().position("x", base::Time::max()));
  EXPECT_EQ(ids("x", last - 1), Names{"a/0"});
  bool woken = false;
  io::TaskGroup group(home_->loop());
  auto waiting = [&]() -> io::Task<> {
    co_await archive().grown("x", last);
    woken = true;
  };
  group.spawn("wait", waiting());
  begin_in("y", "b", "two");
  home_->loop().run_ready();
  EXPECT_FALSE(woken) << "another namespace's news";
  begin_in("x", "c", "three");
  home_->loop().run(group.join());
  EXPECT_TRUE(woken);
  home_->loop().run(archive().grown("x", last));  // at once
}

TEST_P(ArchiveContract, FindsWhereATimeLies) {
  EXPECT_EQ(get(archive().position("x", base::Time::max())), 0);
  begin_in("x", "a", "one");
  const auto at = events("a").front().at;
  EXPECT_EQ(get(archive().position("x", at)), 0) << "nothing was before it";
  EXPECT_EQ(ids("x", get(archive().position("x", at + base::Duration(1)))), Names{});
}

TEST_P(ArchiveContract, KeepsAnImportedRunAsItWas) {
  const ImportedRun run = elsewhere();
  home_->loop().run(archive().import(run));
  home_->reopen();
  const auto state = get(journal().state("a"));
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->imported);
  EXPECT_TRUE(state->ended);
  EXPECT_EQ(state->ns, "here");
  EXPECT_EQ(state->name, "run-a");
  EXPECT_EQ(state->sums,
            (Sums{.inputTokens = 7, .outputTokens = 3, .modelCalls = 1, .toolCalls = 1}));
  expect_sound("a");
  EXPECT_EQ(events("a").back().at, run.events.back().at);
  EXPECT_EQ(get(journal().find("a", Kind::tool_intent, "1.0"))->seq, 3);
  EXPECT_EQ(get(journal().blobs({run.blobs[1].sha256})).front(), "answer");
  EXPECT_EQ(uids({.ns = "here", .name = "run-a"}), Names{"a"});
  EXPECT_EQ(ids("here"), Names{}) << "it did not happen here";
  EXPECT_EQ(refusal([&] { append("a", {9, 9}, allow("2.0")); }), base::Code::conflict);
  EXPECT_EQ(refusal([&] { home_->loop().run(archive().import(run)); }), base::Code::exists);
}

TEST_P(ArchiveContract, TakesInAForkAndCountsNothingThatItShares) {
  const auto other = GetParam()();
  Batch batch{.run = "a", .fence = {1, 0}};
  const std::string said = batch.add_blob("said"), spec = batch.add_blob("spec");
  const ModelIntent shared{.turn = 1, .appended = {said}};
  batch.add(RunBegun{.ns = "there", .name = "fork", .spec = spec, .forkOf = "s", .forkStep = 1});
  batch.add(Recalled{.from = "s/2", .ofVersion = 2, .about = "1", .body = schema::encode(shared)});
  other->loop().run(other->journal().append(batch));
  ImportedRun run{.ns = "here",
                  .events = other->loop().run(other->journal().events("a", -1, 100)),
                  .blobs = batch.blobs};
  ImportedRun incomplete = run;
  incomplete.blobs.erase(incomplete.blobs.begin());
  EXPECT_EQ(refusal([&] { home_->loop().run(archive().import(incomplete)); }), base::Code::invalid);
  home_->loop().run(archive().import(run));
  EXPECT_EQ(get(journal().state("a"))->sums, Sums{});
  EXPECT_EQ(get(journal().find("a", Kind::recalled, "1"))->seq, 1);
  EXPECT_EQ(get(journal().blobs({said, spec})), (std::vector<std::string>{"said", "spec"}));
}

TEST_P(ArchiveContract, WhatIsForgottenIsInNoList) {
  home_->loop().run(archive().import(elsewhere()));
  begin_in("here", "b", "mine");
  append("b", {1, 1}, RunOutcome{});
  begin_in("here", "c", "mine");
  const auto last = get(archive().history("here", 0, 100)).back().position;
  for (const char* consumer : {"one", "two"}) home_->loop().run(journal().ack(consumer, last));
  home_->loop().run(journal().forget("a"));  // imported
  home_->loop().run(journal().forget("b"));
  EXPECT_EQ(uids({.ns = "here"}), Names{"c"});
  EXPECT_EQ(ids("here"), Names{"c/0"});
  home_->loop().run(archive().import(elsewhere()));
  EXPECT_EQ(uids({.ns = "here"}), (Names{"a", "c"}));
}

TEST_P(ArchiveContract, RefusesARunThatIsNotWhatItWas) {
  const auto refused = [&](auto change) {
    ImportedRun run = elsewhere();
    change(run);
    return refusal([&] { home_->loop().run(archive().import(run)); });
  };
  constexpr auto invalid = base::Code::invalid;
  EXPECT_EQ(refused([](auto& run) { run.events.clear(); }), invalid);
  EXPECT_EQ(refused([](auto& run) { run.events.erase(run.events.begin() + 1); }), invalid);
  EXPECT_EQ(refused([](auto& run) { run.events[2].body += " "; }), invalid);
  EXPECT_EQ(refused([](auto& run) { run.events[2].body = ""; }), invalid) << "erased";
  EXPECT_EQ(refused([](auto& run) { run.events[2].run = "b"; }), invalid);
  EXPECT_EQ(refused([](auto& run) { run.blobs[0].bytes += " "; }), invalid);
  EXPECT_EQ(refused([](auto& run) { run.blobs.pop_back(); }), invalid) << "it might be had here";
  for (const std::int64_t tokens : {std::numeric_limits<std::int64_t>::max(), std::int64_t{-1}})
    EXPECT_EQ(refused([&](auto& run) {
                Event event = run.events.back();
                event.prev = link_of(event);
                ++event.seq;
                event.kind = Kind::model_outcome;
                event.body = base::to_text(schema::encode(ModelOutcome{.usage = {tokens, 0}}));
                event.bodyHash = io::sha256_hex(event.body);
                run.events.push_back(event);
              }),
              invalid)
        << tokens;
  EXPECT_FALSE(get(journal().state("a")));
  begin_in("x", "a", "mine");
  EXPECT_EQ(refused([](auto&) {}), base::Code::exists);
  EXPECT_EQ(get(journal().state("a"))->name, "mine");
}

}  // namespace journal
