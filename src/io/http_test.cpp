#include "io/http.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "io/sync.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace io {
namespace {

using base::Code;
using base::Error;
using std::chrono::seconds;

struct NoLog final : base::Log {
  void write(base::Level level, std::string_view message, const Fields&) override {
    if (level >= base::Level::warn) lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

// The far ends of memory pipes.
class PipeDialer final : public Dialer {
 public:
  PipeDialer(Channel<std::unique_ptr<Conn>>& to, std::size_t& dials) : to_(to), dials_(dials) {}
  Task<std::unique_ptr<Conn>> dial() override {
    ++dials_;
    auto [here, there] = memory_pipe();
    co_await to_.push(std::move(there));
    co_return std::move(here);
  }

 private:
  Channel<std::unique_ptr<Conn>>& to_;
  std::size_t& dials_;
};

class PipeListener final : public Listener {
 public:
  explicit PipeListener(Channel<std::unique_ptr<Conn>>& from) : from_(from) {}
  Task<std::unique_ptr<Conn>> accept() override {
    auto conn = co_await from_.pop();
    if (!conn) throw Error(Code::gone, "the listener was closed");
    co_return std::move(*conn);
  }
  void close() override { from_.close(); }
  std::uint16_t port() const override { return 0; }

 private:
  Channel<std::unique_ptr<Conn>>& from_;
};

// A server behind memory pipes and a client to it. The handler may be changed before each request.
struct HttpTest : testing::Test {
  Loop loop;
  test::VirtualClock clock;
  NoLog log;
  Handler handler = [](Exchange& exchange) { return hello(exchange); };
  ServerLimits limits;
  Channel<std::unique_ptr<Conn>> wire{16};
  PipeListener listener{wire};
  std::size_t dials = 0;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
  std::unique_ptr<TaskGroup> tasks;

  void start(ClientLimits client_limits = {}) {
    server = std::make_unique<HttpServer>(loop, clock, log, limits,
                                          [this](Exchange& exchange) { return handler(exchange); });
    client = std::make_unique<HttpClient>(loop, clock, std::make_unique<PipeDialer>(wire, dials),
                                          "server", client_limits);
    tasks = std::make_unique<TaskGroup>(loop);
    tasks->spawn("server", server->serve(listener, nullptr));
  }
  void TearDown() override { tasks.reset(); }

  Response get(std::string target) { return send({"GET", std::move(target), {}, {}}); }
  Response send(Request request) { return loop.run(client->send(std::move(request), seconds(10))); }

  // Sends these bytes as they are and returns all that comes back until the server closes.
  std::string raw(std::string bytes) {
    auto task = [&]() -> Task<std::string> {
      auto [here, there] = memory_pipe();
      co_await wire.push(std::move(there));
      co_await here->write(bytes);
      co_await here->shutdown_write();
      std::string all, piece(4096, '\0');
      for (;;) {
        const std::size_t count = co_await here->read_some(piece);
        if (count == 0) co_return all;
        all.append(piece, 0, count);
      }
    };
    return loop.run(task());
  }

  static Task<> hello(Exchange& exchange) {
    Response response{200, {{"X-Method", exchange.method()}}, exchange.target()};
    co_await exchange.respond(std::move(response));
  }
  static Task<> echo(Exchange& exchange) {
    Response response;
    response.body = co_await exchange.body(16 << 20);
    co_await exchange.respond(std::move(response));
  }
};

TEST_F(HttpTest, AnswersAndKeepsTheConnection) {
  start();
  for (int i = 0; i < 3; ++i) {
    auto response = get("/a?b=c");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "/a?b=c");
    EXPECT_EQ(response.headers.get("x-METHOD"), "GET");
  }
  EXPECT_EQ(dials, 1u);
}

TEST_F(HttpTest, CarriesLargeBodiesBothWays) {
  start();
  handler = [](Exchange& exchange) { return echo(exchange); };
  const std::string large(5 << 20, 'x');
  auto response = send({"POST", "/", {}, large});
  EXPECT_EQ(response.body, large);
  EXPECT_EQ(dials, 1u);
}

TEST_F(HttpTest, StreamsChunksAsTheyAreSent) {
  start();
  Event go_on;
  handler = [&](Exchange& exchange) -> Task<> {
    co_await exchange.begin(201, {{"Content-Type", "text/event-stream"}});
    co_await exchange.send("one");
    co_await go_on.wait();
    co_await exchange.send("two");
    co_await exchange.end();
  };
  auto task = [&]() -> Task<> {
    Request request;
    auto stream = co_await client->open(request, seconds(10));
    EXPECT_EQ(stream->status(), 201);
    EXPECT_EQ(stream->headers().get("Content-Type"), "text/event-stream");
    auto first = co_await stream->next();
    EXPECT_EQ(first, "one");
    go_on.set();
    auto second = co_await stream->next();
    EXPECT_EQ(second, "two");
    auto third = co_await stream->next();
    EXPECT_EQ(third, std::nullopt);
  };
  loop.run(task());
  handler = [](Exchange& exchange) { return hello(exchange); };
  get("/");
  EXPECT_EQ(dials, 1u) << "a stream read to its end gives its connection back";
}

TEST_F(HttpTest, TellsAStreamThatItsClientHasGone) {
  start();
  bool told = false;
  handler = [&](Exchange& exchange) -> Task<> {
    co_await exchange.begin(200, {});
    co_await exchange.send("first");
    co_await exchange.client_gone();
    told = true;
    co_await exchange.end();
  };
  auto task = [&]() -> Task<> {
    Request request;
    auto stream = co_await client->open(request, seconds(10));
    co_await stream->next();
  };
  loop.run(task());
  EXPECT_FALSE(told);
  loop.run_ready();
  EXPECT_TRUE(told);
}

TEST_F(HttpTest, GivesHeadsWithoutBodies) {
  start();
  auto response = send({"HEAD", "/long", {}, {}});
  EXPECT_EQ(response.headers.get("Content-Length"), "5");
  EXPECT_EQ(response.body, "");
  handler = [](Exchange& exchange) -> Task<> {
    Response nothing{204, {}, {}};
    co_await exchange.respond(std::move(nothing));
  };
  EXPECT_EQ(get("/").status, 204);
  EXPECT_EQ(dials, 1u);
}

TEST_F(HttpTest, AHandlerThatFailsIsA500AndNothingElse) {
  start();
  handler = [](Exchange&) -> Task<> {
    co_await yield();
    throw Error(Code::conflict, "secret detail");
  };
  auto response = get("/");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "internal error\n");
  EXPECT_EQ(log.lines, std::vector<std::string>{"request failed"});
  handler = [](Exchange&) -> Task<> {
    throw std::out_of_range("foreign");
    co_return;
  };
  EXPECT_EQ(get("/").status, 500);
  handler = [](Exchange&) -> Task<> { co_return; };
  EXPECT_EQ(get("/").status, 500);
  handler = [](Exchange&) -> Task<> {
    throw Error(Code::cancelled, "a channel closed, this task was not stopped");
    co_return;
  };
  EXPECT_EQ(get("/").status, 500);
}

TEST_F(HttpTest, AnAnswerThatBreaksOffIsNoAnswer) {
  start();
  handler = [](Exchange& exchange) -> Task<> {
    co_await exchange.begin(200, {});
    co_await exchange.send("half");
    throw Error(Code::internal, "no more");
  };
  try {
    get("/");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable);
    EXPECT_STREQ(error.what(), "the connection was closed in the middle of an answer");
  }
}

