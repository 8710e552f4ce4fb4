#include "cli/commands_fixture_test.h"
#include "io/file.h"
#include "support/temp_directory.h"

namespace cli {
namespace {

const std::string step_one = R"({"type":"tool","tool":"write_file","text":"{}","ms":3})";
const std::string step_end = R"({"type":"end","text":"success"})";
const std::string succeeded =
    R"({"phase":"Succeeded","result":"42","tokenUsage":{"inputTokens":5,"outputTokens":6,"totalTokens":11,"toolCalls":1,"durationMs":1500}})";

TEST_F(Commands, RunPrintsTheAnswerAloneOnStandardOutput) {
  apply_agent();
  api_.scripts = {{{step_one + "\n" + step_end.substr(0, 5), step_end.substr(5) + "\n"}}};
  auto story = play(succeeded);
  const Result result = call({"run", "--task", "-"}, &story, "what is it?");
  EXPECT_EQ(result.code, exit_ok) << result.err;
  EXPECT_EQ(result.out, "42\n");
  EXPECT_NE(result.err.find("✓ write_file {}  (3 ms)"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("Running in pod p"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("■ Succeeded (5 input and 6 output tokens, 1 tool call, 1.5s)"),
            std::string::npos)
      << result.err;
  ASSERT_EQ(api_.asked.size(), 1u);
  EXPECT_EQ(api_.asked[0].container, "agent");
  EXPECT_TRUE(api_.asked[0].follow);
}

TEST_F(Commands, RunMakesTheRunOfTheAgentAndTheFlags) {
  apply_agent();
  const Result result = call({"run", "first", "--task", "t", "--name", "r", "--model", "other",
                              "--timeout", "90s", "--detach", "-o", "json"});
  ASSERT_EQ(result.code, exit_ok) << result.err;
  const Json run = parse_json(base::trim(result.out));
  EXPECT_EQ(text_at(run, {"metadata", "name"}), "r");
  EXPECT_EQ(text_at(run, {"metadata", "labels", "sympozium.ai/source"}), "cli");
  EXPECT_EQ(text_at(run, {"spec", "model", "model"}), "other");
  EXPECT_EQ(text_at(run, {"spec", "model", "authSecretRef"}), "key");
  EXPECT_EQ(text_at(run, {"spec", "timeout"}), "90s");
}

TEST_F(Commands, RunTellsByItsExitCodeHowItWent) {
  apply_agent();
  api_.scripts = {{{step_end + "\n"}}};
  auto failing = play(R"({"phase":"Failed","error":"no such model"})");
  const Result failed = call({"run", "--task", "t"}, &failing);
  EXPECT_EQ(failed.code, exit_error);
  EXPECT_EQ(failed.out, "");
  EXPECT_NE(failed.err.find("✗ Failed: no such model"), std::string::npos) << failed.err;
}

TEST_F(Commands, RunTellsATimeoutFromAFailure) {
  apply_agent();
  api_.scripts = {{{step_end + "\n"}}};
  auto story = play(R"({"phase":"Failed","error":"timeout after 10m0s","conditions":[
    {"type":"Stalled","status":"True","reason":"TimedOut","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]})");
  EXPECT_EQ(call({"run", "--task", "t"}, &story).code, exit_timeout);
}

TEST_F(Commands, RunTakesABrokenLogUpWithoutRepeatingIt) {
  apply_agent();
  api_.scripts = {{{step_one + "\n"}, Script::End::breaks},
                  {{step_one + "\n", step_end + "\n"}, Script::End::ends}};
  auto story = [](Commands& test) -> io::Task<> {
    Json run = co_await test.next_run();
    co_await test.start_pod(run);
    co_await test.eventually([&test] { return test.api_.asked.size() > 1; });
    Json status = parse_json(succeeded);
    co_await test.set_status(&objects::AgentRun::info, text_at(run, {"metadata", "name"}),
                             std::move(status));
  }(*this);
  const Result result = call({"run", "--task", "t", "-o", "json"}, &story);
  EXPECT_EQ(result.code, exit_ok) << result.err;
  const auto lines = base::split(base::trim(result.out), '\n');
  ASSERT_EQ(lines.size(), 3u) << result.out;
  EXPECT_EQ(lines[0], step_one);
  EXPECT_EQ(lines[1], step_end);
  EXPECT_EQ(text_at(parse_json(lines[2]), {"status", "result"}), "42");
}

TEST_F(Commands, RunGoesOnWhenTheUserLeaves) {
  apply_agent();
  auto story = [](Commands& test) -> io::Task<> {
    co_await test.next_run();
    test.leave_.set();
  }(*this);
  const Result result = call({"run", "--task", "t", "--name", "r", "-n", "default"}, &story);
  EXPECT_EQ(result.code, exit_interrupted);
  EXPECT_NE(result.err.find("sympozium logs -f r -n default"), std::string::npos) << result.err;
  EXPECT_EQ(call({"get", "runs", "-o", "name"}).out, "agentrun.sympozium.ai/r\n");
}

TEST_F(Commands, RunEndsWhenTheRunIsDeleted) {
  apply_agent();
  auto story = [](Commands& test) -> io::Task<> {
    co_await test.next_run();
    kube::Ref ref{&objects::AgentRun::info, "default", "r", {}};
    kube::Ref same = ref;
    Json patch = parse_json(R"({"metadata":{"finalizers":null}})");
    co_await test.client_.patch(std::move(same), std::move(patch), kube::PatchOptions{});
    co_await test.client_.remove(std::move(ref), kube::RemoveOptions{});
  }(*this);
  const Result result = call({"run", "--task", "t", "--name", "r"}, &story);
  EXPECT_EQ(result.code, exit_error);
  EXPECT_NE(result.err.find("the run was deleted"), std::string::npos) << result.err;
}

TEST_F(Commands, RunSaysWhatIsMissing) {
  EXPECT_NE(call({"run", "--task", "t"}).err.find("has no agent; apply one"), std::string::npos);
  apply_agent();
  EXPECT_NE(call({"run", "nope", "--task", "t"}).err.find("no agent \"nope\"; it has first"),
            std::string::npos);
  EXPECT_NE(call({"run", "--task", " "}).err.find("--task: is empty"), std::string::npos);
  EXPECT_NE(call({"run", "--task", "t", "--name", "Not_A_Name"}).err.find("--name"),
            std::string::npos)
      << call({"run", "--task", "t", "--name", "Not_A_Name"}).err;
}

TEST_F(Commands, LogsShowStepsOrLines) {
  apply_agent();
  call({"run", "--task", "t", "--name", "r", "--detach"});
  const Result early = call({"logs", "r"});
  EXPECT_NE(early.err.find("there is no pod (Pending); wait for it with -f"), std::string::npos)
      << early.err;
  kube::Ref ref{&objects::AgentRun::info, "default", "r", {}};
  Json run = loop_.run(client_.get(ref, {}));
  loop_.run(start_pod(run));
  api_.scripts = {{{step_one + "\nplain\n" + R"({"type":"new"})" + "\n"}}};
  EXPECT_EQ(call({"logs", "r"}).out, "✓ write_file {}  (3 ms)\nplain\n");
  EXPECT_EQ(call({"logs", "r", "--raw"}).out, step_one + "\nplain\n{\"type\":\"new\"}\n");
  loop_.run(set_status(&objects::AgentRun::info, "r", parse_json(succeeded)));
  const Result followed = call({"runs", "logs", "r", "-f"});
  EXPECT_EQ(followed.code, exit_ok);
  EXPECT_EQ(followed.out, "✓ write_file {}  (3 ms)\nplain\n");
}

TEST_F(Commands, GetShowsWhatTheServerDraws) {
  EXPECT_EQ(call({"get", "agents"}).err, "No resources found in default namespace.\n");
  apply_agent();
  const Result table = call({"agents", "list"});
  EXPECT_TRUE(table.out.starts_with("NAME ")) << table.out;
  EXPECT_NE(table.out.find("\nfirst "), std::string::npos) << table.out;
  EXPECT_TRUE(call({"get", "agents", "-A"}).out.starts_with("NAMESPACE   NAME "));
  EXPECT_EQ(call({"get", "agent", "first", "-o", "name"}).out, "agent.sympozium.ai/first\n");
  EXPECT_EQ(text_at(parse_json(base::trim(call({"get", "agent/first", "-o", "json"}).out)),
                    {"metadata", "name"}),
            "first");
  EXPECT_NE(call({"get", "agent", "first", "-o", "yaml"}).out.find("\nkind: Agent\n"),
            std::string::npos);
  EXPECT_NE(call({"get", "agent", "none"}).err.find("not found"), std::string::npos);
  EXPECT_NE(call({"get", "things"}).err.find("there is no kind \"things\"; there are: agents, "),
            std::string::npos);
}

TEST_F(Commands, GetGoesOnWatching) {
  apply_agent();
  auto story = [](Commands& test) -> io::Task<> {
    Json other = parse_json(
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"late","namespace":"default"}})");
    kube::Ref ref = kube::ref_of(*objects::find_kind("", "configmaps"), other);
    co_await io::sleep(test.clock_, base::Duration(100));
    co_await test.client_.create(std::move(ref), std::move(other), kube::CreateOptions{});
    co_await io::sleep(test.clock_, base::Duration(100));
    test.leave_.set();
  }(*this);
  const Result result = call({"get", "cm", "-w"}, &story);
  EXPECT_EQ(result.code, exit_ok) << result.err;
  const auto lines = base::split(base::trim(result.out), '\n');
  ASSERT_EQ(lines.size(), 3u) << result.out;
  EXPECT_TRUE(lines[0].starts_with("NAME "));
  EXPECT_TRUE(lines[1].starts_with("kube-root-ca.crt "));
  EXPECT_TRUE(lines[2].starts_with("late "));
}

TEST_F(Commands, ApplyCreatesChangesAndLeavesAlone) {
  const std::string one =
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v, x: z}}";
  const std::string two = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: w}}";
  EXPECT_EQ(call({"apply", "-f", "-", "--dry-run"}, nullptr, one).out,
            "configmap/a created (dry run)\n");
  EXPECT_EQ(call({"apply", "-f", "-"}, nullptr, one).out, "configmap/a created\n");
  EXPECT_EQ(call({"apply", "-f", "-"}, nullptr, one).out, "configmap/a unchanged\n");
  EXPECT_EQ(call({"apply", "-f", "-"}, nullptr, two).out, "configmap/a configured\n");
  const Json now = parse_json(base::trim(call({"get", "cm", "a", "-o", "json"}).out));
  EXPECT_EQ(base::to_text(*base::find(now, {"data"})), R"({"k":"w"})");
}

