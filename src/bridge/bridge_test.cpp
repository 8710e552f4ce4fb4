#include "bridge/bridge.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "bridge/sidecars.h"
#include "executor/executor.h"
#include "io/crypto.h"
#include "io/file.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "support/temp_directory.h"

namespace bridge {
namespace {

using namespace protocol;
using base::cat;

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// A gateway that grants everything, and can be made to break.
struct ScriptedGateway {
  std::vector<std::string> seen;  // "path execution token"
  std::vector<ToolOutcome> outcomes;
  std::vector<std::string> used;  // the header of each request of a foreign agent
  bool breaks = false;            // the next of these, before its first byte
  int unavailable = 0;            // requests answered 503 first
  int unrecorded = 0;             // then requests answered as those of a pod that nobody recorded
  int outcome_status = 200;
  std::optional<Decision> verdict;
  std::string grant_for;  // arguments that the grant covers, when not those asked for
  std::function<void()> before_deciding = [] {};
  bool holds = false;  // answers nothing until its client has gone
  io::Event held, left;

  io::Task<> handle(io::Exchange& exchange) {
    const std::string body = co_await exchange.body(1 << 25);
    const auto& headers = exchange.headers();
    seen.push_back(exchange.target() + " " + std::string(headers.get(header_execution)) + " " +
                   std::string(headers.get("Authorization")));
    if (unavailable > 0) {
      --unavailable;
      co_await exchange.respond({503, {}, ""});
      co_return;
    }
    if (unrecorded > 0) {
      --unrecorded;
      co_await exchange.respond({403, {{"Retry-After", "1"}}, ""});
      co_return;
    }
    if (holds) {
      held.set();
      co_await exchange.client_gone();
      left.set();
      co_return;
    }
    std::string answer = "{}";
    if (exchange.target() == "/v1/tools/decide") {
      before_deciding();
      auto call = from_text<ToolCall>(body);
      Decision decision{
          Verdict::allow,
          "",
          Grant{call.call, io::sha256_hex(grant_for.empty() ? call.arguments : grant_for),
                "2100-01-01T00:00:00Z"},
          {}};
      answer = to_text(verdict.value_or(decision));
    } else if (exchange.target() == "/v1/tools/outcome") {
      outcomes.push_back(from_text<ToolOutcome>(body));
    } else if (exchange.target() == "/v1/hello") {
      answer = R"({"attempt":2,"execution":3,"echo":)" + body + "}";
    } else if (exchange.target().starts_with("/v1/chat/completions")) {
      used.emplace_back(headers.get(header_used));
      co_await exchange.begin(200, {{"Content-Type", "text/event-stream"},
                                    {std::string(header_call), std::to_string(used.size())}});
      if (std::exchange(breaks, false)) throw base::Error(base::Code::unavailable, "it died");
      co_await exchange.send("data: a\n\n");
      co_await exchange.end();
      co_return;
    }
    const int status = exchange.target() == "/v1/tools/outcome" ? outcome_status : 200;
    co_await exchange.respond({status, {{"Content-Type", "application/json"}}, answer});
  }
};

struct BridgeTest : testing::Test {
  io::Loop loop;
  io::SystemClock clock{loop};
  SilentLog log;
  test::TempDirectory folder;
  ScriptedGateway gateway;
  bool with_sidecar = true;
  int times_at_once = 1;  // the same request is sent
  bool leaves = false;    // the agent dies when the gateway holds its request

  BridgeTest() {
    for (const char* name : {"ipc", "ipc/skill-tools", "workspace"})
      ::mkdir((folder / name).c_str(), 0755);
    io::write_file(folder / "token", "t0k3n\n", 0600);
  }

