// A run with a real token, and a gateway that may die. The test plays controller and bridge.
#pragma once

#include <set>

#include "base/text.h"
#include "gateway/fixture_test.h"
#include "gateway/server.h"
#include "io/blocking.h"
#include "journal/sqlite_journal.h"
#include "protocol/codec.h"
#include "support/temp_directory.h"

namespace gateway {

using base::cat;
using base::Json;
using base::JsonObject;
using base::parse_json;
using base::text_at;
using namespace protocol;

template <class T>
T run(io::Task<T> task) {
  auto limited = io::within(world().clock, base::Duration(20'000), "a step", std::move(task));
  return world().loop.run(std::move(limited));
}

Json create(const schema::KindInfo&, Json object);

// A run, the pod that the controller recorded for it, and the pod's token.
struct StartedRun {
  std::string name, uid, pod, pod_uid, token;
};
StartedRun start_run(const std::string& base_url, const std::string& secret,
                     const std::string& more_of_the_spec = "",
                     const std::string& provider = "openai");
StartedRun start_run(const Simulated& provider, const std::string& more_of_the_spec = "");
// A new pod for the run, recorded in its status.
void record_pod(StartedRun&, std::int64_t attempt);
std::string make_pod(const std::string& name);  // its UID
std::string make_token(const std::string& pod, const std::string& pod_uid,
                       std::string_view audience);
void patch_run_status(const std::string& name, Json status);

struct Answered {
  int status = 0;
  std::string text;
  io::Headers headers;
  Json json() const { return parse_json(text); }
};

struct GatewayTest : testing::Test {
  test::TempDirectory directory;
  RecordingLog log;
  io::BlockingPool pool;
  Settings settings;

  // Gateways of the same journal know each other.
  std::set<std::string> at_work;
  struct Named final : journal::Writers {
    explicit Named(std::set<std::string>& all) : all(all) { all.insert(name); }
    ~Named() override { all.erase(name); }
    std::string self() const override { return name; }
    io::Task<bool> is_at_work(std::string other) override { co_return all.contains(other); }
    std::set<std::string>& all;
    const std::string name = unique_name("gateway");
  };

  // One life of the gateway process.
  struct Life {
    Life(GatewayTest& test)
        : writers(test.at_work),
          journal(world().loop, world().clock, test.pool, test.directory / "journal.db",
                  {outbox_status}),
          gateway(world().loop, world().clock, world().random, test.log, journal, world().api,
                  test.settings, &writers),
          served(gateway.handler()),
          tasks(world().loop),
          client(world().loop, world().clock, io::tcp_dialer("127.0.0.1", served.port()),
                 "gateway") {
      tasks.spawn("gateway", gateway.run());
    }
    Named writers;
    journal::SqliteJournal journal;
    Gateway gateway;
    Served served;
    io::TaskGroup tasks;
    io::HttpClient client;
  };
  std::unique_ptr<Life> life;
  std::string bridge = "first start";

  GatewayTest() { restart(); }
  ~GatewayTest() override {
    life.reset();
    for (const auto& line : log.lines) EXPECT_EQ(line.find(test_key), std::string::npos) << line;
  }
  void restart() {
    life.reset();
    life = std::make_unique<Life>(*this);
  }

  io::Request request_to(const StartedRun& who, const std::string& path, std::string body,
                         const std::string& fence) {
    io::Request request{body.empty() ? "GET" : "POST", path, {}, std::move(body)};
    request.headers.set("Authorization", "Bearer " + who.token);
    request.headers.set(header_protocol, "1");
    if (!fence.empty()) request.headers.set(header_execution, fence);
    request.headers.set(header_bridge, bridge);
    return request;
  }
  Answered ask(const StartedRun& who, const std::string& path, std::string body,
               const std::string& fence = "1.1") {
    auto response = run(
        life->client.send(request_to(who, path, std::move(body), fence), base::Duration(15'000)));
    return {response.status, response.body, response.headers};
  }
  Answered hello(const StartedRun& who) {
    return ask(who, "/v1/hello", to_text(Hello{"test"}), "");
  }
  Welcome welcome(const StartedRun& who) {
    const Answered answer = hello(who);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return from_text<Welcome>(answer.text);
  }
  // The last line of a turn.
  TurnEvent turn(const StartedRun& who, std::int64_t number, std::int64_t parent,
                 const std::string& said, const std::string& fence = "1.1") {
    const Turn turn{number, parent, {{Role::user, said, {}, {}}}, {}};
    const Answered answer = ask(who, "/v1/turn", to_text(turn), fence);
    EXPECT_EQ(answer.status, 200) << answer.text;
    const auto lines = base::split(base::trim(answer.text), '\n');
    return from_text<TurnEvent>(lines.back());
  }
  Decision decide(const StartedRun& who, const ToolCall& call, const std::string& fence = "1.1") {
    const Answered answer = ask(who, "/v1/tools/decide", to_text(call), fence);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return from_text<Decision>(answer.text);
  }
  Answered report(const StartedRun& who, const std::string& call, const std::string& text,
                  const std::string& fence = "1.1") {
    return ask(who, "/v1/tools/outcome", to_text(ToolOutcome{call, {text, false, {}, {}}}), fence);
  }
  journal::Sums sums(const StartedRun& who) { return run(life->journal.state(who.uid))->sums; }
  std::vector<std::string> kinds(const StartedRun& who) {
    std::vector<std::string> out;
    for (const auto& event : run(life->journal.events(who.uid, -1, 1000)))
      out.emplace_back(schema::name(event.kind));
    return out;
  }
};

const std::string tool_script = R"(
conversations:
  - steps:
      - text: I call.
        tool_calls:
          - {name: write_file, arguments: {path: a, content: b}}
          - {name: fetch_url, arguments: {url: "http://10.0.0.1/"}}
          - {name: edit_file, arguments: {path: a}}
        usage: {prompt_tokens: 10, completion_tokens: 5}
      - text: Done.
        usage: {prompt_tokens: 20, completion_tokens: 2}
    forever: true
)";

}  // namespace gateway
