// The gateway end to end in this process: our API server, a real projected token, the journal in a
// file, a simulated provider. The test plays controller and bridge.
#include "gateway/server.h"

#include "base/text.h"
#include "gateway/fixture_test.h"
#include "io/blocking.h"
#include "journal/sqlite_journal.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"
#include "objects/pod.h"
#include "objects/service_account.h"
#include "protocol/codec.h"
#include "protocol/names.h"
#include "support/temp_directory.h"

namespace gateway {
namespace {

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

Json create(const schema::KindInfo& kind, Json object) {
  kube::Ref ref{&kind, "default", {}, {}};
  return run(world().api.create(ref, std::move(object), {}));
}

Json patch_status(const schema::KindInfo& kind, const std::string& name, Json status) {
  kube::Ref ref{&kind, "default", name, "status"};
  return run(world().api.patch(ref, JsonObject{{"status", std::move(status)}}, {}));
}

// A run with the pod that the controller recorded for it, and the pod's token.
struct StartedRun {
  std::string name, uid, pod, pod_uid, token;
};

std::string make_pod(const std::string& name) {
  Json pod = parse_json(
      R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"agent","image":"i"}]}})");
  base::ensure(pod, {"metadata", "name"}) = name;
  return text_at(create(objects::Pod::info, std::move(pod)), {"metadata", "uid"});
}

std::string make_token(const std::string& pod, const std::string& pod_uid,
                       std::string_view audience = audience_gateway) {
  Json request{
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       JsonObject{
           {"audiences", base::JsonArray{audience}},
           {"expirationSeconds", token_seconds},
           {"boundObjectRef",
            JsonObject{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod}, {"uid", pod_uid}}}}}};
  kube::Ref ref{&objects::ServiceAccount::info, "default", "default", "token"};
  const Json made = run(world().api.create(ref, std::move(request), {}));
  return text_at(made, {"status", "token"});
}

void record_pod(StartedRun& started, std::int64_t attempt) {
  started.pod = unique_name("pod");
  started.pod_uid = make_pod(started.pod);
  patch_status(objects::AgentRun::info, started.name,
               JsonObject{{"podUID", started.pod_uid}, {"attempt", attempt}});
  started.token = make_token(started.pod, started.pod_uid);
}

StartedRun start_run(const Simulated& provider, const std::string& extra = "") {
  StartedRun out;
  out.name = unique_name("run");
  Json object = parse_json(cat(
      R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","spec":{"agentRef":"a","agentId":"default",)"
      R"("sessionKey":"s","systemPrompt":"Be brief.","task":"count",)",
      extra, R"("model":{"provider":"openai","model":"sim-1","baseURL":")", provider.base_url(),
      R"(","authSecretRef":")", make_secret(provider.place()), "\"}}}"));
  base::ensure(object, {"metadata", "name"}) = out.name;
  out.uid = text_at(create(objects::AgentRun::info, std::move(object)), {"metadata", "uid"});
  record_pod(out, 1);
  return out;
}

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

  // One life of the gateway process.
  struct Life {
    Life(GatewayTest& test)
        : journal(world().loop, world().clock, test.pool, test.directory / "journal.db",
                  {outbox_status}),
          gateway(world().loop, world().clock, world().random, test.log, journal, world().api,
                  test.settings),
          served(gateway.handler()),
          tasks(world().loop),
          client(world().loop, world().clock, io::tcp_dialer("127.0.0.1", served.port()),
                 "gateway") {
      tasks.spawn("gateway", gateway.run());
    }
    journal::SqliteJournal journal;
    Gateway gateway;
    Served served;
    io::TaskGroup tasks;
    io::HttpClient client;
  };
  std::optional<Life> life;

  GatewayTest() { life.emplace(*this); }
  ~GatewayTest() override {
    life.reset();
    for (const auto& line : log.lines) EXPECT_EQ(line.find(test_key), std::string::npos) << line;
  }
  void restart() {
    life.reset();
    life.emplace(*this);
  }

  io::Request request_to(const StartedRun& who, const std::string& path, std::string body,
                         const std::string& fence) {
    io::Request request{body.empty() ? "GET" : "POST", path, {}, std::move(body)};
    request.headers.set("Authorization", "Bearer " + who.token);
    request.headers.set(header_protocol, "1");
    if (!fence.empty()) request.headers.set(header_execution, fence);
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
      {"1.3", "write_file", write_call.arguments},                       // no such call
      {"2.0", "write_file", write_call.arguments},                       // no such turn
      {"1.00", "write_file", R"({"path":"/etc/passwd","content":""})"},  // other bytes
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

  const StartedRun old = started;
  restart();
  record_pod(started, 2);
  EXPECT_EQ(hello(old).status, 403);
  const Welcome welcomed = welcome(started);
  EXPECT_EQ(welcomed.attempt, 2);
  EXPECT_EQ(welcomed.execution, 1);
  ASSERT_EQ(welcomed.past.size(), 1U);
  EXPECT_EQ(welcomed.past[0].append.at(0).content, "count");
  EXPECT_EQ(welcomed.past[0].answer.toolCalls.size(), 3U);

  EXPECT_EQ(decide(started, write_call, "2.1").verdict, Verdict::done);
  EXPECT_EQ(decide(started, edit_call, "2.1").verdict, Verdict::allow);   // in this workspace only
  EXPECT_EQ(decide(started, fetch_call, "2.1").verdict, Verdict::allow);  // idempotent
  EXPECT_EQ(turn(started, 2, 1, "go on", "2.1").result.value().message.content, "Done.");
  EXPECT_EQ(provider.stats().requests, 2);
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
  const StartedRun started =
      start_run(provider, cat(R"("skills":[{"skillPackRef":")", pack, R"("}],)"));
  const ToolCall call{"1.0", "execute_command", R"({"command":"date"})"};
  // The watch may show the pack later than the run.
  Answered answer = hello(started);
  for (int i = 0; i < 1000 && answer.status == 404; ++i) answer = hello(started);
  const auto first = from_text<Welcome>(answer.text);
  EXPECT_NE(first.system.find("/skills/k.md"), std::string::npos);
  const std::string fence = cat("1.", first.execution);
  turn(started, 1, 0, "count", fence);
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::allow);

  restart();  // the execution goes on and asks again for the grant that it may not have got
  EXPECT_EQ(decide(started, call, fence).verdict, Verdict::allow);
  welcome(started);  // the agent died: it may have run
  const std::string next = cat("1.", first.execution + 1);
  const Decision decision = decide(started, call, next);
  EXPECT_EQ(decision.verdict, Verdict::unknown);
  EXPECT_NE(decision.reason.find("outcome unknown"), std::string::npos);
  EXPECT_EQ(report(started, "1.0", "it had run", next).status, 200);
  EXPECT_EQ(decide(started, call, next).verdict, Verdict::done);
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

