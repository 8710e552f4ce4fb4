// What every journal promises of its checkpoints: beside archive_contract.h, for implementations
// that are all three.
//   INSTANTIATE_TEST_SUITE_P(Sqlite, CheckpointsContract, ::testing::Values(make_home));
#pragma once

#include "io/crypto.h"
#include "journal/archive_contract.h"
#include "journal/audit.h"
#include "journal/checkpoints.h"

namespace journal {

class CheckpointsContract : public ArchiveContract {
 protected:
  Checkpoints& checkpoints() { return dynamic_cast<Checkpoints&>(journal()); }

  const base::Secret<std::string> key_pem_ = io::make_ed25519_key();
  static AuditKey public_key(const base::Secret<std::string>& pem) {
    const std::string text = io::public_key_pem(pem);
    return {io::public_key_id(text), text};
  }
  Checkpoints::Unsigned waiting(const std::string& ns) {
    return get(checkpoints().unsigned_heads(ns, 100));
  }
  Names waiting_runs(const std::string& ns) {
    Names runs;
    for (const auto& head : waiting(ns).heads) runs.push_back(head.run);
    return runs;
  }
  Checkpoint sign(const std::string& ns, const Checkpoints::Unsigned& next) {
    return sign_checkpoint(ns, next.latest, next.heads, base::Time(base::Duration(1'000)),
                           key_pem_);
  }
  void add(const std::string& ns) {
    const auto next = waiting(ns);
    get_none(checkpoints().add(sign(ns, next), next.heads, public_key(key_pem_)));
  }
  void get_none(io::Task<> task) { home_->loop().run(std::move(task)); }

  Audit::Report audit(const std::string& ns) {
    Audit audit(ns);
    for (auto& key : get(checkpoints().keys())) audit.add(std::move(key));
    for (auto& checkpoint : get(checkpoints().checkpoints(ns, 0, 1000))) {
      auto heads = get(checkpoints().heads(ns, checkpoint.number));
      audit.add(std::move(checkpoint), std::move(heads));
    }
    for (const auto& head : waiting(ns).heads) audit.add_unsigned(head);
    for (auto& entry : get(archive().runs({.ns = ns}, 1000)))
      audit.add(SeenRun{.uid = entry.run,
                        .seq = entry.state.seq,
                        .link = entry.state.link,
                        .events = events(entry.run),
                        .faults = {},
                        .state = entry.state});
    return audit.finish();
  }
  void expect_sound(const std::string& ns) {
    for (const auto& fault : audit(ns).faults) ADD_FAILURE() << fault.text();
  }
  void end_and_ack(const std::string& run) {
    append(run, {1, 1}, RunOutcome{});
    const auto last = get(journal().next("one", std::nullopt, 1000)).back().position;
    for (const char* consumer : {"one", "two"}) get_none(journal().ack(consumer, last));
  }
};

TEST_P(CheckpointsContract, KnowsWhichRunsWentOnSinceTheLatestCheckpoint) {
  begin_in("x", "b", "two");
  begin_in("x", "a", "one");
  begin_in("y", "c", "one");
  EXPECT_EQ(get(checkpoints().unsigned_namespaces()), (Names{"x", "y"}));
  EXPECT_EQ(waiting_runs("x"), (Names{"a", "b"})) << "by run";
  EXPECT_FALSE(waiting("x").latest);
  EXPECT_EQ(get(checkpoints().unsigned_heads("x", 1)).heads.size(), 1u);
  add("x");
  EXPECT_EQ(get(checkpoints().unsigned_namespaces()), Names{"y"});
  append("b", {1, 1}, allow("1.0"), allow("1.1"));
  home_->reopen();
  const auto next = waiting("x");
  ASSERT_EQ(next.heads.size(), 1u);
  EXPECT_EQ(next.heads[0], (Head{"b", 2, get(journal().state("b"))->link, false}));
  EXPECT_EQ(next.latest->number, 1);
  add("x");
  EXPECT_EQ(get(checkpoints().numbers("x", "a")), std::vector<std::int64_t>{1});
  EXPECT_EQ(get(checkpoints().numbers("x", "b")), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(get(checkpoints().checkpoints("x", 1, 10)).size(), 1u);
  EXPECT_EQ(get(checkpoints().keys()), std::vector<AuditKey>{public_key(key_pem_)});
  expect_sound("x");
  EXPECT_EQ(audit("x").checkpoints, 2);
}

// The signer died before its checkpoint was kept, or the run went on before it was.
TEST_P(CheckpointsContract, SignsAnewWhatWasReadAndNotKept) {
  begin_in("x", "a", "one");
  const auto lost = waiting("x");
  sign("x", lost);
  append("a", {1, 1}, allow("1.0"));
  get_none(checkpoints().add(sign("x", lost), lost.heads, public_key(key_pem_)));
  ASSERT_EQ(waiting_runs("x"), Names{"a"}) << "what came meanwhile is not forgotten";
  EXPECT_EQ(waiting("x").heads[0].seq, 1);
  expect_sound("x");
  add("x");
  EXPECT_EQ(audit("x").unsigned_events, 0);
}

TEST_P(CheckpointsContract, TwoSignersMakeOneChain) {
  begin_in("x", "a", "one");
  auto& other = dynamic_cast<Checkpoints&>(home_->other());
  const auto mine = waiting("x"), theirs = get(other.unsigned_heads("x", 100));
  get_none(checkpoints().add(sign("x", mine), mine.heads, public_key(key_pem_)));
  const auto other_key = io::make_ed25519_key();
  const auto late = sign_checkpoint("x", theirs.latest, theirs.heads, {}, other_key);
  EXPECT_EQ(refusal([&] { get_none(other.add(late, theirs.heads, public_key(other_key))); }),
            base::Code::exists);
  append("a", {1, 1}, RunOutcome{});
  const auto next = get(other.unsigned_heads("x", 100));
  get_none(other.add(sign_checkpoint("x", next.latest, next.heads, {}, other_key), next.heads,
                     public_key(other_key)));
  expect_sound("x");
  EXPECT_EQ(audit("x").keys.size(), 2u);
  EXPECT_EQ(get(checkpoints().heads("x", 1)).size(), 1u);
}

TEST_P(CheckpointsContract, StaysSoundWhenContentsAreErasedOrRunsForgotten) {
  begin_in("x", "a", "one");
  begin_in("x", "b", "two");
  Batch batch{.run = "a", .fence = {1, 1}};
  const std::string said = batch.add_blob("said");
  get(journal().append(batch.add(ModelIntent{.turn = 1, .appended = {said}})));
  add("x");
  get_none(journal().erase("a"));
  expect_sound("x");
  EXPECT_TRUE(waiting("x").heads.empty()) << "erasing changes no hash";
  end_and_ack("a");
  add("x");
  get_none(journal().forget("a"));
  expect_sound("x");
  ASSERT_EQ(waiting("x").heads.size(), 1u);
  EXPECT_TRUE(waiting("x").heads[0].forgotten);
  add("x");
  expect_sound("x");
}

TEST_P(CheckpointsContract, HoldsRunsThatWereImported) {
  auto run = elsewhere();
  run.ns = "x";
  get_none(archive().import(run));
  EXPECT_EQ(waiting_runs("x"), Names{"a"});
  add("x");
  expect_sound("x");
  get_none(journal().forget("a"));
  add("x");
  get_none(archive().import(run));
  expect_sound("x");
  add("x");
  expect_sound("x");
}

TEST_P(CheckpointsContract, WaitsForSomethingUnsigned) {
  io::TaskGroup group(home_->loop());
  std::vector<Names> seen;
  auto wait = [&]() -> io::Task<> {
    for (int i = 0; i < 3; ++i) {
      auto names = co_await checkpoints().unsigned_namespaces();
      seen.push_back(names);
      auto next = co_await checkpoints().unsigned_heads("x", 100);
      const auto checkpoint = sign("x", next);
      co_await checkpoints().add(checkpoint, next.heads, public_key(key_pem_));
      if (i == 2) co_return;
      Batch batch{.run = "a", .fence = {1, 1}};
      batch.add(allow("1." + std::to_string(i)));
      co_await journal().append(std::move(batch));
    }
  };
  auto begin_it = [&]() -> io::Task<> {
    Batch batch{.run = "a", .fence = {1, 0}};
    batch.add(RunBegun{.ns = "x", .name = "one"});
    co_await journal().append(std::move(batch));
  };
  group.spawn("wait", wait());
  group.spawn("begin", begin_it());
  home_->loop().run(group.join());
  EXPECT_EQ(seen, std::vector<Names>(3, Names{"x"}));
}

}  // namespace journal
