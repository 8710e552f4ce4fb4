#include "journal/audit.h"

#include <gtest/gtest.h>

#include "io/crypto.h"
#include "journal/chain.h"

namespace journal {
namespace {

// A run of six events and what it ought to hash to.
struct AuditTest : testing::Test {
  std::vector<Event> events;
  std::string link = first_link();

  AuditTest() {
    for (std::int64_t seq = 0; seq < 6; ++seq) {
      Event event{.run = "a",
                  .seq = seq,
                  .fence = {1, seq == 0 ? 0 : 1},
                  .kind = seq == 0 ? Kind::run_begun : Kind::execution_begun,
                  .at = base::Time(base::Duration(1'700'000'000'000 + seq)),
                  .prev = link,
                  .bodyHash = io::sha256_hex("{}"),
                  .body = "{}"};
      link = link_of(event);
      events.push_back(event);
    }
  }
  // The one fault there is, as "event column".
  std::string fault_of(const std::vector<Event>& changed) {
    const auto faults = find_faults("a", changed, {{5, link}});
    if (faults.size() != 1) {
      for (const auto& fault : faults) ADD_FAILURE() << fault.text();
      return std::to_string(faults.size()) + " faults";
    }
    return std::to_string(faults[0].seq) + " " + faults[0].column;
  }
  template <class Change>
  void expect_named(const std::string& column, Change change) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      auto changed = events;
      change(changed[i]);
      EXPECT_EQ(fault_of(changed), std::to_string(i) + " " + column);
    }
  }
};

TEST_F(AuditTest, FindsNothingWhereNothingWasChanged) {
  EXPECT_TRUE(find_faults("a", events, {{5, link}}).empty());
  events[2].body = "";  // erased
  EXPECT_TRUE(find_faults("a", events, {{5, link}}).empty());
}

TEST_F(AuditTest, NamesTheColumnOfEachEventByTrial) {
  expect_named("attempt", [](Event& event) { event.fence.attempt = 9; });
  expect_named("execution", [](Event& event) { event.fence.execution = 9; });
  expect_named("kind", [](Event& event) { event.kind = Kind::tool_intent; });
  expect_named("version", [](Event& event) { event.version = 9; });
  expect_named("at", [](Event& event) { event.at += base::Duration(1); });
  expect_named("prev", [](Event& event) { event.prev[7] = event.prev[7] == 'a' ? 'b' : 'a'; });
  expect_named("body_hash", [](Event& event) { event.bodyHash[7] = '#'; });
  expect_named("body", [](Event& event) { event.body = "[]"; });
}

TEST_F(AuditTest, NamesEventsThatAreMissing) {
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    auto changed = events;
    changed.erase(changed.begin() + std::ptrdiff_t(i));
    EXPECT_EQ(fault_of(changed), std::to_string(i) + " ");
  }
}

TEST_F(AuditTest, TellsTwoChangesApart) {
  events[1].fence.attempt = 3;
  events[4].body = "other";
  const auto faults = find_faults("a", events, {{5, link}});
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].text(), "run a, event 1, column attempt: it is not what was written");
  EXPECT_EQ(faults[1].text(), "run a, event 4, column body: it is not what was written");
}

// A whole chain made anew is sound in itself: what was signed tells.
TEST_F(AuditTest, ASignedHeadKnowsAChainThatWasMadeAnew) {
  const auto key_pem = io::make_ed25519_key();
  const std::string pem = io::public_key_pem(key_pem);
  const std::vector<Head> heads{{"a", 5, link}};
  Audit audit("x");
  audit.add(AuditKey{io::public_key_id(pem), pem});
  audit.add(sign_checkpoint("x", std::nullopt, heads, {}, key_pem), heads);
  std::string forged = first_link();
  for (auto& event : events) {
    event.prev = forged;
    if (event.seq == 3) event.body = "[]";
    event.bodyHash = io::sha256_hex(event.body);
    forged = link_of(event);
  }
  audit.add(
      SeenRun{.uid = "a", .seq = 5, .link = forged, .events = events, .faults = {}, .state = {}});
  const auto report = audit.finish();
  ASSERT_FALSE(report.faults.empty());
  EXPECT_EQ(report.faults[0].run, "a");
}

}  // namespace
}  // namespace journal
