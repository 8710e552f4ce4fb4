#include "agent/runner.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "io/conn.h"
#include "io/file.h"
#include "io/http.h"
#include "io/sync.h"
#include "protocol/codec.h"
#include "support/temp_directory.h"

namespace agent {
namespace {

using namespace protocol;
using base::cat;

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// What the bridge and the gateway behind it would say, by a script; it keeps what it was asked.
struct ScriptedBridge {
  Welcome welcome{.ns = "default", .name = "r", .uid = "u", .model = "m", .task = "do it"};
  std::deque<TurnEvent> turns;
  std::vector<Turn> asked;
  std::vector<ToolCall> decided, executed;
  std::vector<ToolOutcome> reported;
  std::optional<Outcome> outcome;
  std::vector<std::string> executions;  // the header of each request
  int breaks = 0;                       // turns to break off before the result

  io::Task<> handle(io::Exchange& exchange) {
    const std::string body = co_await exchange.body(1 << 20);
    executions.emplace_back(exchange.headers().get(header_execution));
    const std::string path = exchange.target();
    if (path == "/v1/turn") {
      auto turn = from_text<Turn>(body);
      co_await exchange.begin(200, {{"Content-Type", "application/x-ndjson"}});
      if (breaks > 0) {
        --breaks;
        co_await exchange.send("{\"text\":\"par");
        throw base::Error(base::Code::unavailable, "the gateway died");
      }
      asked.push_back(std::move(turn));
      const std::string line = to_text(turns.front()) + "\n";
      turns.pop_front();
      co_await exchange.send("{\"text\":\"some\"}\n");
      co_await exchange.send(line);
      co_await exchange.end();
      co_return;
    }
    std::string answer = "{}";
    if (path == "/v1/hello") {
      answer = to_text(welcome);
    } else if (path == "/v1/tools/decide") {
      decided.push_back(from_text<ToolCall>(body));
      const bool allowed = FileTools::knows(decided.back().tool);
      answer = to_text(Decision{allowed ? Verdict::allow : Verdict::deny,
                                allowed ? "" : "no such tool in this run",
                                {},
                                {}});
    } else if (path == "/v1/tools/outcome") {
      reported.push_back(from_text<ToolOutcome>(body));
    } else if (path == "/v1/tools/execute") {
      executed.push_back(from_text<ToolCall>(body));
      answer = to_text(ToolResult{"3 words", false, 0, {}});
    } else if (path == "/v1/outcome") {
      outcome = from_text<Outcome>(body);
    }
    co_await exchange.respond({200, {{"Content-Type", "application/json"}}, answer});
  }
};

struct RunnerTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  SilentLog log;
  test::TempDirectory workspace;
  ScriptedBridge bridge;
  std::vector<Step> steps;

  TurnEvent says(std::string text) {
    return {.result =
                TurnResult{{Role::assistant, std::move(text), {}, {}}, {10, 2}, Finish::stop}};
  }
  TurnEvent calls(std::vector<RequestedCall> what) {
    return {.result = TurnResult{
                {Role::assistant, "", std::move(what), {}}, {10, 2}, Finish::tool_calls}};
  }
  TurnEvent fails(std::string code, std::string message) {
    return {.error = Failure{std::move(code), std::move(message)}};
  }

