// Watches and logs as a Client reads them from the wire.
#include <gtest/gtest.h>

#include "kube/client.h"
#include "kube/scripted_http.h"
#include "support/virtual_clock.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using base::Code;
using End = ScriptedHttp::End;
using Type = WatchEvent::Type;

constexpr schema::KindInfo thing{
    .version = "v1", .kind = "Thing", .plural = "things", .singular = "thing"};
constexpr schema::KindInfo pod{.version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod"};

class Streams : public testing::Test {
 protected:
  void watch(WatchOptions options = {.resource_version = "9", .timeout = 60s}) {
    stream = loop.run(client.watch({&thing, "demo", "", ""}, options));
  }
  std::optional<WatchEvent> next() { return loop.run(stream->next()); }
  std::optional<std::string> piece() { return loop.run(log->next()); }
  template <class Function>
  static Code code_of(Function function) {
    try {
      function();
    } catch (const base::Error& error) {
      return error.code();
    }
    return Code::cancelled;
  }

  io::Loop loop;
  test::VirtualClock clock;
  ScriptedHttp server{loop, clock};
  Client client{loop, clock, server.endpoint()};
  std::unique_ptr<WatchStream> stream;
  std::unique_ptr<LogStream> log;
};

TEST_F(Streams, OfAWatchAskForBookmarksAndAnEnd) {
  server.stream({}, End::properly);
  watch({.label_selector = "a", .resource_version = "9", .timeout = 61'500ms});
  EXPECT_EQ(server.asked[0].target,
            "/api/v1/namespaces/demo/things?watch=true&allowWatchBookmarks=true&labelSelector=a&"
            "resourceVersion=9&timeoutSeconds=61");
  EXPECT_EQ(next(), std::nullopt);
}

TEST_F(Streams, OfAWatchAreEventsHoweverTheyAreCut) {
  server.stream({R"({"type":"ADDED","object":{"metadata":{"na)", R"(me":"a"}}})",
                 "\n\n"
                 R"({"type":"MODIFIED","object":{"a":1}})"
                 "\n"
                 R"({"type":"DELETED","object":{"a":2}})"
                 "\r\n",
                 R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}})"
                 "\n"
                 R"({"type":"ERROR","object":{"code":410}})"
                 "\n"},
                End::properly);
  watch();
  const auto added = next();
  ASSERT_TRUE(added);
  EXPECT_EQ(added->type, Type::added);
  EXPECT_EQ(base::text_at(added->object, {"metadata", "name"}), "a");
  for (const Type type : {Type::modified, Type::deleted, Type::bookmark, Type::error}) {
    const auto event = next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, type);
  }
  EXPECT_EQ(next(), std::nullopt);
}

TEST_F(Streams, GoOnAfterAnEventThatCannotBeParsed) {
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  server.stream({R"({"type":"MODIFIED","object":{"spec":)" + deep +
                     R"(,"metadata":{"name":"deep","resourceVersion":"10"}}})"
                     "\n",
                 R"({"type":"MODIFIED","object":{"metadata":)" + deep + "}}\n",
                 "<html>\n"
                 R"({"type":"ADDED","object":{}})"
                 "\n"},
                End::properly);
  watch();
  const auto first = next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, Type::unreadable);
  EXPECT_EQ(base::text_at(first->object, {"metadata", "name"}), "deep");
  EXPECT_EQ(base::text_at(first->object, {"metadata", "resourceVersion"}), "10");
  EXPECT_NE(first->problem.find("not JSON"), std::string::npos) << first->problem;
  for (int i = 0; i < 2; ++i) {
    const auto event = next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, Type::unreadable);
    EXPECT_EQ(event->object, base::Json(base::JsonObject{}));
  }
  EXPECT_EQ(next()->type, Type::added);
}

TEST_F(Streams, OfAWatchThatBreaksOffAreAnError) {
  server.stream({R"({"type":"ADDED","object":{}})"
                 "\n"
                 R"({"type":"ADD)"},
                End::broken);
  watch();
  EXPECT_EQ(next()->type, Type::added);
  EXPECT_EQ(code_of([&] { next(); }), Code::unavailable);
}

TEST_F(Streams, ThatAreRefusedSayWhy) {
  server.answer(410, R"({"reason":"Expired","message":"too old resource version"})");
  EXPECT_EQ(code_of([&] { watch(); }), Code::gone);
  server.answer(403, R"({"reason":"Forbidden","message":"no logs for you"})");
  EXPECT_EQ(code_of([&] { loop.run(client.log({&pod, "demo", "p", ""}, {})); }), Code::denied);
}

TEST_F(Streams, OfALogAreItsBytes) {
  server.stream({"one\ntw", "o\n"}, End::properly);
  log = loop.run(client.log({&pod, "demo", "p", ""}, {.container = "main",
                                                      .follow = true,
                                                      .timestamps = true,
                                                      .previous = true,
                                                      .tail_lines = 5,
                                                      .since_seconds = 60,
                                                      .limit_bytes = 1000}));
  EXPECT_EQ(server.asked[0].target,
            "/api/v1/namespaces/demo/pods/p/log?container=main&follow=true&limitBytes=1000&"
            "previous=true&sinceSeconds=60&tailLines=5&timestamps=true");
  std::string all;
  while (auto bytes = piece()) all += *bytes;
  EXPECT_EQ(all, "one\ntwo\n");
}

TEST_F(Streams, OfALogThatBreaksOffAreNoWholeLog) {
  server.stream({"one\n"}, End::broken);
  log = loop.run(client.log({&pod, "demo", "p", ""}, {.follow = true}));
  EXPECT_EQ(piece(), "one\n");
  EXPECT_EQ(code_of([&] { piece(); }), Code::unavailable);
}

}  // namespace
}  // namespace kube
