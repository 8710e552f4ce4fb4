#include "kube/client.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/file.h"
#include "kube/scripted_http.h"
#include "kube/status.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using base::Code;

constexpr schema::KindInfo thing{.group = "example.com",
                                 .version = "v1",
                                 .kind = "Thing",
                                 .plural = "things",
                                 .singular = "thing"};
const Ref one{&thing, "demo", "one", {}};
const std::string path_of_one = "/apis/example.com/v1/namespaces/demo/things/one";

class ClientTest : public testing::Test {
 protected:
  base::Json get() { return loop.run(client->get(one, {})); }
  // The error of a get; its code, message and how long to wait.
  struct Failure {
    Code code = Code::cancelled;
    std::string what;
    base::Duration wait{};
  };
  Failure failure() {
    try {
      get();
    } catch (const base::Error& error) {
      return {error.code(), error.what(), retry_after_of(error)};
    }
    return {Code::cancelled, "no error", {}};
  }
  const io::Request& last() const { return server.asked.back(); }
  void connect(Endpoint endpoint) {
    client = std::make_unique<Client>(loop, clock, std::move(endpoint));
  }

  io::Loop loop;
  test::VirtualClock clock;
  ScriptedHttp server{loop, clock};
  std::unique_ptr<Client> client =
      std::make_unique<Client>(loop, clock, server.endpoint(), ClientSettings{"tester/1"});
};

// ---- what is asked ----

TEST_F(ClientTest, AsksForAnObjectInItsPlace) {
  server.answer(200, R"({"kind":"Thing"})");
  EXPECT_EQ(base::text_at(get(), {"kind"}), "Thing");
  EXPECT_EQ(last().method, "GET");
  EXPECT_EQ(last().target, path_of_one);
  EXPECT_EQ(last().headers.get("Accept"), "application/json");
  EXPECT_EQ(last().headers.get("User-Agent"), "tester/1");
  EXPECT_FALSE(last().headers.has("Authorization"));
}

TEST_F(ClientTest, ListsPageByPage) {
  server.answer(200, R"({"metadata":{"resourceVersion":"7","continue":"a+b="},
                         "items":[{"metadata":{"name":"x"}}]})");
  const ListOptions options{.label_selector = "a=b", .continue_token = "c d", .limit = 2};
  const Page page = loop.run(client->list({&thing, "", "", ""}, options));
  EXPECT_EQ(last().target,
            "/apis/example.com/v1/things?labelSelector=a%3Db&continue=c%20d&limit=2");
  EXPECT_EQ(page.resource_version, "7");
  EXPECT_EQ(page.continue_token, "a+b=");
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(base::text_at(page.items[0], {"apiVersion"}), "example.com/v1");
  EXPECT_EQ(base::text_at(page.items[0], {"kind"}), "Thing");
}

TEST_F(ClientTest, TakesAListWithoutItems) {
  server.answer(200, R"({"metadata":{"resourceVersion":"7"},"items":null})");
  EXPECT_TRUE(loop.run(client->list({&thing, "demo", "", ""}, {})).items.empty());
}