  void run() {
    io::HttpServer server(loop, clock, log, {},
                          [this](io::Exchange& exchange) { return bridge.handle(exchange); });
    auto listener = io::listen_tcp(loop, "127.0.0.1", 0);
    io::TaskGroup group(loop);
    group.spawn("bridge", server.serve(*listener, nullptr));
    BridgeClient client(loop, clock, io::tcp_dialer("127.0.0.1", listener->port()));
    Runner runner(loop, clock, client, FileTools({{workspace.path()}, {workspace.path()}}),
                  [this](const Step& step) { steps.push_back(step); });
    loop.run(runner.run());
    group.stop();
    loop.run(group.join());
  }
};

TEST_F(RunnerTest, AnswersWithoutTools) {
  bridge.welcome.system = "be brief";
  bridge.turns = {says("hello")};
  run();
  ASSERT_EQ(bridge.asked.size(), 1u);
  ASSERT_EQ(bridge.asked[0].append.size(), 2u);
  EXPECT_EQ(bridge.asked[0].append[0].content, "be brief");
  EXPECT_EQ(bridge.asked[0].append[1].content, "do it");
  ASSERT_TRUE(bridge.outcome);
  EXPECT_EQ(bridge.outcome->text, "hello");
  EXPECT_EQ(bridge.outcome->status, RunStatus::success);
  EXPECT_EQ(bridge.executions.front(), "");
  EXPECT_EQ(bridge.executions.back(), "1.1");
}

TEST_F(RunnerTest, RunsFileToolsHereAndCommandsInTheSidecar) {
  bridge.welcome.tools = {{"write_file", Place::runner, {}},
                          {"execute_command", Place::sidecar, {"tools"}}};
  bridge.turns = {calls({{"c1", "write_file", R"({"path":"a.txt","content":"one two three"})"},
                         {"c2", "execute_command", R"({"command":"wc -w a.txt"})"}}),
                  says("three")};
  run();
  ASSERT_EQ(bridge.decided.size(), 1u);
  EXPECT_EQ(bridge.decided[0].call, "1.0");
  ASSERT_EQ(bridge.executed.size(), 1u);
  EXPECT_EQ(bridge.executed[0].call, "1.1");
  ASSERT_EQ(bridge.reported.size(), 1u);
  EXPECT_EQ(bridge.reported[0].result.text, "wrote 13 bytes to a.txt");
  ASSERT_EQ(bridge.asked.size(), 2u);
  EXPECT_EQ(bridge.asked[0].tools.size(), 2u);
  ASSERT_EQ(bridge.asked[1].append.size(), 2u) << "only the results are new";
  EXPECT_EQ(bridge.asked[1].append[0].toolCallId, "c1");
  EXPECT_EQ(bridge.asked[1].append[1].content, "3 words");
  EXPECT_EQ(bridge.outcome->text, "three");
  EXPECT_EQ(steps.size(), 6u) << "start, turn, two tools, turn, end";
}

TEST_F(RunnerTest, OffersThePacksOwnToolsToTheModelAndRunsThemInTheSidecar) {
  const base::Json parameters{{"type", "object"}, {"properties", {{"file", base::JsonObject{}}}}};
  bridge.welcome.tools = {{"count_words", Place::sidecar, {"tools"}, "Counts words.", parameters},
                          {"nap", Place::sidecar, {"tools"}, "Takes a nap.", nullptr}};
  bridge.turns = {calls({{"c1", "count_words", R"({"file":"a.txt"})"}}), says("three")};
  run();
  const auto& told = bridge.asked[0].tools;
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].name, "count_words");
  EXPECT_EQ(told[0].description, "Counts words.");
  EXPECT_EQ(told[0].parameters, parameters);
  EXPECT_EQ(base::text_at(told[1].parameters, {"type"}), "object");
  ASSERT_EQ(bridge.executed.size(), 1u);
  EXPECT_EQ(bridge.executed[0].tool, "count_words");
}

TEST_F(RunnerTest, TellsTheModelWhatItMayNotDo) {
  bridge.turns = {calls({{"c1", "launch_rocket", "{}"}, {"c2", "read_file", "{not json"}}),
                  says("sorry")};
  run();
  ASSERT_EQ(bridge.asked.size(), 2u);
  EXPECT_EQ(bridge.asked[1].append[0].content, "no such tool in this run");
  EXPECT_NE(bridge.asked[1].append[1].content.find("not valid JSON"), std::string::npos);
  EXPECT_EQ(bridge.outcome->status, RunStatus::success);
}

