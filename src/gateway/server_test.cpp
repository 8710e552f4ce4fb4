// The gateway end to end in this process: our API server, a real projected token, the journal in a
// file, a simulated provider.
#include "gateway/away_journal_test.h"
#include "gateway/gateway_fixture_test.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"
#include "protocol/names.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

const ToolCall write_call{"1.0", "write_file", R"({"path":"a","content":"b"})"};
const ToolCall fetch_call{"1.1", "fetch_url", R"({"url":"http://10.0.0.1/"})"};
const ToolCall edit_call{"1.2", "edit_file", R"({"path":"a"})"};

TEST_F(GatewayTest, CarriesARunFromHelloToItsOutcome) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  const Welcome welcomed = welcome(started);
  EXPECT_EQ(welcomed.name, started.name);
  EXPECT_EQ(welcomed.uid, started.uid);
  EXPECT_EQ(welcomed.attempt, 1);
  EXPECT_EQ(welcomed.execution, 1);
  EXPECT_EQ(welcomed.system, "Be brief.");
  EXPECT_EQ(welcomed.task, "count");
  EXPECT_TRUE(welcomed.past.empty());

  const TurnEvent first = turn(started, 1, 0, "count");
  ASSERT_TRUE(first.result) << to_text(first);
  EXPECT_EQ(first.result->message.toolCalls.size(), 3U);
  const Decision decision = decide(started, write_call);
  EXPECT_EQ(decision.verdict, Verdict::allow);
  EXPECT_EQ(decision.grant.value().call, "1.0");
  EXPECT_EQ(report(started, "1.0", "written").status, 200);
  EXPECT_EQ(turn(started, 2, 1, "go on").result.value().message.content, "Done.");
  EXPECT_EQ(ask(started, "/v1/outcome", to_text(Outcome{RunStatus::success, "42", ""})).status,
            200);

  EXPECT_EQ(kinds(started),
            (std::vector<std::string>{"run.begun", "execution.begun", "model.intent",
                                      "model.outcome", "tool.intent", "tool.outcome",
                                      "model.intent", "model.outcome", "run.outcome"}));
  EXPECT_EQ(sums(started), (journal::Sums{30, 7, 2, 1}));
  EXPECT_EQ(provider.stats().requests, 2);

  // The outbox brings it into the run's status.
  Json object;
  for (int i = 0; i < 2000 && text_at(object, {"status", "outcome", "status"}).empty(); ++i) {
    run(io::within(world().clock, base::Duration(5000), "a turn of the loop", io::yield()));
    kube::Ref ref{&objects::AgentRun::info, "default", started.name, {}};
    object = run(world().api.get(ref, {}));
  }
  EXPECT_EQ(text_at(object, {"status", "outcome", "status"}), "success");
  EXPECT_EQ(text_at(object, {"status", "result"}), "42");
  EXPECT_EQ(base::find_int(object, {"status", "tokenUsage", "totalTokens"}), 37);
  EXPECT_EQ(text_at(object, {"status", "policyHash"}).size(), 64U);
}

// Or one look at a database that is away would end the process, and every run with it.
TEST_F(GatewayTest, ReportsOnceTheJournalIsBack) {
  const StartedRun started = start_run("http://127.0.0.1:9/v1", make_secret("127.0.0.1:9"));
  test::VirtualClock clock;
  journal::SqliteJournal sqlite(world().loop, clock, pool, directory / "other.db", {outbox_status});
  journal::Batch batch{.run = started.uid, .fence = {1, 0}, .events = {}, .blobs = {}};
  run(sqlite.append(batch.add(
      journal::RunBegun{.ns = "default", .name = started.name, .policyHash = "of the journal"})));
  AwayJournal away(sqlite);
  away.failure = base::Code::unavailable;
  WrappedApi api;
  Gateway gateway(world().loop, clock, world().random, log, away, api, settings);
  io::TaskGroup group(world().loop);
  group.spawn("gateway", gateway.run());
  while (away.asked < 4 && group.size() == 1) {
    run(io::yield());
    clock.advance_to_next();
  }
  ASSERT_EQ(group.size(), 1U) << "the gateway has ended";
  EXPECT_TRUE(api.patches.empty());
  away.failure.reset();
  while (clock.advance_to_next()) {}
  run(api.written.wait());
  EXPECT_EQ(text_at(api.patches.front(), {"status", "policyHash"}), "of the journal");
}