TEST_F(ClientTest, AsksForMetadataOrATableOnly) {
  server.answer(200, "{}");
  server.answer(200, "{}");
  server.answer(200, "{}");
  loop.run(client->get(one, {.detail = Detail::metadata}));
  EXPECT_EQ(last().headers.get("Accept"),
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  loop.run(client->get(one, {.detail = Detail::table}));
  EXPECT_EQ(last().headers.get("Accept"), "application/json;as=Table;v=v1;g=meta.k8s.io");
  loop.run(client->list(one, {.detail = Detail::metadata}));
  EXPECT_EQ(last().headers.get("Accept"),
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io");
}

TEST_F(ClientTest, CreatesInTheCollectionAndSubresourcesBelowTheObject) {
  server.answer(201, "{}");
  server.answer(201, "{}");
  loop.run(client->create(one, {{"a", 1}}, {.dry_run = true, .unknown = UnknownFields::refuse}));
  EXPECT_EQ(last().method, "POST");
  EXPECT_EQ(last().target,
            "/apis/example.com/v1/namespaces/demo/things?dryRun=All&fieldValidation=Strict");
  EXPECT_EQ(last().headers.get("Content-Type"), "application/json");
  EXPECT_EQ(last().body, R"({"a":1})");
  Ref token = one;
  token.subresource = "token";
  loop.run(client->create(token, base::JsonObject{}, {}));
  EXPECT_EQ(last().target, path_of_one + "/token");
}

TEST_F(ClientTest, PatchesByMerging) {
  server.answer(200, "{}");
  Ref status = one;
  status.subresource = "status";
  loop.run(client->patch(status, {{"status", nullptr}}, {}));
  EXPECT_EQ(last().method, "PATCH");
  EXPECT_EQ(last().target, path_of_one + "/status");
  EXPECT_EQ(last().headers.get("Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(last().body, R"({"status":null})");
}

TEST_F(ClientTest, SaysOnWhichConditionsItDeletes) {
  server.answer(200, "{}");
  server.answer(200, "{}");
  loop.run(client->remove(one, {.uid = "u",
                                .resource_version = "7",
                                .propagation = Propagation::foreground,
                                .grace_period_seconds = 0}));
  EXPECT_EQ(last().method, "DELETE");
  EXPECT_EQ(base::parse_json(last().body),
            base::parse_json(R"({"apiVersion":"v1","kind":"DeleteOptions",
                                 "preconditions":{"uid":"u","resourceVersion":"7"},
                                 "propagationPolicy":"Foreground","gracePeriodSeconds":0})"));
  loop.run(client->remove(one, {}));
  EXPECT_EQ(last().body, R"({"apiVersion":"v1","kind":"DeleteOptions"})");
}

// ---- what is answered instead ----

TEST_F(ClientTest, MakesACodeOfEachRefusal) {
  struct Case {
    int status;
    std::string body;
    Code code;
    std::string what;
  };
  const std::vector<Case> cases{
      {404, R"({"reason":"NotFound","message":"no one"})", Code::not_found, "not_found: no one"},
      {409, R"({"reason":"AlreadyExists","message":"is there"})", Code::exists, "exists: is there"},
      {409, R"({"reason":"Conflict","message":"too late"})", Code::conflict, "conflict: too late"},
      {410, R"({"reason":"Expired","message":"too old"})", Code::gone, "gone: too old"},
      {422, R"({"reason":"Invalid","message":"spec.a: is required"})", Code::invalid,
       "invalid: spec.a: is required"},
      {401, R"({"reason":"Unauthorized","message":"who?"})", Code::denied, "denied: who?"},
      {403, R"({"reason":"Forbidden","message":"not you"})", Code::denied, "denied: not you"},
      {500, R"({"reason":"InternalError","message":"oh"})", Code::unavailable, "unavailable: oh"},
      {504, R"({"reason":"Timeout","message":"slow"})", Code::timeout, "timeout: slow"},
      {502, "<html>bad gateway</html>", Code::unavailable,
       "unavailable: HTTP 502 <html>bad gateway</html>"},
      {503, "", Code::unavailable, "unavailable: HTTP 503 "},
      {301, "", Code::unavailable, "unavailable: HTTP 301 "},
  };
  for (const Case& each : cases) {
    server.answer(each.status, each.body);
    const Failure failed = failure();
    EXPECT_EQ(failed.code, each.code) << each.body;
    EXPECT_EQ(failed.what, "getting Thing demo/one: " + each.what);
  }
}

TEST_F(ClientTest, IsToldHowLongToWait) {
  server.answer(429, R"({"reason":"TooManyRequests","message":"busy"})", {{"Retry-After", "7"}});
  const Failure busy = failure();
  EXPECT_EQ(busy.code, Code::unavailable);
  EXPECT_EQ(busy.wait, 7s);
  server.answer(503, R"({"reason":"ServiceUnavailable","details":{"retryAfterSeconds":3}})");
  EXPECT_EQ(failure().wait, 3s);
}

TEST_F(ClientTest, FindsNothingOnlyWhereTheServerSaysSo) {
  server.answer(404, R"({"reason":"NotFound","message":"no"})");
  EXPECT_EQ(loop.run(find(*client, one)), std::nullopt);
  server.answer(503, "");
  EXPECT_THROW(loop.run(find(*client, one)), base::Error);
}

TEST_F(ClientTest, TakesNoAnswerThatIsNotJson) {
  server.answer(200, "<html>log in here</html>");
  const Failure failed = failure();
  EXPECT_EQ(failed.code, Code::internal);
  EXPECT_TRUE(failed.what.starts_with("getting Thing demo/one: the answer is not JSON"))
      << failed.what;
}

// A Watcher asks for a smaller page then.
TEST_F(ClientTest, CallsATooLargeAnswerInvalid) {
  server.answer(200, std::string(33 << 20, ' '));
  EXPECT_EQ(failure().code, Code::invalid);
}

TEST_F(ClientTest, WaitsNoLongerThanItsDeadline) {
  server.say_nothing();
  Failure failed;
  auto ask = [&]() -> io::Task<> {
    try {
      co_await client->get(one, {});
    } catch (const base::Error& error) {
      failed.code = error.code();
    }
  };
  io::TaskGroup group(loop);
  group.spawn("ask", ask());
  loop.run_ready();
  clock.advance(29'999ms);
  loop.run_ready();
  EXPECT_EQ(failed.code, Code::cancelled) << "it still waits";
  clock.advance(1ms);
  loop.run_ready();
  EXPECT_EQ(failed.code, Code::timeout);
}

TEST_F(ClientTest, SkipsItemsThatCannotBeParsedWhenAskedTo) {
  const std::string deep = R"({"metadata":{"name":"deep","resourceVersion":"5"},"spec":)" +
                           std::string(70, '[') + std::string(70, ']') + "}";
  const std::string list =
      R"({"kind":"ThingList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}},)" +
      deep + R"(,{"metadata":{"name":"b, \"]}"}}]})";
  server.answer(200, list);
  server.answer(200, list);
  const Ref all{&thing, "demo", "", ""};
  EXPECT_THROW(loop.run(client->list(all, {})), base::Error);
  const Page page = loop.run(client->list(all, {.skip_unreadable = true}));
  EXPECT_EQ(page.resource_version, "7");
  ASSERT_EQ(page.items.size(), 2u);
  EXPECT_EQ(base::text_at(page.items[1], {"metadata", "name"}), "b, \"]}");
  ASSERT_EQ(page.unreadable.size(), 1u);
  EXPECT_EQ(base::text_at(page.unreadable[0].object, {"metadata", "name"}), "deep");
  EXPECT_NE(page.unreadable[0].problem.find("deep"), std::string::npos)
      << page.unreadable[0].problem;
}