TEST_F(HttpTest, AnswersABodyBeyondItsLimitWith413) {
  start();
  handler = [](Exchange& exchange) -> Task<> {
    co_await exchange.body(10);
    Response response;
    co_await exchange.respond(response);
  };
  EXPECT_EQ(send({"POST", "/", {}, std::string(11, 'x')}).status, 413);
  EXPECT_EQ(send({"POST", "/", {}, std::string(5 << 20, 'x')}).status, 413);
  EXPECT_EQ(send({"POST", "/", {}, std::string(10, 'x')}).status, 200);
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "b\r\n01234567890\r\n0\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpTest, AHandlerMaySayItselfThatABodyIsTooLarge) {
  start();
  handler = [](Exchange& exchange) -> Task<> {
    Response response;
    try {
      co_await exchange.body(10);
    } catch (const Error& error) {
      response = {400, {}, std::string(name(error.code()))};
    }
    co_await exchange.respond(response);
  };
  auto response = send({"POST", "/", {}, std::string(5 << 20, 'x')});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "invalid");
  EXPECT_EQ(response.headers.get("Connection"), "close");
}

TEST_F(HttpTest, AnswersTooMuchHeaderWith431) {
  limits.header_bytes = 1024;
  start();
  EXPECT_EQ(send({"GET", "/", {{"X-Long", std::string(5000, 'x')}}, {}}).status, 431);
}