TEST_F(GatewayTest, SpeaksToADeploymentAtAzure) {
  Simulated provider(tool_script);
  const StartedRun started =
      start_run("http://" + provider.place(), make_secret(provider.place()), "", "azure-openai");
  welcome(started);
  EXPECT_EQ(turn(started, 1, 0, "count").result.value().message.content, "I call.");
  EXPECT_EQ(provider.authorizations, std::vector<std::string>{""});
  EXPECT_EQ(provider.keys, std::vector<std::string>{test_key});
  EXPECT_EQ(provider.targets, std::vector<std::string>{"/openai/deployments/sim-1/chat/completions"
                                                       "?api-version=2024-10-21"});
}

TEST_F(GatewayTest, AnswersWhatIsDoneFromTheJournal) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  const TurnEvent once = turn(started, 1, 0, "count");
  EXPECT_EQ(to_text(turn(started, 1, 0, "count")), to_text(once));
  EXPECT_EQ(provider.stats().requests, 1);
  decide(started, write_call);
  EXPECT_EQ(decide(started, write_call).verdict, Verdict::allow);  // the grant may have got lost
  report(started, "1.0", "written");
  EXPECT_EQ(report(started, "1.0", "something else").status, 200);
  const Decision done = decide(started, write_call);
  EXPECT_EQ(done.verdict, Verdict::done);
  EXPECT_EQ(done.result.value().text, "written");
  EXPECT_EQ(sums(started), (journal::Sums{10, 5, 1, 1}));
}

TEST_F(GatewayTest, GrantsOnlyWhatTheModelAskedForAndTheListsAllow) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider, R"("toolPolicy":{"deny":["edit_file"]},)");
  const Welcome welcomed = welcome(started);
  for (const auto& tool : welcomed.tools) EXPECT_NE(tool.name, "edit_file");

  EXPECT_EQ(decide(started, write_call).verdict, Verdict::deny);  // before there is an answer
  turn(started, 1, 0, "count");
  EXPECT_NE(decide(started, edit_call).reason.find("toolPolicy.deny"), std::string::npos);
  const std::vector<ToolCall> others{
      {"1.3", "write_file", write_call.arguments},            // no such call
      {"2.0", "write_file", write_call.arguments},            // no such turn
      {"1.1", "fetch_url", R"({"url":"http://10.0.0.2/"})"},  // other bytes
      {"1.00", "write_file", write_call.arguments},           // the call by other names
      {"01.0", "write_file", write_call.arguments},
      {"x", "write_file", "{}"},
      {"1.-1", "write_file", "{}"},
  };
  for (const auto& call : others) {
    const Decision decision = decide(started, call);
    EXPECT_EQ(decision.verdict, Verdict::deny) << call.call;
    EXPECT_FALSE(decision.grant) << call.call;
  }
  const Decision unknown = decide(started, {"1.5", "rm_rf", "{}"});
  EXPECT_NE(unknown.reason.find("no tool named rm_rf"), std::string::npos);
  EXPECT_EQ(report(started, "1.2", "I did it all the same").status, 400);
  EXPECT_EQ(report(started, "9.9", "never asked").status, 400);
  EXPECT_EQ(sums(started).toolCalls, 0);
}

TEST_F(GatewayTest, KeepsNothingOfCallsThatTheModelDidNotAskFor) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  for (const auto* call : {"1.0", "1.1", "7.7"})
    EXPECT_EQ(decide(started, {call, "write_file", R"({"path":"x","content":"y"})"}).verdict,
              Verdict::deny);
  turn(started, 1, 0, "count");
  EXPECT_EQ(kinds(started).back(), "model.outcome");
  EXPECT_EQ(decide(started, write_call).verdict, Verdict::allow) << "its name was not used up";
}

TEST_F(GatewayTest, FetchesForTheAgentAndWritesItDown) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  turn(started, 1, 0, "count");
  for (int i = 0; i < 2; ++i) {
    const Answered answer = ask(started, "/v1/fetch", to_text(fetch_call));
    EXPECT_EQ(answer.status, 200);
    const auto result = from_text<ToolResult>(answer.text);
    EXPECT_TRUE(result.failed);
    EXPECT_NE(result.text.find("10.0.0.1, which is private"), std::string::npos) << result.text;
  }
  EXPECT_EQ(sums(started).toolCalls, 1);
}