  // Sends one request of the agent, as often as it says, and gives the last answer.
  io::Response ask(std::string path, std::string body) {
    io::Request request{"POST", std::move(path), {}, std::move(body)};
    request.headers.set(header_execution, "1.2");
    return ask_in_turn({std::move(request)});
  }
  io::Response ask_in_turn(std::vector<io::Request> requests) {
    io::HttpServer gateway_server(
        loop, clock, log, {}, [this](io::Exchange& exchange) { return gateway.handle(exchange); });
    auto gateway_socket = io::listen_unix(loop, folder / "gateway.sock", 0600);
    std::vector<std::string> sidecars;
    if (with_sidecar) sidecars.push_back("skill-tools");
    Bridge bridge(loop, clock, log, gateway_dialer("unix:" + (folder / "gateway.sock"), ""),
                  {folder / "token", folder / "ipc", "uid-1", sidecars, "b1"});
    io::HttpServer bridge_server(loop, clock, log, {}, bridge.handler());
    auto bridge_socket = io::listen_tcp(loop, "127.0.0.1", 0);
    executor::Config tools{.ipc = folder / "ipc/skill-tools",
                           .target = "tools",
                           .workspace = folder / "workspace",
                           .environment = {"PATH=/usr/bin:/bin"}};

    io::TaskGroup group(loop);
    group.spawn("gateway", gateway_server.serve(*gateway_socket, nullptr));
    group.spawn("bridge", bridge_server.serve(*bridge_socket, nullptr));
    group.spawn("watch", bridge.run());
    if (with_sidecar) group.spawn("executor", executor::run(loop, clock, log, tools));
    io::HttpClient agent(loop, clock, io::tcp_dialer("127.0.0.1", bridge_socket->port()),
                         "127.0.0.1");
    io::Response response;
    for (const io::Request& request : requests) {
      auto send = [&]() -> io::Task<> {
        io::Request copy = request;
        response = co_await agent.send(std::move(copy), base::Duration(20'000));
      };
      io::TaskGroup asking(loop);
      for (int i = 0; i < times_at_once; ++i) asking.spawn("asking", send());
      if (leaves) {
        loop.run(gateway.held.wait());
        asking.stop();
      }
      loop.run(asking.join());
    }
    if (leaves) {
      auto left = gateway.left.wait();
      loop.run(io::within(clock, base::Duration(10'000), "the bridge to leave", std::move(left)));
    }
    group.stop();
    loop.run(group.join());
    return response;
  }

  ToolResult execute(std::string arguments) {
    auto response =
        ask("/v1/tools/execute", to_text(ToolCall{"3.0", "execute_command", std::move(arguments)}));
    EXPECT_EQ(response.status, 200) << response.body;
    return from_text<ToolResult>(response.body);
  }
};

TEST_F(BridgeTest, RelaysWithThePodsToken) {
  auto response = ask("/v1/hello", R"({"agent":"x"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find(R"("echo":{"agent":"x"})"), std::string::npos);
  EXPECT_EQ(gateway.seen, std::vector<std::string>{"/v1/hello 1.2 Bearer t0k3n"});
}

TEST_F(BridgeTest, SaysForAForeignAgentInWhichExecutionItAsksAndWhatItHas) {
  const io::Request hello{"POST", "/v1/hello", {}, R"({"agent":"init"})"};
  const io::Request chat{"POST", "/v1/chat/completions?beta=true", {}, "{}"};
  const auto response = ask_in_turn({chat, hello, chat, chat, chat});
  EXPECT_EQ(response.body, "data: a\n\n");
  EXPECT_EQ(response.headers.get("Content-Type"), "text/event-stream");
  EXPECT_EQ(gateway.used, (std::vector<std::string>{"", "", "2", "3"}))
      << "each once, and none of the execution before";
  EXPECT_EQ(gateway.seen.front(), "/v1/chat/completions?beta=true  Bearer t0k3n");
  EXPECT_EQ(gateway.seen.back(), "/v1/chat/completions?beta=true 2.3 Bearer t0k3n");
}

TEST_F(BridgeTest, AsksAgainForAForeignAgentThatHasHeardNothingYet) {
  gateway.breaks = true;
  const auto response = ask("/v1/chat/completions", "{}");
  EXPECT_EQ(response.body, "data: a\n\n");
  EXPECT_EQ(gateway.used.size(), 2u);
}

TEST_F(BridgeTest, WaitsForAGatewayThatIsAway) {
  gateway.unavailable = 3;
  gateway.unrecorded = 2;
  EXPECT_EQ(ask("/v1/hello", "{}").status, 200);
  EXPECT_EQ(gateway.seen.size(), 6u);
}

TEST_F(BridgeTest, TakesAHelloBackWhenItsAgentHasDied) {
  gateway.holds = leaves = true;
  EXPECT_NO_THROW(ask("/v1/hello", "{}"));
}

TEST_F(BridgeTest, LetsOneLargeRequestInAfterTheOther) {
  times_at_once = 4;
  const std::string large = cat("\"", std::string(20 * 1024 * 1024, 'x'), "\"");
  EXPECT_EQ(ask("/v1/turn", large).status, 200);
  EXPECT_EQ(gateway.seen.size(), 4u);
}

TEST_F(BridgeTest, RefusesARequestThatIsTooLargeAndGoesOn) {
  EXPECT_EQ(ask("/v1/turn", std::string(33 * 1024 * 1024, 'x')).status, 400);
  EXPECT_EQ(ask("/v1/hello", "{}").status, 200);
}

TEST_F(BridgeTest, RunsAGrantedCommandInItsSidecar) {
  auto result = execute(R"({"command":"echo out; echo err >&2; echo $SYMPOZIUM_CALL_ID; exit 3"})");
  EXPECT_EQ(result.exitCode, 3);
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(result.text, "exit code 3\nout\nuid-1/3.0\n[stderr]\nerr\n");
  ASSERT_EQ(gateway.outcomes.size(), 1u);
  EXPECT_EQ(gateway.outcomes[0].call, "3.0");
  EXPECT_EQ(gateway.outcomes[0].result.text, result.text);
  EXPECT_TRUE(io::list_directory(folder / "ipc/skill-tools/tools").empty())
      << "request and answer are cleared away";
}

TEST_F(BridgeTest, FetchesTheAnswerThatABridgeBeforeItDidNotFetch) {
  io::make_directories(folder / "ipc/skill-tools/tools", 0755);
  io::write_file(folder / "ipc/skill-tools/tools/exec-result-1-2-3-0.json",
                 R"({"exitCode":0,"stdout":"was here"})", 0644);
  EXPECT_EQ(execute(R"({"command":"touch ran"})").text, "was here");
  EXPECT_FALSE(std::filesystem::exists(folder / "workspace/ran"));
  EXPECT_TRUE(io::list_directory(folder / "ipc/skill-tools/tools").empty());
}

// Another sidecar, with rights of its own, would run what was meant for the one that lays the link.
TEST_F(BridgeTest, PutsNoRequestWhereASidecarsLinkLeads) {
  ::mkdir((folder / "elsewhere").c_str(), 0755);
  ASSERT_EQ(::symlink((folder / "elsewhere").c_str(), (folder / "ipc/skill-tools/tools").c_str()),
            0);
  const auto result = execute(R"({"command":"true"})");
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(result.text, "sidecar \"tools\" has taken its folder away");
  EXPECT_TRUE(io::list_directory(folder / "elsewhere").empty());
}

TEST_F(BridgeTest, PutsNoRequestWhereASidecarsLinkLeadsThatIsLaidLater) {
  ::mkdir((folder / "elsewhere").c_str(), 0755);
  gateway.before_deciding = [&] {
    ASSERT_EQ(::rmdir((folder / "ipc/skill-tools/tools").c_str()), 0);
    ASSERT_EQ(::symlink((folder / "elsewhere").c_str(), (folder / "ipc/skill-tools/tools").c_str()),
              0);
  };
  EXPECT_TRUE(execute(R"({"command":"true"})").failed);
  EXPECT_TRUE(io::list_directory(folder / "elsewhere").empty());
}

TEST_F(BridgeTest, RunsACallOnceHoweverOftenItIsAskedFor) {
  times_at_once = 3;
  execute(R"({"command":"sleep 0.1; echo run >>log"})");
  EXPECT_EQ(io::read_file(folder / "workspace/log"), "run\n");
  EXPECT_EQ(gateway.outcomes.size(), 1u);
}

TEST_F(BridgeTest, RunsACallOnceAlsoWhenItsOutcomeIsNotTaken) {
  gateway.outcome_status = 400;
  const std::string call =
      to_text(ToolCall{"3.0", "execute_command", R"({"command":"echo run >>log"})"});
  times_at_once = 2;
  EXPECT_EQ(ask("/v1/tools/execute", call).status, 400);
  EXPECT_EQ(io::read_file(folder / "workspace/log"), "run\n");
}

TEST_F(BridgeTest, RunsAPacksOwnToolAsTheGatewaySays) {
  io::write_file(folder / "workspace/a b.txt", "one two three\n", 0644);
  const ToolCall call{"3.0", "join", R"({"file":"a b.txt"})"};
  Decision decision{.verdict = Verdict::allow};
  decision.grant = Grant{call.call, io::sha256_hex(call.arguments), "2100-01-01T00:00:00Z"};
  decision.command = SidecarCommand{"tools", {"cat", "a b.txt", "-"}, "four five"};
  gateway.verdict = decision;
  auto response = ask("/v1/tools/execute", to_text(call));
  EXPECT_EQ(from_text<ToolResult>(response.body).text, "one two three\nfour five");
  ASSERT_EQ(gateway.outcomes.size(), 1u);
}

TEST_F(BridgeTest, RunsInTheWorkspaceOrWhereAsked) {
  EXPECT_EQ(execute(R"({"command":"pwd"})").text, (folder / "workspace") + "\n");
}

TEST_F(BridgeTest, KillsACommandThatDoesNotEnd) {
  auto result = execute(R"({"command":"sleep 60","timeout":1})");
  EXPECT_TRUE(result.failed);
  EXPECT_NE(result.text.find("timed out"), std::string::npos) << result.text;
}

TEST_F(BridgeTest, CutsLongOutput) {
  auto result = execute(R"({"command":"head -c 200000 /dev/zero | tr '\\0' x"})");
  EXPECT_LT(result.text.size(), 60'000u);
  EXPECT_NE(result.text.find("[cut: 200000 bytes in all]"), std::string::npos)
      << result.text.substr(result.text.size() - 100);
}

TEST_F(BridgeTest, RunsNothingWithoutAGrantForTheseBytes) {
  gateway.grant_for = R"({"command":"true"})";
  auto response = ask("/v1/tools/execute",
                      to_text(ToolCall{"3.0", "execute_command", R"({"command":"touch made"})"}));
  EXPECT_EQ(response.status, 403);
  EXPECT_FALSE(std::filesystem::exists(folder / "workspace/made"));
}

TEST_F(BridgeTest, PassesARefusalOnToTheModel) {
  gateway.verdict = Decision{Verdict::deny, "denied by the run's toolPolicy", {}, {}};
  auto result = execute(R"({"command":"touch made"})");
  EXPECT_EQ(result.text, "denied by the run's toolPolicy");
  EXPECT_TRUE(result.failed);
  EXPECT_FALSE(std::filesystem::exists(folder / "workspace/made"));
  EXPECT_TRUE(gateway.outcomes.empty());
}

TEST_F(BridgeTest, NamesWhatIsWrongWithTheArguments) {
  EXPECT_EQ(execute(R"({"cmd":"ls"})").text, "execute_command: parameter \"command\" is required");
  EXPECT_EQ(execute(R"({"command":"ls","target":"git"})").text,
            "no sidecar \"git\"; there is: tools");
}

TEST_F(BridgeTest, SaysThatThereIsNoSidecar) {
  with_sidecar = false;
  EXPECT_NE(execute(R"({"command":"ls"})").text.find("no tool sidecar"), std::string::npos);
}

TEST_F(BridgeTest, KnowsNoOtherEndpoint) {
  EXPECT_EQ(ask("/v1/secrets", "{}").status, 404);
  EXPECT_EQ(ask("/v1/hello?x", "{}").status, 404) << "queries are for clients of their own";
}

TEST(FormatResult, RefusesAnAnswerThatIsNone) {
  EXPECT_THROW(format_result(base::JsonObject{{"stdout", "x"}}), base::Error);
}

TEST(GatewayDialer, NamesTheFormsThatItTakes) {
  for (const char* bad : {"", "tcp:1", "https://1.2.3.4", "https://1.2.3.4:x"})
    EXPECT_THROW(gateway_dialer(bad, "/none"), base::Error) << bad;
}

}  // namespace
}  // namespace bridge