TEST_F(RunnerTest, GoesOnWhereAnEarlierExecutionStopped) {
  bridge.welcome.execution = 2;
  bridge.welcome.tools = {{"read_file", Place::runner, {}}};
  bridge.welcome.past = {{1,
                          0,
                          {{Role::user, "do it", {}, {}}},
                          {Role::assistant, "", {{"c1", "read_file", R"({"path":"none"})"}}, {}}}};
  bridge.turns = {says("done")};
  run();
  ASSERT_EQ(bridge.asked.size(), 1u);
  EXPECT_EQ(bridge.asked[0].turn, 2);
  EXPECT_EQ(bridge.asked[0].parent, 1);
  EXPECT_EQ(bridge.decided[0].call, "1.0");
  EXPECT_EQ(bridge.outcome->text, "done");
}

// Turn 1 wrote and edited a file and ran a command; its results came with turn 2, which asked to
// read.
std::vector<PastTurn> past_of_a_lost_pod() {
  const std::vector<RequestedCall> first{
      {"c1", "write_file", R"({"path":"a.txt","content":"one two"})"},
      {"c2", "edit_file",
       R"({"path":"a.txt","edits":[{"old_string":"two","new_string":"three"}]})"},
      {"c3", "execute_command", R"({"command":"make all"})"}};
  return {{1, 0, {{Role::user, "do it", {}, {}}}, {Role::assistant, "", first, {}}},
          {2,
           1,
           {{Role::tool, "wrote", {}, "c1"}},
           {Role::assistant, "", {{"c4", "read_file", R"({"path":"a.txt"})"}}, {}}}};
}

TEST_F(RunnerTest, MakesTheFilesOfALostPodAgainAndSaysWhatIsGone) {
  bridge.welcome.attempt = 2;
  bridge.welcome.past = past_of_a_lost_pod();
  bridge.welcome.workspace = {{"1.0", "1.1"}, {"1.2"}};
  bridge.turns = {says("done")};
  run();
  EXPECT_EQ(io::read_file(workspace / "a.txt"), "one three");
  ASSERT_EQ(bridge.decided.size(), 1u) << "what is done again needs no grant";
  ASSERT_EQ(bridge.reported.size(), 1u);
  EXPECT_NE(bridge.reported[0].result.text.find("one three"), std::string::npos);
  ASSERT_EQ(bridge.asked.size(), 1u);
  const auto& said = bridge.asked[0].append;
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].toolCallId, "c4");
  EXPECT_EQ(said[1].role, Role::user);
  EXPECT_NE(said[1].content.find("call 1.2: execute_command {\"command\":\"make all\"}"),
            std::string::npos)
      << said[1].content;
  EXPECT_EQ(said[1].content.find("a.txt"), std::string::npos) << said[1].content;
}

TEST_F(RunnerTest, SaysOnceWhatIsGone) {
  bridge.welcome.attempt = 2;
  bridge.welcome.past = past_of_a_lost_pod();
  bridge.welcome.workspace = {{}, {"1.2"}};
  bridge.turns = {says("done")};
  run();
  PastTurn told{
      3, 2, bridge.asked[0].append, {Role::assistant, "", {{"c5", "read_file", "{}"}}, {}}};
  bridge.welcome.past.push_back(std::move(told));
  bridge.welcome.execution = 2;
  bridge.turns = {says("done")};
  run();
  ASSERT_EQ(bridge.asked.size(), 2u);
  EXPECT_EQ(bridge.asked[1].append.size(), 1u) << "the result of c5 alone";
}

TEST_F(RunnerTest, SaysWhatCannotBeDoneAgain) {
  bridge.welcome.attempt = 2;
  bridge.welcome.past = past_of_a_lost_pod();
  bridge.welcome.workspace = {{"1.1"}, {}};  // of a file that something else had made
  bridge.turns = {says("done")};
  run();
  ASSERT_EQ(bridge.asked[0].append.size(), 2u);
  EXPECT_NE(bridge.asked[0].append[1].content.find("call 1.1: edit_file"), std::string::npos);
}

