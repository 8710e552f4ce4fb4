#include "node/decide.h"

#include <gmock/gmock.h>

#include <csignal>

#include "base/text.h"

namespace node {
namespace {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using testing::ElementsAre;
using testing::IsEmpty;
using State = ContainerRecord::State;

constexpr base::Time begin{base::Duration(1'767'323'045'000)};
base::Time at(int seconds) { return begin + std::chrono::seconds(seconds); }

// setup (init), bridge and skill (sidecars), agent (main).
Json pod(std::string policy, JsonObject more = {}) {
  JsonObject spec{{"restartPolicy", policy},
                  {"terminationGracePeriodSeconds", 30},
                  {"initContainers", JsonArray{{{"name", "setup"}},
                                               {{"name", "bridge"}, {"restartPolicy", "Always"}},
                                               {{"name", "skill"}, {"restartPolicy", "Always"}}}},
                  {"containers", JsonArray{{{"name", "agent"}}}}};
  for (auto& [key, value] : more) spec[key] = value;
  return JsonObject{{"metadata", JsonObject{{"name", "p"}}}, {"spec", spec}};
}

Json deleted(Json what, int grace) {
  what.as_object()["metadata"] = {{"name", "p"},
                                  {"deletionTimestamp", "2026-01-02T03:04:05Z"},
                                  {"deletionGracePeriodSeconds", grace}};
  return what;
}

struct Story {
  PodRecord record;
  Story() { record.started = begin; }
  Story& runs(const std::string& name, int since = 0) {
    auto& known = record.containers[name];
    ++known.attempts;
    known.state = State::running;
    known.started = at(since);
    return *this;
  }
  Story& ends(const std::string& name, int exit_code, int when = 0) {
    auto& known = record.containers[name];
    Ended ended;
    ended.exit_code = exit_code;
    ended.started = known.started;
    ended.finished = at(when);
    note_end(known, ended);
    return *this;
  }
  // As it is when the agent works.
  static Story working() {
    Story story;
    story.runs("setup").ends("setup", 0).runs("bridge").runs("skill").runs("agent");
    return story;
  }
};

TEST(Decide, StartsOneInitContainerAfterAnother) {
  Story story;
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, ElementsAre("setup"));
  story.runs("setup");
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, IsEmpty());
  story.ends("setup", 0);
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, ElementsAre("bridge"));
  story.runs("bridge");
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, ElementsAre("skill"));
  story.runs("skill");
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, ElementsAre("agent"));
}

TEST(Decide, WaitsForASidecarThatStarts) {
  Story story;
  story.runs("setup").ends("setup", 0).runs("bridge");
  story.record.containers["bridge"].state = State::starting;
  EXPECT_THAT(decide(pod("Never"), story.record, begin).start, IsEmpty());
}

TEST(Decide, EndsThePodWhenAnInitContainerFailsForGood) {
  Story story;
  story.runs("setup").ends("setup", 2);
  const Step step = decide(pod("Never"), story.record, begin);
  ASSERT_TRUE(step.ending);
  EXPECT_TRUE(step.over);
  EXPECT_THAT(step.start, IsEmpty());
}

TEST(Decide, RepeatsAFailedInitContainerOtherwise) {
  Story story;
  story.runs("setup").ends("setup", 2);
  EXPECT_THAT(decide(pod("OnFailure"), story.record, begin).start, ElementsAre("setup"));
}

TEST(Decide, RestartsASidecarWithoutStoppingTheAgent) {
  Story story = Story::working();
  story.ends("bridge", 0);
  const Step step = decide(pod("Never"), story.record, begin);
  EXPECT_THAT(step.start, ElementsAre("bridge"));
  EXPECT_THAT(step.stop, IsEmpty());
  EXPECT_FALSE(step.ending);
}

TEST(Decide, StopsSidecarsInReverseOrderWhenTheAgentHasEnded) {
  Story story = Story::working();
  story.ends("agent", 0, 5);
  Step step = decide(pod("OnFailure"), story.record, at(5));
  ASSERT_TRUE(step.ending);
  EXPECT_EQ(step.ending->why, Ending::Why::completed);
  EXPECT_THAT(step.stop, ElementsAre(Stop{"skill", SIGTERM}));
  EXPECT_FALSE(step.over);
  story.record.ending = step.ending;
  story.record.containers["skill"].told_to_stop = at(5);
  story.ends("skill", 0, 6);
  step = decide(pod("OnFailure"), story.record, at(6));
  EXPECT_THAT(step.stop, ElementsAre(Stop{"bridge", SIGTERM}));
  story.ends("bridge", 143, 7);
  EXPECT_TRUE(decide(pod("OnFailure"), story.record, at(7)).over);
}

TEST(Decide, StopsTheAgentFirstWhenThePodIsDeleted) {
  Story story = Story::working();
  const Step step = decide(deleted(pod("OnFailure"), 10), story.record, at(3));
  EXPECT_EQ(step.ending->why, Ending::Why::deleted);
  EXPECT_THAT(step.stop, ElementsAre(Stop{"agent", SIGTERM}));
  EXPECT_EQ(step.look_again, at(13));
}

