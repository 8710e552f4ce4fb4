#include "gateway/journal_api.h"

#include "apiserver/fake_exchange.h"
#include "gateway/away_journal_test.h"
#include "gateway/gateway_fixture_test.h"
#include "io/crypto.h"
#include "journal/export.h"
#include "protocol/journal_api.h"

namespace gateway {
namespace {

using journal::Batch;
using journal::Fence;

// A journal with its API; the test is the gateway that writes it.
struct JournalApiTest : testing::Test {
  struct Home {
    explicit Home(const std::string& path)
        : journal(world().loop, world().clock, pool, path),
          api(world().loop, world().clock, log, pool, journal, journal, journal, world().api),
          served(api.handler()),
          client(world().loop, world().clock, io::tcp_dialer("127.0.0.1", served.port()), "j") {}
    RecordingLog log;
    io::BlockingPool pool;
    journal::SqliteJournal journal;
    JournalApi api;
    Served served;
    io::HttpClient client;

    Answered ask(const std::string& method, const std::string& target, std::string body = "") {
      io::Request request{method, target, {}, std::move(body)};
      request.headers.set("X-Remote-User", "alice");
      auto response = run(client.send(std::move(request), base::Duration(15'000)));
      return {response.status, response.body, response.headers};
    }
    Answered get(const std::string& ns, const std::string& resource,
                 const std::string& below = "") {
      return ask("GET", journal_path(ns, resource, below));
    }
    std::vector<Json> lines(const std::string& ns, const std::string& resource,
                            const std::string& below = "") {
      std::vector<Json> out;
      const Answered answer = get(ns, resource, below);
      EXPECT_EQ(answer.status, 200) << answer.text;
      for (const auto& line : base::split(base::trim(answer.text), '\n'))
        out.push_back(parse_json(line));
      return out;
    }
  };

  test::TempDirectory directory;
  Home home{directory / "journal.db"};

  void append(const std::string& uid, Batch batch) {
    batch.run = uid;
    run(home.journal.append(std::move(batch)));
  }
  void begin(const std::string& ns, const std::string& uid, const std::string& name) {
    Batch batch{.fence = {1, 0}};
    append(uid, batch.add(journal::RunBegun{.ns = ns, .name = name}));
  }
  // One turn with an answer, and the end.
  void answer(const std::string& uid, const std::string& text) {
    Batch batch{.fence = {1, 1}};
    const std::string said = batch.add_blob("question of " + uid), blob = batch.add_blob(text);
    batch.add(journal::ModelIntent{.turn = 1, .appended = {said}})
        .add(journal::ModelOutcome{.turn = 1, .message = blob, .usage = {7, 3}})
        .add(journal::RunOutcome{.text = blob});
    append(uid, batch);
  }
};

std::vector<std::string> texts(const std::vector<Json>& lines, std::string_view member) {
  std::vector<std::string> out;
  for (const auto& line : lines) out.push_back(text_at(line, {member}));
  return out;
}
using Names = std::vector<std::string>;

TEST_F(JournalApiTest, SaysWhatItServes) {
  const Json list = home.ask("GET", "/apis/journal.sympozium.ai/v1alpha1").json();
  EXPECT_EQ(text_at(list, {"kind"}), "APIResourceList");
  EXPECT_EQ(list.at("resources").as_array().size(), 8u);
  EXPECT_EQ(home.ask("GET", "/apis/journal.sympozium.ai").status, 200);
  EXPECT_EQ(home.ask("GET", "/apis/other").status, 404);
  EXPECT_EQ(home.ask("DELETE", journal_path("x", "runrecords", "a")).status, 404);
}

TEST_F(JournalApiTest, ShowsTheRunsOfTheNamespaceAndNoOthers) {
  begin("x", "a", "one");
  begin("y", "b", "one");
  begin("x", "c", "one");
  answer("a", "yes");
  const Json list = home.get("x", "runrecords").json();
  ASSERT_EQ(list.at("items").as_array().size(), 2u);
  EXPECT_EQ(text_at(list.at("items").at(0), {"metadata", "uid"}), "c");
  const Json page = home.get("x", "runrecords?limit=1").json();
  const std::string next = text_at(page, {"metadata", "continue"});
  const Json rest = home.get("x", "runrecords?continue=" + next).json();
  EXPECT_EQ(text_at(rest.at("items").at(0), {"metadata", "uid"}), "a");

  const Json record = home.get("x", "runrecords", "a").json();
  EXPECT_EQ(text_at(record, {"status", "outcome"}), "success");
  EXPECT_EQ(base::find_int(record, {"status", "inputTokens"}), 7);
  EXPECT_EQ(base::find_int(record, {"status", "events"}), 4);
  EXPECT_EQ(text_at(home.get("x", "runrecords", "one").json(), {"metadata", "uid"}), "c")
      << "the latest of that name";
  for (const char* other : {"b", "b/events", "b/export", "nobody"})
    EXPECT_EQ(home.get("x", "runrecords", other).status, 404) << other;
}

TEST_F(JournalApiTest, TellsARunAsCloudEvents) {
  begin("x", "a", "one");
  answer("a", "yes");
  const auto events = home.lines("x", "runrecords", "one/events?watch=true");  // it has ended
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(text_at(events[1], {"specversion"}), "1.0");
  EXPECT_EQ(text_at(events[1], {"id"}), "a/1");
  EXPECT_EQ(text_at(events[1], {"type"}), "ai.sympozium.model.intent");
  EXPECT_EQ(text_at(events[1], {"subject"}), "1");
  EXPECT_EQ(text_at(events[1], {"source"}),
            "/apis/journal.sympozium.ai/v1alpha1/namespaces/x/runrecords/a");
  EXPECT_EQ(base::find_int(events[2], {"data", "usage", "inputTokens"}), 7);
  EXPECT_FALSE(events[0].as_object().contains("subject"));
  EXPECT_EQ(texts(home.lines("x", "runrecords", "a/events?after=2"), "id"), Names{"a/3"});
}

TEST_F(JournalApiTest, FollowsARunUntilItHasEnded) {
  begin("x", "a", "one");
  auto end = [&]() -> io::Task<> {
    Batch batch{.run = "a", .fence = {1, 1}};
    batch.add(journal::RunOutcome{});
    co_await home.journal.append(std::move(batch));
  };
  io::TaskGroup group(world().loop);
  io::Request request{"GET", journal_path("x", "runrecords", "one/events?watch=true")};
  auto follow = [&]() -> io::Task<std::string> {
    auto stream = co_await home.client.open(std::move(request), base::Duration(15'000));
    auto first = co_await stream->next();
    group.spawn("end", end());
    std::string rest = co_await stream->rest(1 << 20);
    co_return *first + rest;
  };
  const std::string text = run(follow());
  EXPECT_EQ(base::split(base::trim(text), '\n').size(), 2u) << text;
  EXPECT_NE(text.find("ai.sympozium.run.outcome"), std::string::npos);
}

TEST_F(JournalApiTest, TellsANamespacesHistoryFromAPositionOrATime) {
  const StartedRun living = start_run("http://127.0.0.1:9/v1", make_secret("127.0.0.1:9"));
  begin("default", living.uid, living.name);
  begin("default", "b", "two");
  begin("y", "c", "other");
  answer("b", "yes");
  const auto all = home.lines("default", "runevents");
  EXPECT_EQ(texts(all, "id"), (Names{living.uid + "/0", "b/0", "b/1", "b/2", "b/3"}));
  const auto position = std::to_string(*base::find_int(all[1], {"position"}));
  EXPECT_EQ(texts(home.lines("default", "runevents?limit=2&after=" + position), "id"),
            (Names{"b/1", "b/2"}));
  EXPECT_EQ(texts(home.lines("default", "runevents?run=two"), "id").size(), 4u);
  EXPECT_EQ(texts(home.lines("default", "runevents?agent=a"), "id"), Names{living.uid + "/0"});
  EXPECT_EQ(home.lines("default", "runevents?since=2026-01-01T00:00:00Z").size(), 5u);
  EXPECT_EQ(home.lines("default", "runevents?since=2999-01-01T00:00:00Z").size(), 0u);
  EXPECT_EQ(home.get("default", "runevents?since=yesterday").status, 400);
}

TEST_F(JournalApiTest, GivesContentsThatTheRunNames) {
  begin("x", "a", "one");
  answer("a", "\xffmine");
  begin("y", "b", "two");
  answer("b", "theirs");
  Batch names;
  const std::string mine = names.add_blob("\xffmine"), theirs = names.add_blob("theirs");
  EXPECT_EQ(home.get("x", "runrecords", "one/blobs/" + mine).text, "\xffmine");
  EXPECT_EQ(home.get("x", "runrecords", "one/blobs/" + theirs).status, 404);
}

TEST_F(JournalApiTest, ShowsWhatWasSignedOfANamespaceAndProvesItOfARun) {
  begin("x", "a", "one");
  begin("x", "c", "three");
  begin("y", "b", "two");
  const auto key = io::make_ed25519_key();
  const std::string pem = io::public_key_pem(key);
  const auto sign = [&](const std::string& ns) {
    const auto next = run(home.journal.unsigned_heads(ns, 100));
    run(home.journal.add(journal::sign_checkpoint(ns, next.latest, next.heads, {}, key), next.heads,
                         {io::public_key_id(pem), pem}));
  };
  sign("x");
  sign("y");
  answer("a", "yes");
  sign("x");
  begin("x", "d", "four");
  const auto kinds = [&](const std::vector<Json>& lines) {
    std::string text;
    for (const auto& line : lines) text += std::string(line.as_object().begin()->key()) + " ";
    return text;
  };
  const auto all = home.lines("x", "checkpoints");
  EXPECT_EQ(kinds(all), "key checkpoint head head checkpoint head unsigned ");
  EXPECT_EQ(text_at(all[6], {"unsigned", "run"}), "d");
  EXPECT_EQ(kinds(home.lines("x", "checkpoints?after=1")), "key checkpoint head unsigned ");
  EXPECT_EQ(kinds(home.lines("z", "checkpoints")), "key ");
  EXPECT_EQ(home.ask("POST", journal_path("x", "checkpoints"), "").status, 404);

  const auto file = journal::read_export(home.get("x", "runrecords", "a/export").text);
  EXPECT_EQ(file.checkpoints.size(), 2u);
  EXPECT_EQ(file.signed_events, 4);
  EXPECT_EQ(journal::read_export(home.get("x", "runrecords", "c/export").text).checkpoints.size(),
            1u);
  EXPECT_EQ(journal::read_export(home.get("x", "runrecords", "d/export").text).signed_events, 0);
}

TEST_F(JournalApiTest, TakesARunToAnotherHome) {
  begin("x", "a", "one");
  answer("a", "yes");
  const std::string file = home.get("x", "runrecords", "one/export").text;
  EXPECT_EQ(journal::read_export(file).blobs.size(), 2u);

  Home other(directory / "other.db");
  const std::string there = journal_path("there", "runrecords");
  const Answered made = other.ask("POST", there, file);
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(base::find_bool(made.json(), {"status", "imported"}), true);
  EXPECT_EQ(other.get("there", "runrecords", "one/export").text, file) << "byte for byte";
  EXPECT_EQ(other.lines("there", "runrecords", "one/events?watch=true").size(), 4u);

  EXPECT_EQ(other.ask("POST", there, file).status, 409);
  EXPECT_EQ(text_at(other.ask("POST", there, file.substr(0, file.size() / 2)).json(), {"reason"}),
            "BadRequest");
}

// Or its gateway could not begin it any more.
TEST_F(JournalApiTest, TakesNoRunInThePlaceOfALivingOne) {
  const StartedRun living = start_run("http://127.0.0.1:9/v1", make_secret("127.0.0.1:9"));
  begin("default", living.uid, living.name);
  const std::string file = home.get("default", "runrecords", living.uid + "/export").text;
  Home other(directory / "other.db");
  const Answered refused = other.ask("POST", journal_path("mine", "runrecords"), file);
  EXPECT_EQ(refused.status, 409) << refused.text;
  EXPECT_FALSE(run(other.journal.state(living.uid)));
}

// A run waits for its journal; a person decides alone how long.
TEST_F(JournalApiTest, SaysAtOnceThatTheJournalIsAway) {
  begin("x", "a", "one");
  AwayJournal away(home.journal);
  away.failure = base::Code::unavailable;
  JournalApi api(world().loop, world().clock, home.log, home.pool, away, home.journal, home.journal,
                 world().api);
  Served served(api.handler());
  io::HttpClient client(world().loop, world().clock, io::tcp_dialer("127.0.0.1", served.port()),
                        "j");
  io::Request request{"GET", journal_path("x", "runrecords", "one/export"), {}, ""};
  const auto answer = run(client.send(std::move(request), base::Duration(15'000)));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(text_at(parse_json(answer.body), {"message"}),
            "not available now, try again: journal.db: disk full");
}

TEST_F(JournalApiTest, ErasesContentsAndForgetsRuns) {
  begin("x", "a", "one");
  answer("a", "a secret");
  const std::string one = journal_path("x", "runrecords", "one");
  EXPECT_EQ(home.ask("DELETE", journal_path("y", "runrecords", "a")).status, 404);
  const Answered erased = home.ask("DELETE", one + "/contents");
  ASSERT_EQ(erased.status, 200) << erased.text;
  EXPECT_EQ(text_at(erased.json(), {"details", "uid"}), "a");
  const auto file = journal::read_export(home.get("x", "runrecords", "one/export").text);
  EXPECT_EQ(file.events.size(), 4u) << "that it happened stays";
  EXPECT_EQ(file.erased.size(), 2u);
  EXPECT_EQ(home.ask("DELETE", one).status, 200);
  EXPECT_EQ(home.get("x", "runrecords", "one").status, 404);
  EXPECT_EQ(home.ask("DELETE", one).status, 404);
}

TEST_F(JournalApiTest, ForgetsNoRunThatGoesOn) {
  const StartedRun living = start_run("http://127.0.0.1:9/v1", make_secret("127.0.0.1:9"));
  begin("default", living.uid, living.name);
  const std::string path = journal_path("default", "runrecords", living.uid);
  for (const auto* what : {"", "/contents"}) {
    const Answered refused = home.ask("DELETE", path + what);
    EXPECT_EQ(refused.status, 409) << refused.text;
    EXPECT_NE(refused.text.find("has not ended"), std::string::npos) << refused.text;
  }
  begin("default", "deleted", "gone");  // no object has this UID any more
  EXPECT_EQ(home.ask("DELETE", journal_path("default", "runrecords", "gone/contents")).status, 200);
  EXPECT_TRUE(run(home.journal.state("deleted"))->ended);
  EXPECT_EQ(home.ask("DELETE", journal_path("default", "runrecords", "gone")).status, 200);
}

TEST(BehindFrontProxy, BelievesOnlyTheApiServer) {
  int served = 0;
  const auto ask = [&](std::vector<std::string> names, std::optional<std::string> shown) {
    auto handler = behind_front_proxy(
        [&](io::Exchange& exchange) {
          ++served;
          return exchange.respond({200, {}, ""});
        },
        std::move(names));
    apiserver::FakeExchange exchange("GET", "/");
    exchange.client.common_name = std::move(shown);
    exchange.request_headers.set("X-Remote-User", "admin");
    run(handler(exchange));
    return exchange.status;
  };
  EXPECT_EQ(ask({"front-proxy-client"}, "front-proxy-client"), 200);
  EXPECT_EQ(ask({}, "whoever its CA signed"), 200);
  EXPECT_EQ(ask({"front-proxy-client"}, "eve"), 401);
  EXPECT_EQ(ask({}, std::nullopt), 401);
  EXPECT_EQ(served, 2);
}

}  // namespace
}  // namespace gateway
