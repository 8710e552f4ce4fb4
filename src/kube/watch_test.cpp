#include "kube/watch.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "io/loop.h"
#include "kube/status.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace kube {
namespace {

using namespace std::chrono_literals;

constexpr schema::KindInfo thing{
    .version = "v1", .kind = "Thing", .plural = "things", .singular = "thing"};

base::Json object(const std::string& name, int revision) {
  return {{"metadata", {{"name", name}, {"resourceVersion", std::to_string(revision)}}}};
}

// One answer of the server, scripted.
struct Step {
  std::vector<base::Json> items;  // of a list
  std::string revision, continue_token;
  std::vector<WatchEvent> events;  // of a watch
  bool silent = false;             // a watch that says nothing more and does not end
  std::optional<base::Error> error;
  std::vector<Unreadable> unreadable;  // of a list
};
using enum WatchEvent::Type;

class ScriptedWatch final : public WatchStream {
 public:
  ScriptedWatch(base::Clock& clock, Step step) : clock_(clock), step_(std::move(step)) {}
  io::Task<std::optional<WatchEvent>> next() override {
    if (at_ < step_.events.size()) co_return step_.events[at_++];
    co_await io::sleep(clock_, step_.silent ? base::Duration(24h) : base::Duration(1s));
    co_return std::nullopt;
  }

 private:
  base::Clock& clock_;
  Step step_;
  std::size_t at_ = 0;
};

// Plays the script and notes what was asked; at its end it says nothing more.
class ScriptedServer final : public Api {
 public:
  ScriptedServer(base::Clock& clock, std::deque<Step> script)
      : clock_(clock), script_(std::move(script)) {}
  std::vector<std::string> asked;
  std::vector<int> limits;

  io::Task<Page> list(Ref, ListOptions options) override {
    asked.push_back("list " + options.continue_token);
    limits.push_back(options.limit);
    const Step step = take();
    if (step.error) throw *step.error;
    Page page{.resource_version = step.revision, .continue_token = step.continue_token};
    for (const auto& item : step.items) page.items.push_back(item);
    page.unreadable = step.unreadable;
    co_return page;
  }
  io::Task<std::unique_ptr<WatchStream>> watch(Ref, WatchOptions options) override {
    asked.push_back("watch " + options.resource_version);
    Step step = take();
    if (step.error) throw *step.error;
    co_return std::make_unique<ScriptedWatch>(clock_, std::move(step));
  }
  io::Task<base::Json> get(Ref, GetOptions) override { throw unexpected(); }
  io::Task<base::Json> create(Ref, base::Json, CreateOptions) override { throw unexpected(); }
  io::Task<base::Json> patch(Ref, base::Json, PatchOptions) override { throw unexpected(); }
  io::Task<base::Json> remove(Ref, RemoveOptions) override { throw unexpected(); }
  io::Task<std::unique_ptr<LogStream>> log(Ref, LogOptions) override { throw unexpected(); }
  io::Task<base::Json> get_path(std::string) override { throw unexpected(); }

 private:
  static base::Error unexpected() { return {base::Code::internal, "not in the script"}; }
  Step take() {
    if (script_.empty()) return Step{.silent = true};
    Step step = std::move(script_.front());
    script_.pop_front();
    return step;
  }
  base::Clock& clock_;
  std::deque<Step> script_;
};

class Notes final : public WatchSink {
 public:
  std::vector<std::string> all;
  void list_begins() override { all.push_back("begins"); }
  void put(const base::Json& o) override {
    all.push_back(base::cat("put ", base::text_at(o, {"metadata", "name"}), "@",
                            base::text_at(o, {"metadata", "resourceVersion"})));
  }
  void gone(const base::Json& o) override {
    all.push_back("gone " + base::text_at(o, {"metadata", "name"}));
  }
  void listed() override { all.push_back("listed"); }
  void reached(const std::string& revision) override { revisions.push_back(revision); }
  std::vector<std::string> revisions;
};

class Errors final : public base::Log {
 public:
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level != base::Level::error) return;
    lines.emplace_back(message);
    for (const auto& [name, value] : fields) lines.back() += base::cat(" ", name, "=", value);
  }
  std::vector<std::string> lines;
};

class WatcherStory : public testing::Test {
 protected:
  void play(std::deque<Step> script) {
    server = std::make_unique<ScriptedServer>(clock, std::move(script));
    watcher = std::make_unique<Watcher>(clock, random, log, *server,
                                        WatchSettings{.collection = {&thing, "demo"}}, notes);
    group.spawn("watcher", watcher->run());
    loop.run_ready();
  }
  void pass(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 500ms) {
      clock.advance(500ms);
      loop.run_ready();
    }
  }
  void TearDown() override {
    group.stop();
    loop.run_ready();
  }
  using Strings = std::vector<std::string>;

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  Errors log;
  Notes notes;
  io::TaskGroup group{loop};
  std::unique_ptr<ScriptedServer> server;
  std::unique_ptr<Watcher> watcher;
};

TEST_F(WatcherStory, ListsAllPagesThenWatchesFromTheListsRevision) {
  play({{.items = {object("a", 1)}, .revision = "9", .continue_token = "more"},
        {.items = {object("b", 2)}, .revision = "9"},
        {.events = {{added, object("c", 10)}, {deleted, object("a", 11)}}, .silent = true}});
  EXPECT_EQ(server->asked, (Strings{"list ", "list more", "watch 9"}));
  EXPECT_EQ(notes.all, (Strings{"begins", "put a@1", "put b@2", "listed", "put c@10", "gone a"}));
  EXPECT_EQ(watcher->state(), Watcher::State::watching);
}