TEST_F(HttpTest, RefusesWhatIsNoHttp) {
  start();
  for (std::string bytes : {
           "what\r\n\r\n",
           "GET / HTTP/1.1\r\nno colon\r\n\r\n",
           "GET\r\n\r\n",
           "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
           "GET / HTTP/1.1\r\nHost: a\r\n",
       }) {
    auto answer = raw(bytes);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << bytes << "→" << answer;
    EXPECT_NE(answer.find("Connection: close"), answer.npos);
  }
  EXPECT_EQ(raw(""), "");
  EXPECT_TRUE(raw("GET / HTTP/2.0\r\n\r\n").starts_with("HTTP/1.1 505 "));
  EXPECT_EQ(log.lines, std::vector<std::string>{}) << "a client's fault is not ours to warn of";
}

TEST_F(HttpTest, RefusesABrokenChunkedBody) {
  start();
  handler = [](Exchange& exchange) { return echo(exchange); };
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_TRUE(raw(head + "zz\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(raw(head + "5\r\nab").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(raw(head + std::string(100'000, '1')).starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpTest, SurvivesWhateverBytesComeIn) {
  start();
  handler = [](Exchange& exchange) { return echo(exchange); };
  const std::string good =
      "POST /path?a=b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n"
      "\r\n3;x=y\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
  test::SeededRandom random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (auto edits = random_below(random, 4) + 1; edits > 0 && !bytes.empty(); --edits) {
      const auto at = random_below(random, bytes.size());
      switch (random_below(random, 4)) {
        case 0: bytes[at] = static_cast<char>(random_below(random, 256)); break;
        case 1: bytes.erase(at, random_below(random, 9)); break;
        case 2: bytes.insert(at, bytes.substr(random_below(random, bytes.size()), 7)); break;
        default: bytes.resize(at + 1);
      }
    }
    const auto answer = raw(bytes);
    ASSERT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << bytes << "→" << answer;
  }
  EXPECT_EQ(log.lines, std::vector<std::string>{});
  EXPECT_EQ(get("/").status, 200);
}

TEST_F(HttpTest, ReadsChunkedBodiesAndAnswersPipelinedRequestsInOrder) {
  start();
  handler = [](Exchange& exchange) { return echo(exchange); };
  auto answer =
      raw("POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nHost: trailer\r\n\r\n"
          "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nfg");
  EXPECT_EQ(answer,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde"
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nfg");
}

TEST_F(HttpTest, AsksForABodyThatWaitsToBeAskedFor) {
  start();
  handler = [](Exchange& exchange) { return echo(exchange); };
  auto task = [&]() -> Task<std::string> {
    auto [here, there] = memory_pipe();
    co_await wire.push(std::move(there));
    co_await here->write(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    std::string piece(4096, '\0');
    const std::size_t first = co_await here->read_some(piece);
    std::string seen = piece.substr(0, first);
    co_await here->write("abc");
    const std::size_t second = co_await here->read_some(piece);
    co_return seen + piece.substr(0, second);
  };
  EXPECT_EQ(loop.run(task()),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
}

TEST_F(HttpTest, SpeaksHttp10ToThoseWhoDo) {
  start();
  handler = [](Exchange& exchange) -> Task<> {
    co_await exchange.begin(200, {});
    co_await exchange.send("plain");
    co_await exchange.end();
  };
  EXPECT_EQ(raw("GET / HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nplain");
}

TEST_F(HttpTest, ClosesIdleAndSlowConnections) {
  start({.idle = std::chrono::hours(1)});
  get("/");
  clock.advance(limits.idle - seconds(1));
  get("/");
  EXPECT_EQ(dials, 1u);
  clock.advance(limits.idle);
  loop.run_ready();
  get("/");
  EXPECT_EQ(dials, 2u);

  std::optional<Code> code;
  auto slow = [&]() -> Task<> {
    auto [here, there] = memory_pipe();
    co_await wire.push(std::move(there));
    co_await here->write("GET / HT");
    std::string piece(100, '\0');
    const std::size_t count = co_await here->read_some(piece);
    EXPECT_EQ(count, 0u);
    code = Code::gone;
  };
  tasks->spawn("slow", slow());
  loop.run_ready();
  clock.advance(limits.header_time - seconds(1));
  loop.run_ready();
  EXPECT_FALSE(code);
  clock.advance(seconds(1));
  loop.run_ready();
  EXPECT_TRUE(code);
}

TEST_F(HttpTest, AdmitsSoManyConnectionsOfOnePeer) {
  limits.connections_per_peer = 1;
  start();
  get("/");  // holds its connection
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpTest, DrainsByFinishingWhatRuns) {
  start();
  Event finish;
  handler = [&](Exchange& exchange) -> Task<> {
    co_await finish.wait();
    co_await hello(exchange);
  };
  int status = 0;
  auto request = [&]() -> Task<> {
    auto response = co_await client->send({}, seconds(100));
    status = response.status;
    EXPECT_EQ(response.headers.get("Connection"), "");
  };
  bool drained = false;
  auto drain = [&]() -> Task<> {
    co_await server->drain(seconds(30));
    drained = true;
  };
  tasks->spawn("request", request());
  loop.run_ready();
  tasks->spawn("drain", drain());
  loop.run_ready();
  EXPECT_FALSE(drained);
  finish.set();
  loop.run_ready();
  EXPECT_EQ(status, 200);
  EXPECT_TRUE(drained);
}

TEST_F(HttpTest, DrainsNoLongerThanItMay) {
  start();
  handler = [](Exchange& exchange) -> Task<> { co_await exchange.client_gone(); };
  auto request = [&]() -> Task<> { co_await client->send({}, seconds(100)); };
  tasks->spawn("request", request());
  loop.run_ready();
  bool drained = false;
  auto drain = [&]() -> Task<> {
    co_await server->drain(seconds(30));
    drained = true;
  };
  tasks->spawn("drain", drain());
  loop.run_ready();
  clock.advance(seconds(30));
  loop.run_ready();
  EXPECT_TRUE(drained);
}

// ---- client ----

TEST_F(HttpTest, TheClientGivesUpAtItsDeadline) {
  start();
  handler = [](Exchange& exchange) -> Task<> { co_await exchange.client_gone(); };
  std::string said;
  auto task = [&]() -> Task<> {
    try {
      co_await client->send({"GET", "/slow", {}, {}}, seconds(5));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::timeout);
      said = error.what();
    }
  };
  tasks->spawn("task", task());
  loop.run_ready();
  clock.advance(seconds(5));
  loop.run_ready();
  EXPECT_EQ(said, "GET /slow: no end after 5s");
}

TEST_F(HttpTest, TheClientWaitsForAPlaceWhenAllAreTaken) {
  start({.connections = 1});
  Event go_on;
  handler = [&](Exchange& exchange) -> Task<> {
    co_await go_on.wait();
    co_await hello(exchange);
  };
  int answers = 0;
  auto request = [&]() -> Task<> {
    co_await client->send({}, seconds(100));
    ++answers;
  };
  for (int i = 0; i < 3; ++i) tasks->spawn("request", request());
  loop.run_ready();
  EXPECT_EQ(dials, 1u);
  go_on.set();
  loop.run_ready();
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(dials, 1u);
}

TEST_F(HttpTest, TheClientDropsWhatWasIdleForLong) {
  start({.idle = seconds(7)});
  get("/");
  clock.advance(seconds(7));
  get("/");
  EXPECT_EQ(dials, 2u);
}

// A server that is told what to do on each connection: the number of requests answered before the
// connection is closed in the middle of the next.
struct FragileServer {
  FragileServer(Loop& loop, std::vector<int> answers) : group(loop) {
    group.spawn("serve", serve(std::move(answers)));
  }
  Task<> serve(std::vector<int> answers) {
    for (int left : answers) {
      auto conn = co_await wire.pop();
      std::string piece(4096, '\0');
      for (;; --left) {
        const std::size_t count = co_await (*conn)->read_some(piece);
        if (count == 0) break;
        ++requests;
        if (left == 0) break;
        co_await (*conn)->write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
    }
  }
  Channel<std::unique_ptr<Conn>> wire{16};
  int requests = 0;
  TaskGroup group;
};

TEST_F(HttpTest, ReplacesAPooledConnectionThatDiedWithoutAnAnswer) {
  FragileServer fragile(loop, {1, 1});
  HttpClient to(loop, clock, std::make_unique<PipeDialer>(fragile.wire, dials), "server");
  EXPECT_EQ(loop.run(to.send({}, seconds(1))).body, "ok");
  EXPECT_EQ(loop.run(to.send({}, seconds(1))).body, "ok");
  EXPECT_EQ(dials, 2u);
  EXPECT_EQ(fragile.requests, 3);
}

TEST_F(HttpTest, NeverRepeatsAPost) {
  FragileServer fragile(loop, {1, 1});
  HttpClient to(loop, clock, std::make_unique<PipeDialer>(fragile.wire, dials), "server");
  loop.run(to.send({}, seconds(1)));
  Request post{"POST", "/", {}, "x"};
  EXPECT_THROW(loop.run(to.send(post, seconds(1))), Error);
  EXPECT_EQ(fragile.requests, 2);
}

TEST_F(HttpTest, NeverRepeatsOnAFreshConnection) {
  FragileServer fragile(loop, {0, 1});
  HttpClient to(loop, clock, std::make_unique<PipeDialer>(fragile.wire, dials), "server");
  EXPECT_THROW(loop.run(to.send({}, seconds(1))), Error);
  EXPECT_EQ(dials, 1u);
}

TEST_F(HttpTest, SkipsInterimAnswersAndReadsToTheEndOfTheStream) {
  auto serve = [](Channel<std::unique_ptr<Conn>>& from) -> Task<> {
    auto conn = co_await from.pop();
    std::string piece(4096, '\0');
    co_await (*conn)->read_some(piece);
    co_await (*conn)->write(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 200 OK\r\nX-Real: yes\r\n\r\nuntil ");
    co_await yield();
    co_await (*conn)->write("the end");
  };
  TaskGroup group(loop);
  group.spawn("serve", serve(wire));
  HttpClient to(loop, clock, std::make_unique<PipeDialer>(wire, dials), "server");
  auto response = loop.run(to.send({}, seconds(1)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("X-Real"), "yes");
  EXPECT_EQ(response.headers.get("Link"), "");
  EXPECT_EQ(response.body, "until the end");
}

TEST_F(HttpTest, RefusesAnAnswerBeyondItsLimit) {
  start({.body_bytes = 100});
  handler = [](Exchange& exchange) -> Task<> {
    co_await exchange.begin(200, {});
    const std::string much(101, 'x');
    co_await exchange.send(much);
    co_await exchange.end();
  };
  try {
    get("/");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid);
  }
}

TEST_F(HttpTest, SmugglesNothingIntoAHeader) {
  start();
  EXPECT_THROW(send({"GET", "/", {{"X", "a\r\nY: b"}}, {}}), Error);
  EXPECT_THROW(send({"GET", "/ HTTP/1.1\r\nX: y", {}, {}}), Error);
  handler = [](Exchange& exchange) -> Task<> {
    Response response{200, {{"X", "a\r\nY: b"}}, {}};
    co_await exchange.respond(response);
  };
  EXPECT_EQ(get("/").status, 500);
}

TEST(HttpOverTcp, AnswersManyClientsAtOnce) {
  Loop loop;
  SystemClock clock(loop);
  NoLog log;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  HttpServer server(loop, clock, log, {},
                    [](Exchange& exchange) { return HttpTest::echo(exchange); });
  HttpClient client(loop, clock, tcp_dialer("127.0.0.1", listener->port()), "server");
  const std::string large(5 << 20, 'z');
  int good = 0;
  auto ask = [&](std::string body) -> Task<> {
    Request request{"POST", "/", {}, body};
    auto response = co_await client.send(request, seconds(30));
    good += response.body == body;
  };
  auto main = [&]() -> Task<> {
    TaskGroup serving(loop), asking(loop);
    serving.spawn("server", server.serve(*listener, nullptr));
    asking.spawn("large", ask(large));
    for (int i = 0; i < 100; ++i) asking.spawn("ask", ask(std::to_string(i)));
    co_await asking.join();
    listener->close();
    co_await server.drain(seconds(1));
    serving.stop();
    co_await serving.join();
  };
  loop.run(main());
  EXPECT_EQ(good, 101);
}

// ---- parts ----

TEST(Target, IsTakenApart) {
  auto target = parse_target("/a%2Fb+c?x=1&y&z=a%20b+c&x=2");
  EXPECT_EQ(target.path, "/a/b+c");
  EXPECT_EQ(target.get("x"), "1");
  EXPECT_TRUE(target.has("y"));
  EXPECT_EQ(target.get("z"), "a b c");
  EXPECT_FALSE(target.has("w"));
  EXPECT_THROW(parse_target("/%zz"), Error);
  EXPECT_EQ(format_query({{"a", "b c"}, {"d", "&"}}), "a=b%20c&d=%26");
}

TEST(Headers, CompareNamesWithoutCaseAndKeepOrder) {
  Headers headers{{"B", "1"}, {"a", "2"}};
  headers.add("b", "3");
  EXPECT_EQ(headers.get("b"), "1");
  headers.set("b", "4");
  EXPECT_EQ(headers.fields(),
            (std::vector<std::pair<std::string, std::string>>{{"a", "2"}, {"b", "4"}}));
  EXPECT_FALSE(headers.has("c"));
}

TEST(LineSplitter, GivesWholeLinesOfAnyPieces) {
  LineSplitter lines(10);
  lines.add("ab");
  EXPECT_EQ(lines.next(), std::nullopt);
  lines.add("c\r\n\nd");
  EXPECT_EQ(lines.next(), "abc");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_EQ(lines.rest(), "d");
  lines.add("ef\n");
  EXPECT_EQ(lines.next(), "def");
}

TEST(LineSplitter, RefusesALineBeyondItsLimit) {
  LineSplitter open(3), whole(3);
  open.add("abcd");
  EXPECT_THROW(open.next(), Error);
  whole.add("abcd\n");
  EXPECT_THROW(whole.next(), Error);
}

}  // namespace
}  // namespace io
