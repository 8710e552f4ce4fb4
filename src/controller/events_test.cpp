#include "controller/events.h"

#include <gtest/gtest.h>

#include "controller/tapped_api.h"
#include "faults/server.h"
#include "objects/config_map.h"
#include "objects/event.h"
#include "objects/node.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace controller {
namespace {

using namespace std::chrono_literals;
using base::text_at;

class Warnings final : public base::Log {
 public:
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level == base::Level::warn) lines.push_back(base::cat(message, ": ", fields[0].second));
  }
  std::vector<std::string> lines;
};

class EventsTest : public testing::Test {
 protected:
  static objects::ObjectMeta meta(std::string ns, std::string name) {
    objects::ObjectMeta about;
    about.ns = std::move(ns);
    about.name = std::move(name);
    about.uid = "uid-of-" + about.name;
    about.resourceVersion = "7";
    return about;
  }
  void record(const std::string& message, const std::string& name = "a") {
    events.record(objects::ConfigMap::info, meta("default", name), EventType::warning, "Failed",
                  message);
  }
  // Until all that is recorded is written or dropped.
  void write() {
    group.spawn("events", events.run());
    loop.run_ready();
  }
  base::JsonArray written(const std::string& ns = "default") {
    kube::Page page = loop.run(client->list({&objects::Event::info, ns, "", ""}, {}));
    return page.items;
  }
  void TearDown() override {
    group.stop();
    loop.run_ready();
  }

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  Warnings log;
  faults::Server server{loop, clock, random, log, {}};
  std::unique_ptr<kube::Client> client = server.client("onlooker");
  TappedApi api{*client};
  Events events{clock, random, log, api, "tester"};
  io::TaskGroup group{loop};
};

TEST_F(EventsTest, SayWhatHappenedToWhat) {
  record("it did not work");
  write();
  ASSERT_EQ(written().size(), 1u);
  const base::Json event = written()[0];
  EXPECT_TRUE(text_at(event, {"metadata", "name"}).starts_with("a."));
  EXPECT_EQ(base::to_text(event.at("involvedObject")),
            R"({"apiVersion":"v1","kind":"ConfigMap","namespace":"default","name":"a",)"
            R"("uid":"uid-of-a","resourceVersion":"7"})");
  EXPECT_EQ(text_at(event, {"type"}), "Warning");
  EXPECT_EQ(text_at(event, {"reason"}), "Failed");
  EXPECT_EQ(text_at(event, {"message"}), "it did not work");
  EXPECT_EQ(text_at(event, {"source", "component"}), "tester");
  EXPECT_EQ(text_at(event, {"firstTimestamp"}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(base::find_int(event, {"count"}), 1);
}

TEST_F(EventsTest, CountWhatRepeatsItself) {
  record("no");
  record("no");
  write();
  clock.advance(9min);
  record("no");
  loop.run_ready();
  ASSERT_EQ(written().size(), 1u);
  EXPECT_EQ(base::find_int(written()[0], {"count"}), 3);
  EXPECT_EQ(text_at(written()[0], {"firstTimestamp"}), "2026-01-02T03:04:05Z");
  EXPECT_EQ(text_at(written()[0], {"lastTimestamp"}), "2026-01-02T03:13:05Z");
}

TEST_F(EventsTest, OfDifferentThingsStandApart) {
  record("no");
  record("not at all");
  record("no", "b");
  events.record(objects::ConfigMap::info, meta("default", "a"), EventType::normal, "Failed", "no");
  write();
  EXPECT_EQ(written().size(), 4u);
}

TEST_F(EventsTest, BeginAnewAfterTenQuietMinutes) {
  record("no");
  write();
  clock.advance(10min + 1ms);
  record("no");
  loop.run_ready();
  EXPECT_EQ(written().size(), 2u);
}

TEST_F(EventsTest, BeginAnewWhenSomebodyRemovedTheFirst) {
  record("no");
  write();
  const std::string name = text_at(written()[0], {"metadata", "name"});
  loop.run(client->remove({&objects::Event::info, "default", name, ""}, {}));
  record("no");
  record("no");
  loop.run_ready();
  ASSERT_EQ(written().size(), 1u);
  EXPECT_EQ(base::find_int(written()[0], {"count"}), 2);
}

TEST_F(EventsTest, ThatCannotBeWrittenAreDropped) {
  events.record(objects::ConfigMap::info, meta("nowhere", "lost"), EventType::normal, "R", "m");
  record("no");
  write();
  EXPECT_EQ(log.lines, std::vector<std::string>{"event not written: nowhere/lost"});
  EXPECT_EQ(written().size(), 1u);
}

TEST_F(EventsTest, AreDroppedWhenTooManyWait) {
  for (int i = 0; i < 1003; ++i) record("no");
  EXPECT_EQ(log.lines, std::vector<std::string>(3, "event dropped: default/a"));
  write();
  EXPECT_EQ(base::find_int(written()[0], {"count"}), 1000);
}

TEST_F(EventsTest, NeverHoldUpWhoRecordsThem) {
  io::Event never;
  api.before = [&](std::string) { return never.wait(); };
  write();
  for (int i = 0; i < 10; ++i) record("no");
  loop.run_ready();
  EXPECT_EQ(api.calls.size(), 1u);
}

TEST_F(EventsTest, AboutWhatHasNoNamespaceAreInDefault) {
  events.record(objects::Node::info, meta("", "node-1"), EventType::normal, "Ready", "m");
  write();
  EXPECT_EQ(log.lines, std::vector<std::string>{});
  ASSERT_EQ(written().size(), 1u);
  EXPECT_EQ(text_at(written()[0], {"involvedObject", "namespace"}), "");
}

TEST_F(EventsTest, KeepWithinKubernetesLimits) {
  record(std::string(1023, 'x') + "ü and more", std::string(253, 'n'));
  write();
  ASSERT_EQ(written().size(), 1u);
  EXPECT_EQ(text_at(written()[0], {"message"}), std::string(1023, 'x'));
  EXPECT_LE(text_at(written()[0], {"metadata", "name"}).size(), 253u);
}

}  // namespace
}  // namespace controller