TEST_F(WatcherStory, ResumesWhereABookmarkSays) {
  play({{.revision = "9"}, {.events = {{modified, object("a", 10)}, {bookmark, object("", 30)}}}});
  pass(1s);
  EXPECT_EQ(server->asked, (Strings{"list ", "watch 9", "watch 30"}));
  EXPECT_EQ(notes.all, (Strings{"begins", "listed", "put a@10"}));
}

TEST_F(WatcherStory, ListsAgainAtOnceWhenItsRevisionHasExpired) {
  const base::Json expired{
      {"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}};
  play({{.revision = "9"}, {.events = {{error, expired}}}, {.revision = "50"}});
  EXPECT_EQ(server->asked, (Strings{"list ", "watch 9", "list ", "watch 50"}));
  EXPECT_EQ(notes.all, (Strings{"begins", "listed", "begins", "listed"}));
}

TEST_F(WatcherStory, BeginsTheListAnewWhenAPageHasExpired) {
  const base::Error gone(base::Code::gone, "continue token is too old");
  play({{.revision = "9", .continue_token = "old"}, {.error = gone}, {.revision = "12"}});
  EXPECT_EQ(server->asked, (Strings{"list ", "list old", "list ", "watch 12"}));
  EXPECT_EQ(notes.all, (Strings{"begins", "begins", "listed"}));
}

TEST_F(WatcherStory, DoesNotSpinWhenEverythingHasExpired) {
  const base::Error gone(base::Code::gone, "no");
  play({{.error = gone}, {.error = gone}, {.error = gone}, {.revision = "1"}});
  EXPECT_EQ(server->asked.size(), 2u);
  EXPECT_EQ(watcher->state(), Watcher::State::waiting);
  pass(3s);
  EXPECT_EQ(server->asked.back(), "watch 1");
}

TEST_F(WatcherStory, BacksOffLongerEachTimeAndResumesWithoutListing) {
  const base::Error down(base::Code::unavailable, "refused");
  play({{.revision = "9"}, {.error = down}, {.error = down}, {.error = down}});
  EXPECT_EQ(watcher->state(), Watcher::State::waiting);
  pass(1s);
  EXPECT_EQ(server->asked.size(), 3u);
  pass(1500ms);
  EXPECT_EQ(server->asked.size(), 4u);
  pass(3s);
  EXPECT_EQ(server->asked, (Strings{"list ", "watch 9", "watch 9", "watch 9", "watch 9"}));
}

TEST_F(WatcherStory, WaitsAsLongAsTheServerAsks) {
  play(
      {{.revision = "9"},
       {.events = {
            {error,
             base::parse_json(
                 R"({"code":429,"reason":"TooManyRequests","message":"busy","details":{"retryAfterSeconds":20}})")}}}});
  pass(19s);
  EXPECT_EQ(server->asked.size(), 2u);
  pass(2s);
  EXPECT_EQ(server->asked.size(), 3u);
}

TEST_F(WatcherStory, GivesUpASilentConnectionAfterTheServersOwnTimeout) {
  play({{.revision = "9"}, {.silent = true}});
  pass(5min);
  EXPECT_EQ(server->asked.size(), 2u);
  pass(6min);
  EXPECT_EQ(server->asked, (Strings{"list ", "watch 9", "watch 9"}));
}

TEST_F(WatcherStory, SaysHowFarItHasTold) {
  play({{.items = {object("a", 5)}, .revision = "9"},
        {.events = {{added, object("b", 10)}, {bookmark, object("", 30)}}, .silent = true}});
  EXPECT_EQ(notes.revisions, (Strings{"9", "10", "30"}));
  EXPECT_EQ(watcher->resource_version(), "30");
}

TEST_F(WatcherStory, IsNotBlindedByAnObjectThatCannotBeParsed) {
  play({{.items = {object("a", 1)}, .revision = "9", .unreadable = {{object("b", 2), "too deep"}}},
        {.events = {{unreadable, object("a", 10), "too deep"},
                    {unreadable, base::JsonObject{}, "torn"},
                    {added, object("c", 12)}},
         .silent = true}});
  EXPECT_EQ(server->asked, (Strings{"list ", "watch 9"}));
  EXPECT_EQ(notes.all, (Strings{"begins", "put a@1", "listed", "gone a", "put c@12"}));
  EXPECT_EQ(log.lines, (Strings{"object cannot be read kind=Thing namespace= name=b error=too deep",
                                "object cannot be read kind=Thing namespace= name=a error=too deep",
                                "object cannot be read kind=Thing namespace= name= error=torn"}));
}

TEST_F(WatcherStory, AsksForSmallerPagesWhereALargeOneCannotBeRead) {
  const base::Error large(base::Code::invalid, "the answer is larger than 33554432 bytes");
  play({{.items = {object("a", 1)}, .revision = "9", .continue_token = "more"},
        {.error = large},
        {.error = large},
        {.items = {object("b", 2)}, .revision = "9"}});
  EXPECT_EQ(server->asked, (Strings{"list ", "list more", "list more", "list more", "watch 9"}));
  EXPECT_EQ(server->limits, (std::vector<int>{500, 500, 250, 125}));
  EXPECT_EQ(notes.all, (Strings{"begins", "put a@1", "put b@2", "listed"}));
}

TEST_F(WatcherStory, GivesUpOnAPageThatNoSizeMends) {
  const base::Error bad(base::Code::invalid, "bad selector");
  play(std::deque<Step>(9, Step{.error = bad}));
  EXPECT_EQ(server->limits.back(), 1);
  EXPECT_EQ(watcher->state(), Watcher::State::waiting);
  EXPECT_EQ(notes.all, Strings{"begins"});
}

}  // namespace
}  // namespace kube