TEST_F(Commands, ApplyOfASecretKeepsItsValuesOutOfTheAnnotation) {
  const std::string secret =
      "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: v, gone: x}}";
  EXPECT_EQ(call({"apply", "-f", "-"}, nullptr, secret).out, "secret/s created\n");
  EXPECT_EQ(call({"apply", "-f", "-"}, nullptr, secret).out, "secret/s unchanged\n");
  const Json changed =
      apply("{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {k: w}}");
  ASSERT_TRUE(base::find(changed, {"data"})) << base::to_text(changed);
  EXPECT_EQ(base::to_text(*base::find(changed, {"data"})), R"({"k":"dw=="})")
      << base::to_text(changed);
  EXPECT_EQ(base::to_text(*base::find(changed, {"metadata"})).find("dw=="), std::string::npos);
}

TEST_F(Commands, ApplyReadsFoldersAndSendsNothingWhenOneFileIsWrong) {
  const test::TempDirectory folder;
  io::write_file(folder / "a.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", 0600);
  io::write_file(folder / "model.yaml", "conversations: []", 0600);
  io::write_file(folder / "z.yaml", "kind: ConfigMap\n", 0600);
  const Result wrong = call({"apply", "-f", folder.path()});
  EXPECT_NE(wrong.err.find("z.yaml, document 1 (line 1): ConfigMap: apiVersion"), std::string::npos)
      << wrong.err;
  EXPECT_NE(call({"get", "cm", "a"}).err.find("not found"), std::string::npos);
  io::write_file(folder / "z.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}", 0600);
  const Result right = call({"apply", "-f", folder.path()});
  EXPECT_EQ(right.out, "configmap/a created\nconfigmap/z created\n");
  EXPECT_NE(right.err.find("model.yaml: no Kubernetes object, left out"), std::string::npos);
}

