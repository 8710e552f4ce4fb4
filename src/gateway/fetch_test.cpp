#include "gateway/fetch.h"

#include "base/text.h"
#include "gateway/fixture_test.h"

namespace gateway {
namespace {

using protocol::ToolResult;

// Pages by path, and what each was asked with.
class Pages {
 public:
  std::map<std::string, io::Response> pages;
  std::vector<io::Headers> asked;
  std::string url(const std::string& path) const { return "http://" + served_.place() + path; }
  std::string place() const { return served_.place(); }

 private:
  io::Task<> answer(io::Exchange& exchange) {
    asked.push_back(exchange.headers());
    const auto found = pages.find(exchange.target());
    io::Response response =
        found == pages.end() ? io::Response{404, {}, "no such page"} : found->second;
    co_await exchange.respond(std::move(response));
  }
  Served served_{[this](io::Exchange& exchange) { return answer(exchange); }};
};

struct Fetch : testing::Test {
  Pages site;
  FetchSettings settings{.also = {site.place()}};

  ToolResult fetch(const std::string& arguments) {
    return world().loop.run(fetch_url(world().loop, world().clock, settings, arguments));
  }
  ToolResult fetch_path(const std::string& path) {
    return fetch(base::cat("{\"url\":\"", site.url(path), "\"}"));
  }
  void page(const std::string& path, const std::string& type, std::string body) {
    site.pages[path] = {200, {{"Content-Type", type}}, std::move(body)};
  }
  void redirect(const std::string& from, const std::string& to) {
    site.pages[from] = {302, {{"Location", to}}, ""};
  }
};

TEST_F(Fetch, GivesTextAsItIsAndHtmlAsText) {
  page("/data?x=1", "application/json; charset=utf-8", "{\"a\": 1}");
  page("/page", "text/html", "<h1>Title</h1><p>Caf\xc3\xa9");
  page("/old", "text/plain; charset=ISO-8859-1", "Caf\xe9");
  EXPECT_EQ(fetch_path("/data?x=1").text, "{\"a\": 1}");
  EXPECT_EQ(fetch_path("/page").text, "Title\nCafé");
  EXPECT_EQ(fetch_path("/old").text, "Café");
  EXPECT_FALSE(fetch_path("/page").failed);
  EXPECT_EQ(site.asked[0].get("Accept-Encoding"), "identity");
  EXPECT_EQ(site.asked[0].get("Host"), site.place());
}

TEST_F(Fetch, SaysTheStatusOfAPageThatIsNone) {
  const ToolResult result = fetch_path("/nothing");
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(result.text, "HTTP status 404\nno such page");
}

TEST_F(Fetch, CutsAtCharactersNotBytes) {
  page("/long", "text/plain", "ééééé");
  const ToolResult result =
      fetch(base::cat("{\"url\":\"", site.url("/long"), "\",\"maxChars\":3}"));
  EXPECT_TRUE(result.text.starts_with("ééé\n[cut after 3 characters")) << result.text;
  EXPECT_EQ(result.totalBytes, 10);
}

TEST_F(Fetch, ReadsNoMoreOfAPageThanItsLimit) {
  settings.bytes_max = 1000;
  page("/big", "text/plain", std::string(5'000'000, 'x'));
  const ToolResult result = fetch_path("/big");
  EXPECT_TRUE(result.text.starts_with(std::string(1000, 'x') + "\n[cut"))
      << result.text.substr(990);
}

TEST_F(Fetch, RefusesWhatIsNoText) {
  page("/image", "image/png", "\x89PNG");
  page("/liar", "text/plain", std::string("a\0b", 3));
  site.pages["/packed"] = {
      200, {{"Content-Type", "text/plain"}, {"Content-Encoding", "gzip"}}, "x"};
  EXPECT_EQ(fetch_path("/image").text, "fetch_url: the page is image/png, not text");
  EXPECT_EQ(fetch_path("/liar").text, "fetch_url: the page is binary, not text");
  EXPECT_NE(fetch_path("/packed").text.find("compressed (gzip)"), std::string::npos);
  EXPECT_TRUE(fetch_path("/image").failed);
}

TEST_F(Fetch, FollowsFiveRedirectsAndNoMore) {
  for (int i = 1; i <= 6; ++i) redirect(base::cat("/", i), base::cat("/", i - 1));
  page("/0", "text/plain", "there");
  EXPECT_EQ(fetch_path("/5").text, "there");
  EXPECT_EQ(fetch_path("/6").text, "fetch_url: more than 5 redirects");
}

TEST_F(Fetch, NeverAsksAnAddressOfOurs) {
  Pages inside;
  inside.pages["/"] = {200, {}, "secret"};
  page("/", "text/plain", "fine");
  redirect("/away", inside.url("/"));
  redirect("/name", base::cat("http://localhost:", inside.place().substr(10), "/"));
  redirect("/mapped", base::cat("http://[::ffff:127.0.0.1]:", inside.place().substr(10), "/"));
  for (const auto& path : {"/away", "/name", "/mapped"}) {
    const ToolResult result = fetch_path(path);
    EXPECT_TRUE(result.failed) << path;
    EXPECT_NE(result.text.find("which is loopback: only public addresses"), std::string::npos)
        << result.text;
  }
  settings.also.clear();
  EXPECT_NE(fetch_path("/").text.find("which is loopback"), std::string::npos);
  for (auto host : {"169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "0.0.0.0", "0177.0.0.1"})
    EXPECT_TRUE(fetch(base::cat("{\"url\":\"http://", host, "/\"}")).failed) << host;
  EXPECT_TRUE(inside.asked.empty());
  EXPECT_EQ(site.asked.size(), 3U);
}

TEST_F(Fetch, TellsHeadersToTheServerTheyWereMeantForOnly) {
  Pages other;
  settings.also.push_back(other.place());
  other.pages["/"] = {200, {{"Content-Type", "text/plain"}}, "other"};
  redirect("/stay", "/away");
  redirect("/away", other.url("/"));
  const ToolResult result = fetch(base::cat(
      "{\"url\":\"", site.url("/stay"), "\",\"headers\":{\"X-Token\":\"t\",\"Accept\":\"a/b\"}}"));
  EXPECT_EQ(result.text, "other");
  ASSERT_EQ(site.asked.size(), 2U);
  EXPECT_EQ(site.asked[1].get("X-Token"), "t");
  EXPECT_EQ(site.asked[1].get("Accept"), "a/b");
  EXPECT_EQ(other.asked.at(0).get("X-Token"), "");
}

TEST_F(Fetch, RefusesArgumentsInWords) {
  struct Case {
    std::string arguments, words;
  };
  const std::vector<Case> cases{
      {"[]", "must be a JSON object"},
      {"{", "line 1"},
      {"{}", "url: is required"},
      {"{\"url\":7}", "url: is required and must be a text"},
      {"{\"url\":\"ftp://x/\"}", "must begin with https:// or http://"},
      {"{\"url\":\"http://h/\",\"maxChars\":0}", "maxChars"},
      {"{\"url\":\"http://h/\",\"maxChars\":\"9\"}", "maxChars"},
      {"{\"url\":\"http://h/\",\"headers\":[]}", "headers"},
      {"{\"url\":\"http://h/\",\"headers\":{\"Host\":\"x\"}}", "\"Host\" cannot be set"},
      {"{\"url\":\"http://h/\",\"headers\":{\"a b\":\"x\"}}", "\"a b\" cannot be set"},
      {"{\"url\":\"http://h/\",\"headers\":{\"a\":\"x\\r\\ny: z\"}}", "control characters"},
      {"{\"url\":\"http://h/\",\"headers\":{\"a\":1}}", "headers.a: must be a text"},
  };
  for (const auto& one : cases) {
    const ToolResult result = fetch(one.arguments);
    EXPECT_TRUE(result.failed) << one.arguments;
    EXPECT_NE(result.text.find(one.words), std::string::npos) << result.text;
  }
}

TEST_F(Fetch, SaysThatAPageCannotBeReached) {
  const auto listener = io::listen_tcp(world().loop, "127.0.0.1", 0);
  const std::string place = base::cat("127.0.0.1:", listener->port());
  listener->close();
  settings.also.push_back(place);
  const ToolResult result = fetch(base::cat("{\"url\":\"http://", place, "/\"}"));
  EXPECT_TRUE(result.failed);
  EXPECT_NE(result.text.find("refused"), std::string::npos) << result.text;
}

}  // namespace
}  // namespace gateway