// ---- who asks ----

TEST_F(ClientTest, ShowsItsToken) {
  Endpoint endpoint = server.endpoint();
  endpoint.prefix = "/proxy";
  endpoint.token = base::Secret<std::string>("t0k");
  connect(std::move(endpoint));
  server.answer(200, "{}");
  get();
  EXPECT_EQ(last().headers.get("Authorization"), "Bearer t0k");
  EXPECT_EQ(last().target, "/proxy" + path_of_one);
}

class TokenFile : public ClientTest {
 protected:
  TokenFile() {
    Endpoint endpoint = server.endpoint();
    endpoint.token_file = folder / "token";
    connect(std::move(endpoint));
    for (int i = 0; i < 4; ++i) server.answer(200, "{}");
  }
  std::string shown() {
    get();
    return std::string(last().headers.get("Authorization"));
  }
  test::TempDirectory folder;
};

TEST_F(TokenFile, IsReadAgainAsItIsRenewed) {
  io::write_file(folder / "token", "first\n", 0600);
  EXPECT_EQ(shown(), "Bearer first");
  io::write_file(folder / "token", "second\n", 0600);
  clock.advance(9s);
  EXPECT_EQ(shown(), "Bearer first");
  clock.advance(1s);
  EXPECT_EQ(shown(), "Bearer second");
}

TEST_F(TokenFile, ServesOnWhileItCannotBeRead) {
  io::write_file(folder / "token", "first", 0600);
  EXPECT_EQ(shown(), "Bearer first");
  std::filesystem::remove(folder / "token");
  clock.advance(1min);
  EXPECT_EQ(shown(), "Bearer first");
}

TEST_F(TokenFile, ThatIsMissingDoesNotMeanThatTheObjectIs) {
  EXPECT_EQ(failure().code, Code::unavailable);
  EXPECT_THROW(loop.run(find(*client, one)), base::Error);
  EXPECT_TRUE(server.asked.empty());
}

}  // namespace
}  // namespace kube