// ---- agents that are not our runner ----

std::string completion(const std::string& content, const std::string& extra = "") {
  return cat(R"({"model":"gpt-9","messages":[{"role":"user","content":")", content, "\"}]", extra,
             "}");
}

struct ForeignAgentTest : GatewayTest {
  Answered chat(const StartedRun& who, const std::string& body) {
    return ask(who, "/v1/chat/completions", body, "");
  }
};

const std::string foreign_script = R"(
conversations:
  - steps:
      - text: Hello to you.
        tool_calls: [{name: its_own, arguments: {a: 1}}]
        usage: {prompt_tokens: 10, completion_tokens: 5}
)";

TEST_F(ForeignAgentTest, IsAnsweredWholeOrStreamed) {
  Simulated provider(foreign_script);
  const StartedRun started = start_run(provider);
  const Answered whole = chat(started, completion("hi"));
  ASSERT_EQ(whole.status, 200) << whole.text;
  const Json answer = whole.json();
  EXPECT_EQ(answer.at_pointer("/object"), "chat.completion");
  EXPECT_EQ(answer.at_pointer("/model"), "sim-1");  // the run's, whatever was named
  EXPECT_EQ(answer.at_pointer("/choices/0/message/content"), "Hello to you.");
  EXPECT_EQ(answer.at_pointer("/choices/0/message/tool_calls/0/function/arguments"), "{\"a\":1}");
  EXPECT_EQ(answer.at_pointer("/choices/0/finish_reason"), "tool_calls");
  EXPECT_EQ(answer.at_pointer("/usage/total_tokens"), 15);

  const Answered streamed =
      chat(started, completion("hi", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(streamed.headers.get("Content-Type"), "text/event-stream");
  EXPECT_TRUE(streamed.text.ends_with("data: [DONE]\n\n")) << streamed.text;
  EXPECT_NE(streamed.text.find("\"total_tokens\":15"), std::string::npos);
  EXPECT_EQ(provider.authorizations.back(), "Bearer " + test_key);
  EXPECT_EQ(kinds(started),
            (std::vector<std::string>{"run.begun", "execution.begun", "model.intent",
                                      "model.outcome", "model.intent", "model.outcome"}));
  EXPECT_EQ(sums(started), (journal::Sums{20, 10, 2, 0}));
  EXPECT_EQ(ask(started, "/v1/models", "", "").json().at_pointer("/data/0/id"), "sim-1");
}

TEST_F(ForeignAgentTest, PaysForTheSameQuestionAgainOnlyWhenItHadTheAnswer) {
  Simulated provider(foreign_script);
  StartedRun started = start_run(provider);
  const std::string first = chat(started, completion("hi")).text;
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 2);  // it has the first answer, and wants another one

  record_pod(started, 2);  // run again from its start
  const Json again =
      chat(started, R"({"messages":[{"content":"hi","role":"user"}],"model":"gpt-9"})").json();
  EXPECT_EQ(again.at("id"), parse_json(first).at("id"));  // members in another order, same request
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 2);
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 3);
  EXPECT_EQ(chat(started, completion("hi", R"(,"temperature":1)")).status, 200);
  EXPECT_EQ(provider.stats().requests, 4);

  restart();  // who has what is not known any more: nothing is paid twice
  EXPECT_EQ(chat(started, completion("hi")).status, 200);
  EXPECT_EQ(provider.stats().requests, 4);
}

