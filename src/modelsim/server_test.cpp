#include "modelsim/server.h"

#include <gtest/gtest.h>

#include "io/loop.h"

namespace modelsim {
namespace {

struct Quiet final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

struct SimulatorTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  Quiet log;
  std::vector<std::string> lines;

  std::vector<io::Response> ask(const std::string& script, std::vector<io::Request> requests) {
    Simulator simulator(clock, parse_script(script, "test.yaml"),
                        [&](std::string_view line) { lines.emplace_back(line); });
    io::HttpServer server(loop, clock, log, {}, simulator.handler());
    auto listener = io::listen_tcp(loop, "127.0.0.1", 0);
    io::HttpClient client(loop, clock, io::tcp_dialer("127.0.0.1", listener->port()), "sim");
    std::vector<io::Response> answers;
    auto work = [&]() -> io::Task<> {
      io::TaskGroup group(loop);
      group.spawn("server", server.serve(*listener, nullptr));
      for (auto& request : requests) {
        io::Response answer;
        try {
          answer = co_await client.send(std::move(request), base::Duration(5000));
        } catch (const base::Error& error) {
          answer.status = -1;
          answer.body = error.what();
        }
        answers.push_back(std::move(answer));
      }
      group.stop();
      try {
        co_await group.join();
      } catch (const base::Error&) {}
    };
    loop.run(work());
    return answers;
  }
};

io::Request completion(const std::string& messages, bool stream) {
  return {
      "POST",
      "/v1/chat/completions",
      {},
      "{\"model\":\"m\",\"messages\":[" + messages + "]" + (stream ? ",\"stream\":true}" : "}")};
}
const std::string user = R"({"role":"user","content":"count the words"})";

TEST_F(SimulatorTest, AnswersTurnByTurnAndCounts) {
  const std::string script = R"(
conversations:
  - task: count
    steps:
      - text: writing
        tool_calls: [{name: write_file, arguments: {path: a}}]
      - last: "2"
        text: "words: ${last}"
)";
  auto answers = ask(
      script,
      {completion(user, false),
       completion(
           user +
               R"(,{"role":"assistant","content":""},{"role":"tool","content":"2\n","tool_call_id":"x"})",
           true),
       completion(R"({"role":"user","content":"sing"})", false),
       {"GET", "/stats", {}, ""},
       {"GET", "/v1/models", {}, ""}});
  auto first = base::parse_json(answers[0].body);
  EXPECT_EQ(first.at_pointer("/choices/0/message/tool_calls/0/function/arguments"),
            R"({"path":"a"})");
  EXPECT_EQ(first.at_pointer("/choices/0/finish_reason"), "tool_calls");
  EXPECT_NE(answers[1].body.find("\"content\":\"words: \""), std::string::npos) << answers[1].body;
  EXPECT_TRUE(answers[1].body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(answers[2].status, 400);
  EXPECT_NE(answers[2].body.find("no step for turn 1"), std::string::npos);
  EXPECT_EQ(answers[3].body,
            R"({"requests":3,"completions":2,"errors":0,"halves":0,"unmatched":1})");
  EXPECT_NE(answers[4].body.find("simulator"), std::string::npos);
  EXPECT_EQ(lines.size(), 3U);
}

TEST_F(SimulatorTest, FailsFirstThenBreaksOffThenAnswers) {
  const std::string script = R"(
conversations:
  - steps:
      - text: at last
        errors: [{status: 429, message: slow, headers: {Retry-After: "3"}}]
        half_streams: 1
    forever: true
)";
  auto answers =
      ask(script, {completion(user, true), completion(user, true), completion(user, true)});
  EXPECT_EQ(answers[0].status, 429);
  EXPECT_EQ(answers[0].headers.get("Retry-After"), "3");
  EXPECT_EQ(answers[1].status, -1);
  EXPECT_EQ(answers[2].status, 200);
}

TEST(Script, NamesEveryMistake) {
  try {
    parse_script("conversations: [{steps: [{txet: x, delay: soon}]}]", "s.yaml");
    FAIL();
  } catch (const base::Error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("s.yaml"), std::string::npos) << what;
    EXPECT_NE(what.find("txet"), std::string::npos) << what;
    EXPECT_NE(what.find("soon"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace modelsim