TEST(Decide, KillsWhenTheGracePeriodIsOver) {
  Story story = Story::working();
  story.record.ending = Ending{Ending::Why::deleted, "", "", at(3)};
  story.record.containers["agent"].told_to_stop = at(3);
  EXPECT_THAT(decide(deleted(pod("Never"), 10), story.record, at(12)).stop, IsEmpty());
  EXPECT_THAT(decide(deleted(pod("Never"), 10), story.record, at(13)).stop,
              ElementsAre(Stop{"agent", SIGKILL}));
}

TEST(Decide, KillsAtOnceWithoutAGracePeriod) {
  Story story = Story::working();
  EXPECT_THAT(decide(deleted(pod("Never"), 0), story.record, at(3)).stop,
              ElementsAre(Stop{"agent", SIGKILL}));
}

TEST(Decide, GivesSidecarsTheRestOfTheGracePeriodButTwoSecondsAtLeast) {
  Story story = Story::working();
  story.record.ending = Ending{Ending::Why::deleted, "", "", at(0)};
  story.ends("agent", 137, 10);
  story.ends("skill", 0, 10);
  story.record.containers["bridge"].told_to_stop = at(10);
  const Json what = deleted(pod("Never"), 10);
  EXPECT_THAT(decide(what, story.record, at(11)).stop, IsEmpty());
  EXPECT_THAT(decide(what, story.record, at(12)).stop, ElementsAre(Stop{"bridge", SIGKILL}));
}

TEST(Decide, BacksOffFromTenSecondsToFiveMinutes) {
  Story story = Story::working();
  std::vector<int> waits;
  int now = 1;
  for (int i = 0; i < 8; ++i) {
    story.ends("agent", 1, now);
    Step step = decide(pod("OnFailure"), story.record, at(now));
    int wait = 0;
    if (step.start.empty()) {
      EXPECT_THAT(step.backing_off, ElementsAre("agent"));
      wait = static_cast<int>((*step.look_again - at(now)).count() / 1000);
      now += wait;
      step = decide(pod("OnFailure"), story.record, at(now));
    }
    waits.push_back(wait);
    EXPECT_THAT(step.start, ElementsAre("agent"));
    story.runs("agent", now);
    ++now;
  }
  EXPECT_THAT(waits, ElementsAre(0, 10, 20, 40, 80, 160, 300, 300));
}

TEST(Decide, ForgetsTheBackOffAfterTenMinutesOfLife) {
  Story story = Story::working();
  story.ends("agent", 1, 1).runs("agent", 1).ends("agent", 1, 2).runs("agent", 12);
  story.ends("agent", 1, 12 + 600);
  EXPECT_THAT(decide(pod("OnFailure"), story.record, at(612)).start, ElementsAre("agent"));
}

TEST(Decide, DoesNotRunASucceededContainerAgainOnFailurePolicy) {
  Story story = Story::working();
  story.ends("agent", 0);
  EXPECT_THAT(decide(pod("OnFailure"), story.record, begin).start, IsEmpty());
  EXPECT_THAT(decide(pod("Always"), story.record, begin).start, ElementsAre("agent"));
}

TEST(Decide, HonoursTheDeadline) {
  Story story = Story::working();
  const Json what = pod("Never", {{"activeDeadlineSeconds", 60}});
  EXPECT_EQ(decide(what, story.record, at(59)).look_again, at(60));
  const Step step = decide(what, story.record, at(60));
  ASSERT_TRUE(step.ending);
  EXPECT_EQ(step.ending->reason, "DeadlineExceeded");
  EXPECT_THAT(step.stop, ElementsAre(Stop{"agent", SIGTERM}));
}

TEST(Decide, GivesNoGraceToAPodThatFillsTheDisk) {
  Story story = Story::working();
  story.record.ending = Ending{Ending::Why::failed, "Evicted", "too much", at(20)};
  EXPECT_THAT(decide(pod("OnFailure"), story.record, at(20)).stop,
              ElementsAre(Stop{"agent", SIGKILL}));
}

TEST(Decide, StartsNothingInAnEndingPod) {
  Story story;
  const Step step = decide(deleted(pod("Always"), 30), story.record, begin);
  EXPECT_TRUE(step.over);
  EXPECT_THAT(step.start, IsEmpty());
}

TEST(PodRecord, SurvivesItsFile) {
  Story story = Story::working();
  story.ends("agent", 3, 9).runs("agent", 19);
  story.record.containers["agent"].id = "u.agent.1";
  story.record.containers["agent"].last = Ended{"u.agent.0", 3, 0, "Error", "words", at(0), at(9)};
  story.record.containers["skill"].told_to_stop = at(20);
  story.record.ending = Ending{Ending::Why::failed, "Evicted", "too much", at(20)};
  EXPECT_EQ(decode_record(base::parse_json(base::to_text(encode(story.record)))), story.record);
}

}  // namespace
}  // namespace node
