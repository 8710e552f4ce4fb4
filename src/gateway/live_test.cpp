// Answers while they come, from the provider to a reader of the journal API.
#include "gateway/deltas.h"
#include "gateway/gateway_fixture_test.h"
#include "gateway/journal_api.h"
#include "protocol/journal_api.h"

namespace gateway {
namespace {

// A provider that stops in the middle of each answer until it is told to go on.
struct Halting {
  io::Event go_on;
  Served served{[this](io::Exchange& exchange) { return answer(exchange); }};

  io::Task<> answer(io::Exchange& exchange) {
    co_await exchange.body(1 << 20);
    co_await exchange.begin(200, {{"Content-Type", stream_type}});
    co_await exchange.send(half);
    co_await go_on.wait();
    const std::string rest = whole.substr(half.size());
    co_await exchange.send(rest);
    co_await exchange.end();
  }
  std::string base_url() const { return "http://" + served.place(); }
};

struct LiveTest : GatewayTest {
  JournalApi api{world().loop,  world().clock, log,
                 pool,          life->journal, life->journal,
                 life->journal, world().api,   {.deltas = &life->gateway.deltas()}};
  Served served{api.handler()};
  io::HttpClient client{world().loop, world().clock, io::tcp_dialer("127.0.0.1", served.port()),
                        "j"};

  struct Watch {
    std::unique_ptr<io::ResponseStream> stream;
    io::LineSplitter lines{1 << 20};
  };
  Watch watch(const std::string& query) {
    io::Request request{"GET", journal_path("default", cat("rundeltas?watch=true", query)), {}, ""};
    return {run(client.open(std::move(request), base::Duration(5000))), io::LineSplitter(1 << 20)};
  }
  RunEvent next(Watch& from) {
    for (;;) {
      if (auto line = from.lines.next()) return from_text<RunEvent>(*line);
      const auto piece = run(from.stream->next());
      if (!piece) throw base::Error(base::Code::unavailable, "the watch ended");
      from.lines.add(*piece);
    }
  }
  static ModelDelta delta_of(const RunEvent& event) { return schema::read<ModelDelta>(event.data); }
};

TEST_F(LiveTest, APieceIsSeenBeforeItsAnswerIsCommitted) {
  Halting provider;
  const StartedRun started = start_run(provider.base_url(), make_secret(provider.served.place()));
  welcome(started);
  Watch early = watch("&run=" + started.uid);
  io::TaskGroup asking(world().loop);
  TurnEvent answered;
  auto ask = [](LiveTest& test, const StartedRun& who, TurnEvent& into) -> io::Task<> {
    const Turn turn{1, 0, {{Role::user, "count", {}, {}}}, {}};
    io::Request request = test.request_to(who, "/v1/turn", to_text(turn), "1.1");
    auto response = co_await test.life->client.send(std::move(request), base::Duration(15'000));
    const auto lines = base::split(base::trim(response.body), '\n');
    into = from_text<TurnEvent>(lines.back());
  };
  asking.spawn("turn", ask(*this, started, answered));

  const RunEvent first = next(early);
  EXPECT_EQ(first.type, delta_type);
  EXPECT_EQ(first.id, started.uid + "/2+0");
  EXPECT_EQ(first.subject, "1");
  EXPECT_EQ(first.run, started.name);
  EXPECT_EQ(delta_of(first).text, "a");
  EXPECT_EQ(kinds(started).back(), "model.intent") << "nothing is committed yet";
  Watch late = watch("");
  EXPECT_EQ(delta_of(next(late)).text, "a") << "whoever comes late is told what was said";
  io::Request listing{"GET", journal_path("default", "rundeltas"), {}, ""};
  const auto listed = run(client.send(std::move(listing), base::Duration(5000)));
  EXPECT_EQ(delta_of(from_text<RunEvent>(std::string(base::trim(listed.body)))).text, "a");
  io::Request elsewhere{"GET", journal_path("other", "rundeltas"), {}, ""};
  EXPECT_EQ(run(client.send(std::move(elsewhere), base::Duration(5000))).body, "");

  provider.go_on.set();
  const RunEvent second = next(early), last = next(early);
  EXPECT_EQ(second.id, started.uid + "/2+1");
  EXPECT_EQ(delta_of(second).text, "b");
  EXPECT_EQ(last.id, started.uid + "/2+end");
  EXPECT_TRUE(delta_of(last).ended);
  EXPECT_EQ(delta_of(last).outcome, started.uid + "/3");
  run(asking.join());
  EXPECT_EQ(answered.result.value().message.content, "ab");
  EXPECT_EQ(run(life->journal.events(started.uid, 2, 1)).at(0).kind, journal::Kind::model_outcome);
}

TEST_F(LiveTest, AReaderThatLeavesDisturbsNobody) {
  Halting provider;
  provider.go_on.set();
  const StartedRun started = start_run(provider.base_url(), make_secret(provider.served.place()));
  welcome(started);
  { Watch gone = watch(""); }
  EXPECT_EQ(turn(started, 1, 0, "count").result.value().message.content, "ab");
}

// What a foreign agent's client is told, its stream told by the same text.
TEST_F(LiveTest, TheTextOfEveryEndpointsStreamIsTold) {
  Simulated provider(
      "conversations: [{steps: [{text: Some words to be streamed.}], forever: true}]");
  struct Case {
    std::string provider, path, body;
  };
  const std::string chat = R"("messages":[{"role":"user","content":"hi"}],"stream":true})";
  for (const Case& asked : {Case{"openai", "/v1/chat/completions", "{" + chat},
                            Case{"openai", "/v1/responses", R"({"input":"hi","stream":true})"},
                            Case{"anthropic", "/v1/messages", R"({"max_tokens":99,)" + chat}}) {
    const StartedRun started =
        start_run(provider.base_url(), make_secret(provider.place()), "", asked.provider);
    const auto reader = life->gateway.deltas().subscribe("default", started.uid);
    const Answered answer = ask(started, asked.path, asked.body, "");
    ASSERT_EQ(answer.status, 200) << answer.text;
    std::string text;
    bool ended = false;
    while (auto delta = reader->take()) {
      EXPECT_EQ(delta->offset, std::int64_t(text.size()));
      text += delta->text;
      ended = delta->end && delta->end->outcome == 3;
    }
    EXPECT_EQ(text, "Some words to be streamed.") << asked.path;
    EXPECT_TRUE(ended) << asked.path;
  }
}

using LiveFailures = GatewayTest;
TEST_F(LiveFailures, EndTheTextToo) {
  Dictated provider{.answers = {{stream_type, half, breaks}}};
  settings.provider.tries = 1;
  restart();
  const StartedRun started = start_run(provider.base_url(), make_secret(provider.served.place()));
  welcome(started);
  const auto reader = life->gateway.deltas().subscribe("default", "");
  EXPECT_TRUE(turn(started, 1, 0, "count").error);
  EXPECT_EQ(reader->take().value().text, "a");
  EXPECT_EQ(reader->take().value().end.value().outcome, 3);
}

}  // namespace
}  // namespace gateway