TEST_F(GatewayTest, RefusesAnOlderExecution) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  EXPECT_EQ(ask(started, "/v1/turn", to_text(Turn{1, 0, {}, {}}), "1.1").status, 409);
  EXPECT_EQ(welcome(started).execution, 1);
  EXPECT_EQ(welcome(started).execution, 2);
  const Answered late = ask(started, "/v1/tools/decide", to_text(write_call), "1.1");
  EXPECT_EQ(late.status, 409);
  EXPECT_NE(late.text.find("1.2 has begun"), std::string::npos) << late.text;
  EXPECT_EQ(ask(started, "/v1/outcome", to_text(Outcome{}), "").status, 409);
  EXPECT_TRUE(turn(started, 1, 0, "count", "1.2").result);
}

TEST_F(GatewayTest, ResumesARunInANewPod) {
  Simulated provider(tool_script);
  StartedRun started = start_run(provider);
  welcome(started);
  turn(started, 1, 0, "count");
  decide(started, write_call);
  report(started, "1.0", "written");
  decide(started, edit_call);  // never reported
  decide(started, fetch_call);

  restart();
  record_pod(started, 2);
  const Welcome welcomed = welcome(started);
  EXPECT_EQ(welcomed.attempt, 2);
  EXPECT_EQ(welcomed.execution, 1);
  ASSERT_EQ(welcomed.past.size(), 1U);
  EXPECT_EQ(welcomed.past[0].append.at(0).content, "count");
  EXPECT_EQ(welcomed.past[0].answer.toolCalls.size(), 3U);
  EXPECT_EQ(welcomed.workspace.redo, std::vector<std::string>{"1.0"});
  EXPECT_TRUE(welcomed.workspace.lost.empty());

  EXPECT_EQ(decide(started, write_call, "2.1").verdict, Verdict::done);
  EXPECT_EQ(decide(started, edit_call, "2.1").verdict, Verdict::allow);   // its workspace is gone
  EXPECT_EQ(decide(started, fetch_call, "2.1").verdict, Verdict::allow);  // idempotent
  EXPECT_EQ(turn(started, 2, 1, "go on", "2.1").result.value().message.content, "Done.");
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(GatewayTest, BeginsNoExecutionOfAnAgentThatDiedWhileItWaited) {
  Simulated provider(tool_script);
  StartedRun started = start_run(provider);
  StartedRun next = started;
  next.pod = unique_name("pod");
  next.pod_uid = make_pod(next.pod);
  next.token = make_token(next.pod, next.pod_uid, protocol::audience_gateway);
  {
    io::TaskGroup asking(world().loop);
    auto dies = [](GatewayTest& test, const StartedRun& who) -> io::Task<> {
      io::Request request = test.request_to(who, "/v1/hello", to_text(Hello{"dying"}), "");
      co_await test.life->client.send(std::move(request), base::Duration(15'000));
    };
    asking.spawn("hello", dies(*this, next));
    for (int i = 0; i < 500; ++i) run(io::yield());
  }
  patch_run_status(started.name, JsonObject{{"podUID", next.pod_uid}, {"attempt", 2}});
  EXPECT_EQ(welcome(next).execution, 1);
  EXPECT_EQ(kinds(next), (std::vector<std::string>{"run.begun", "execution.begun"}));
}

TEST_F(GatewayTest, LeavesTheWorkspaceOfALivingPodAlone) {
  Simulated provider(tool_script);
  StartedRun started = start_run(provider);
  welcome(started);
  turn(started, 1, 0, "count");
  decide(started, write_call);
  report(started, "1.0", "written");
  decide(started, edit_call);  // never reported
  EXPECT_TRUE(welcome(started).workspace.redo.empty());
  EXPECT_EQ(decide(started, edit_call, "1.2").verdict, Verdict::unknown) << "twice is not once";

  record_pod(started, 2);
  EXPECT_EQ(welcome(started).workspace.redo, std::vector<std::string>{"1.0"});
  EXPECT_EQ(welcome(started).workspace.redo, std::vector<std::string>{"1.0"})
      << "nothing else was done here";
  EXPECT_EQ(decide(started, edit_call, "2.2").verdict, Verdict::allow);
  EXPECT_TRUE(welcome(started).workspace.redo.empty());
}

TEST_F(GatewayTest, SaysThatACallsOutcomeIsUnknown) {
  Simulated provider(R"(
conversations: [{steps: [{tool_calls: [{name: execute_command, arguments: {command: date}}]}]}]
)");
  const std::string pack = unique_name("pack");
  create(
      *objects::find_kind("sympozium.ai", "skillpacks"),
      parse_json(cat(
          R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"SkillPack","metadata":{"name":")", pack,
          R"("},"spec":{"skills":[{"name":"k","content":"c"}],"sidecar":{"image":"sympozium/tools"}}})")));
  StartedRun started = start_run(provider, cat(R"("skills":[{"skillPackRef":")", pack, R"("}],)"));
  const ToolCall call{"1.0", "execute_command", R"({"command":"date"})"};
  const Welcome first = welcome(started);  // it waits for the pack
  EXPECT_NE(first.system.find("/skills/k.md"), std::string::npos);
  const std::string fence = cat("1.", first.execution);
  turn(started, 1, 0, "count", fence);
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::allow);

  restart();  // the execution goes on and asks again for the grant that it may not have got
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::allow);
  bridge = "second start";  // the first one may have begun to execute
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::unknown);
  bridge = "";
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::unknown);
  bridge = "first start";
  welcome(started);  // the agent died: it may have run
  const std::string next = cat("1.", first.execution + 1);
  const Decision decision = decide(started, call, next);
  EXPECT_EQ(decision.verdict, Verdict::unknown);
  EXPECT_NE(decision.reason.find("outcome unknown"), std::string::npos);
  EXPECT_EQ(report(started, "1.0", "it had run", next).status, 200);
  EXPECT_EQ(decide(started, call, next).verdict, Verdict::done);

  record_pod(started, 2);
  const LostWorkspace workspace = welcome(started).workspace;
  EXPECT_EQ(workspace.lost, std::vector<std::string>{"1.0"}) << "it shared the workspace";
  EXPECT_TRUE(workspace.redo.empty());
}