TEST_F(Commands, ApplyRefusesTwoNamespaces) {
  const Result result =
      call({"apply", "-f", "-", "-n", "other"}, nullptr,
           "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}");
  EXPECT_NE(result.err.find("metadata.namespace is default but -n says other"), std::string::npos);
}

TEST_F(Commands, DeleteGoesOnBehindWhatIsMissing) {
  apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
  const Result result = call({"delete", "cm", "missing", "a"});
  EXPECT_EQ(result.code, exit_error);
  EXPECT_EQ(result.out, "configmap/a deleted\n");
  EXPECT_NE(result.err.find("configmaps \"missing\" not found"), std::string::npos) << result.err;
}

TEST_F(Commands, DescribeAndVersionAnswer) {
  apply_agent();
  EXPECT_NE(call({"describe", "agent", "first"}).out.find("Spec:\n"), std::string::npos);
  EXPECT_NE(call({"version"}).out.find("server     Kubernetes v1."), std::string::npos);
}

// The files of the first example say what this program understands.
TEST_F(Commands, ApplyTakesTheFirstExampleAsItIs) {
  const Result result = call({"apply", "-f", SYMPOZIUM_SOURCE_DIR "/examples/first-run"});
  EXPECT_EQ(result.code, exit_ok) << result.err;
  EXPECT_NE(result.out.find("agent.sympozium.ai/first created\n"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("model.yaml: no Kubernetes object, left out"), std::string::npos);
}

// ---- the whole program, without a server ----

struct Program {
  int code;
  std::string out, err;
};
Program program(std::vector<std::string> words, std::map<std::string, std::string> variables,
                std::vector<Command> commands = {}) {
  int fds[3];
  for (int& fd : fds) fd = ::memfd_create("test", MFD_CLOEXEC);
  words.insert(words.begin(), "sympozium");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  const Environment environment{
      fds[0], fds[1], fds[2], std::move(variables), "1.2.3", std::move(commands)};
  Program result{run(int(argv.size()), argv.data(), environment), "", ""};
  for (auto [fd, place] : {std::pair{fds[1], &result.out}, {fds[2], &result.err}}) {
    place->resize(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)));
    EXPECT_EQ(::pread(fd, place->data(), place->size(), 0), ssize_t(place->size()));
  }
  for (int fd : fds) ::close(fd);
  return result;
}