TEST_F(ForeignAgentTest, JoinsTheSameRequestUnderWay) {
  Simulated provider(R"(conversations: [{steps: [{text: slow, delay: 50ms}]}])");
  const StartedRun started = start_run(provider);
  std::vector<std::string> answers;
  auto both = [&]() -> io::Task<> {
    auto one = [&]() -> io::Task<> {
      io::Request request = request_to(started, "/v1/chat/completions", completion("hi"), "");
      auto response = co_await life->client.send(std::move(request), base::Duration(15'000));
      answers.push_back(response.body);
    };
    io::TaskGroup group(world().loop);
    group.spawn("one", one());
    group.spawn("two", one());
    co_await group.join();
  };
  world().loop.run(both());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(parse_json(answers[0]).at("id"), parse_json(answers[1]).at("id"));
  EXPECT_EQ(provider.stats().requests, 1);
}

TEST_F(ForeignAgentTest, KeepsARepeatedConversationOnce) {
  Simulated provider("conversations: [{steps: [{text: a}, {text: b}]}]");
  const StartedRun started = start_run(provider);
  const std::string long_text(50'000, 'x');
  EXPECT_EQ(chat(started, completion(long_text)).status, 200);
  EXPECT_EQ(
      chat(started, cat(R"({"messages":[{"role":"user","content":")", long_text,
                        R"("},{"role":"assistant","content":"a"},{"role":"user","content":"y"}]})"))
          .status,
      200);
  std::set<std::string> names;
  std::size_t appended = 0;
  for (const auto& event : run(life->journal.events(started.uid, -1, 1000)))
    if (event.kind == journal::Kind::model_intent)
      for (const auto& name : journal::read<journal::ModelIntent>(event).appended) {
        names.insert(name);
        ++appended;
      }
  EXPECT_EQ(appended, 4U);
  EXPECT_EQ(names.size(), 3U);
}

TEST_F(ForeignAgentTest, IsToldInItsWordsWhatWentWrong) {
  Simulated provider(
      "conversations: [{steps: [{errors: [{status: 401, message: bad key}, {status: 401}, {status: "
      "400, code: context_length_exceeded}]}]}]");
  const StartedRun started = start_run(provider);
  const Answered whole = chat(started, completion("hi"));
  EXPECT_EQ(whole.status, 401);
  EXPECT_EQ(whole.headers.get("x-should-retry"), "false");
  EXPECT_EQ(whole.json().at_pointer("/error/code"), "provider_unauthorized");
  EXPECT_EQ(chat(started, completion("hi", R"(,"stream":true)")).status, 401);
  EXPECT_EQ(chat(started, completion("hi")).json().at_pointer("/error/code"),
            "context_length_exceeded");
  const Answered several = chat(started, completion("hi", R"(,"n":2)"));
  EXPECT_EQ(several.status, 400);
  EXPECT_NE(several.text.find("n: only one answer"), std::string::npos) << several.text;
  EXPECT_EQ(chat(started, "{oops").status, 400);
  EXPECT_EQ(provider.stats().requests, 3);
}

TEST_F(ForeignAgentTest, DoesNotSpeakBesideARunner) {
  Simulated provider(tool_script);
  const StartedRun runner = start_run(provider);
  welcome(runner);
  turn(runner, 1, 0, "count");
  EXPECT_EQ(chat(runner, completion("hi")).status, 400);
  const StartedRun foreign = start_run(provider);
  EXPECT_EQ(chat(foreign, completion("hi")).status, 200);
  EXPECT_EQ(ask(foreign, "/v1/turn", to_text(Turn{1, 0, {}, {}})).status, 400);
  EXPECT_TRUE(welcome(foreign).past.empty());
  EXPECT_EQ(ask(foreign, "/v1/chat/completions", completion("hi"), "1.1").status, 409);
  EXPECT_EQ(ask(foreign, "/v1/chat/completions", completion("hi"), "1.2").status, 200);
}

}  // namespace
}  // namespace gateway