TEST_F(GatewayTest, GoesOnWithAnExecutionAfterARestart) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  turn(started, 1, 0, "count");
  restart();
  EXPECT_EQ(turn(started, 2, 1, "go on").result.value().message.content, "Done.");
  EXPECT_EQ(ask(started, "/v1/outcome", to_text(Outcome{RunStatus::success, "42", ""})).status,
            200);
  restart();
  EXPECT_EQ(ask(started, "/v1/turn", to_text(Turn{3, 2, {}, {}})).status, 409);
  EXPECT_EQ(welcome(started).outcome.value().text, "42");
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(GatewayTest, MakesACallOnceMoreWhoseOutcomeIsUnknown) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  welcome(started);
  provider.unanswered = 1;
  {
    io::TaskGroup asking(world().loop);
    auto lost = [](GatewayTest& test, const StartedRun& who) -> io::Task<> {
      io::Request request = test.request_to(
          who, "/v1/turn", to_text(Turn{1, 0, {{Role::user, "count", {}, {}}}, {}}), "1.1");
      co_await test.life->client.send(std::move(request), base::Duration(15'000));
    };
    asking.spawn("turn", lost(*this, started));
    world().loop.run(provider.asked.wait());
  }
  restart();
  EXPECT_EQ(kinds(started).back(), "model.intent");
  EXPECT_EQ(turn(started, 1, 0, "count").result.value().message.content, "I call.");
  EXPECT_EQ(provider.authorizations.size(), 2U);
  EXPECT_EQ(sums(started), (journal::Sums{10, 5, 2, 0}));
}

TEST_F(GatewayTest, ReadsAnAnswerToItsEndWhenNobodyListensAnyMore) {
  Simulated provider("conversations: [{steps: [{text: one two three, delay: 20ms}]}]");
  const StartedRun started = start_run(provider);
  welcome(started);
  {
    io::TaskGroup asking(world().loop);
    auto gone = [](GatewayTest& test, const StartedRun& who) -> io::Task<> {
      io::Request request = test.request_to(
          who, "/v1/turn", to_text(Turn{1, 0, {{Role::user, "count", {}, {}}}, {}}), "1.1");
      co_await test.life->client.send(std::move(request), base::Duration(15'000));
    };
    asking.spawn("turn", gone(*this, started));
    world().loop.run(provider.asked.wait());
  }
  EXPECT_EQ(turn(started, 1, 0, "count").result.value().message.content, "one two three");
  EXPECT_EQ(provider.stats().requests, 1);
}

TEST_F(GatewayTest, TellsInWordsWhyAProviderGaveNoAnswer) {
  Simulated provider("conversations: [{steps: [{errors: [{status: 401, message: bad key}]}]}]");
  const StartedRun started = start_run(provider);
  welcome(started);
  const TurnEvent event = turn(started, 1, 0, "count");
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, "provider_unauthorized");
  EXPECT_EQ(kinds(started).back(), "model.outcome");
}

TEST_F(GatewayTest, BelievesOnlyTheTokenOfTheRecordedPod) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  auto status_with = [&](std::string token) {
    StartedRun who = started;
    who.token = std::move(token);
    return hello(who).status;
  };
  EXPECT_EQ(status_with(make_token(started.pod, started.pod_uid, "https://kubernetes.default.svc")),
            403);
  EXPECT_EQ(status_with("not.a.token"), 403);
  EXPECT_EQ(status_with(""), 403);
  std::string forged = started.token;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(status_with(forged), 403);

  const StartedRun other = start_run(provider);
  EXPECT_EQ(welcome(other).name, other.name);  // another pod's token is another run
  EXPECT_EQ(status_with(started.token), 200);
}

TEST_F(GatewayTest, TellsOfALastWordBeyondMeasureInPart) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  ASSERT_EQ(ask(started, "/v1/hello", to_text(Hello{std::string(5'000'000, 'a')}), "").status, 200);
  const Outcome outcome{RunStatus::error, "", std::string(5'000'000, 'x')};
  ASSERT_EQ(ask(started, "/v1/outcome", to_text(outcome)).status, 200);
  EXPECT_EQ(welcome(started).outcome.value().error.size(), 32u * 1024);
  for (const auto& event : run(life->journal.events(started.uid, -1, 100)))
    EXPECT_LT(event.body.size(), 50'000u);
}

// A token lives on for minutes after its pod.
TEST_F(GatewayTest, DoesNothingForTheTokenOfARunThatIsOver) {
  Simulated provider(tool_script);
  const StartedRun failed = start_run(provider), succeeded = start_run(provider);
  auto comes_to_be_over = [&](const StartedRun& who, Json status) {
    patch_run_status(who.name, std::move(status));
    for (int i = 0; i < 1000; ++i)
      if (ask(who, "/v1/models", "").status == 409) return true;
    return false;
  };
  welcome(failed);
  ASSERT_TRUE(comes_to_be_over(failed, JsonObject{{"phase", "Failed"}}));
  EXPECT_EQ(hello(failed).status, 409);
  EXPECT_EQ(ask(failed, "/v1/turn", to_text(Turn{1, 0, {}, {}})).status, 409);

  welcome(succeeded);
  const std::string outcome = to_text(Outcome{RunStatus::success, "all done", ""});
  EXPECT_EQ(ask(succeeded, "/v1/outcome", outcome).status, 200);
  ASSERT_TRUE(comes_to_be_over(succeeded, JsonObject{{"phase", "Succeeded"}}));
  EXPECT_EQ(ask(succeeded, "/v1/outcome", outcome).status, 200) << "the answer may have got lost";
  ASSERT_TRUE(welcome(succeeded).outcome) << "the agent may have been killed after it";
  patch_run_status(succeeded.name, JsonObject{{"exitCode", 0}});
  int last = 0;
  for (int i = 0; i < 1000 && last != 409; ++i) last = hello(succeeded).status;
  EXPECT_EQ(last, 409);
}

TEST_F(GatewayTest, RefusesOtherVersionsAndUnknownPlaces) {
  Simulated provider(tool_script);
  const StartedRun started = start_run(provider);
  io::Request old = request_to(started, "/v1/hello", to_text(Hello{"x"}), "");
  old.headers.set(header_protocol, "0");
  const auto refused = run(life->client.send(std::move(old), base::Duration(15'000)));
  EXPECT_EQ(refused.status, 426);
  EXPECT_EQ(refused.headers.get(header_protocol), "1");
  welcome(started);
  EXPECT_EQ(ask(started, "/v1/nothing", "{}").status, 404);
  EXPECT_EQ(ask(started, "/v1/turn", "{oops").status, 400);
  EXPECT_EQ(ask(started, "/v1/turn", to_text(Turn{1, 1, {}, {}})).status, 400);
}

}  // namespace
}  // namespace gateway