TEST_F(RunnerTest, SaysWhatAForkSaysBehindTheSharedResults) {
  RequestedCall list{"c1", "list_directory", "{}"};
  bridge.welcome.past = {{1,
                          0,
                          {{Role::system, "Be long.", {}, {}}, {Role::user, "do it", {}, {}}},
                          {Role::assistant, "", {list}, {}}}};
  bridge.welcome.say = "In French.";
  bridge.welcome.newSystem = "Be brief.";
  bridge.turns = {says("fini")};
  run();
  ASSERT_EQ(bridge.asked.size(), 1u);
  const Turn& asked = bridge.asked[0];
  EXPECT_EQ(asked.turn, 2);
  EXPECT_EQ(asked.parent, 0) << "the whole, because its beginning is another one";
  std::vector<std::string> said;
  for (const auto& message : asked.append)
    said.push_back(cat(schema::name(message.role), ": ", message.content));
  ASSERT_EQ(said.size(), 5u);
  EXPECT_EQ(said[0], "system: Be brief.");
  EXPECT_EQ(said[1], "user: do it");
  EXPECT_TRUE(said[3].starts_with("tool: ")) << said[3];
  EXPECT_EQ(said[4], "user: In French.");
  EXPECT_EQ(bridge.outcome.value().text, "fini");
}

TEST_F(RunnerTest, TellsOfAForksWorkspaceBeforeWhatTheUserSays) {
  bridge.welcome.past = past_of_a_lost_pod();
  bridge.welcome.workspace = {{"1.0", "1.1"}, {"1.2"}};
  bridge.welcome.say = "And now?";
  bridge.turns = {says("done")};
  run();
  EXPECT_EQ(io::read_file(workspace / "a.txt"), "one three");
  const auto& said = bridge.asked.at(0).append;
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].toolCallId, "c4");
  EXPECT_NE(said[1].content.find("goes on from a recorded one"), std::string::npos);
  EXPECT_EQ(said[2].content, "And now?");
}

TEST_F(RunnerTest, RepeatsATurnThatBrokeOff) {
  bridge.breaks = 2;
  bridge.turns = {says("hello")};
  run();
  EXPECT_EQ(bridge.outcome->text, "hello");
}

TEST_F(RunnerTest, EndsWithTheProvidersWords) {
  bridge.turns = {fails("provider_unauthorized", "the provider refused the key of Secret p")};
  run();
  EXPECT_EQ(bridge.outcome->status, RunStatus::error);
  EXPECT_EQ(bridge.outcome->error, "the provider refused the key of Secret p");
  EXPECT_TRUE(steps.back().failed);
}

TEST_F(RunnerTest, EndsAModelThatNeverEnds) {
  bridge.welcome.iterations = 3;
  bridge.welcome.tools = {{"list_directory", Place::runner, {}}};
  for (int i = 0; i < 3; ++i)
    bridge.turns.push_back(calls({{"c", "list_directory", R"({"path":"."})"}}));
  run();
  EXPECT_EQ(bridge.asked.size(), 3u);
  EXPECT_EQ(bridge.outcome->status, RunStatus::error);
  EXPECT_EQ(bridge.outcome->error, "the model did not come to an end within 3 turns");
}

TEST_F(RunnerTest, CompactsWhenTheModelSaysItIsTooLong) {
  bridge.welcome.tools = {{"execute_command", Place::sidecar, {"tools"}},
                          {"read_file", Place::runner, {}}};
  io::write_file(workspace / "big", std::string(7000, 'x'), 0644);
  const RequestedCall read{"c", "read_file", R"({"path":"big"})"};
  bridge.turns = {calls({read, read, read}), fails("context_length", "too long"), says("ok")};
  run();
  ASSERT_EQ(bridge.asked.size(), 3u);
  EXPECT_EQ(bridge.asked[1].turn, bridge.asked[2].turn)
      << "a failed turn has no answer: its number is used again";
  EXPECT_EQ(bridge.asked[2].parent, 0);
  EXPECT_EQ(bridge.outcome->text, "ok");
}

}  // namespace
}  // namespace agent