TEST(Program, SaysInOneLineWhereNobodyAnswers) {
  const test::TempDirectory folder;
  const std::string file = folder / "kubeconfig";
  io::write_file(file,
                 "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                 "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\n"
                 "users: [{name: u, user: {}}]\n",
                 0600);
  const Program result = program({"get", "runs"}, {{"SYMPOZIUM_KUBECONFIG", file}});
  EXPECT_EQ(result.code, exit_error);
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  for (const std::string& part :
       {std::string("http://127.0.0.1:1"), file, std::string("start it with `sudo sympozium up`")})
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

TEST(Program, SaysThatThereIsNoKubeconfigAndKnowsItsOwnVersion) {
  const Program result = program({"version"}, {{"KUBECONFIG", "/nowhere/at/all"}});
  EXPECT_EQ(result.code, exit_error);
  EXPECT_EQ(result.out, "sympozium  1.2.3\n");
  EXPECT_NE(result.err.find("there is no /nowhere/at/all; start a server with"), std::string::npos)
      << result.err;
}

TEST(Program, HandsTheRestToACommandOfSomebodyElse) {
  std::vector<std::string> got;
  const Command up{"up", "Start", [&got](const std::vector<std::string>& arguments) {
                     got = arguments;
                     return 7;
                   }};
  EXPECT_EQ(program({"up", "--detach"}, {}, {up}).code, 7);
  EXPECT_EQ(got, std::vector<std::string>{"--detach"});
}

TEST(Program, AnswersUsageMistakesWithTwo) {
  EXPECT_EQ(program({}, {}).code, exit_usage);
  EXPECT_EQ(program({"get"}, {}).code, exit_usage);
  EXPECT_EQ(program({"--help"}, {}).code, exit_ok);
}

}  // namespace
}  // namespace cli
