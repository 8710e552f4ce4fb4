// Runs that share the recorded beginning of another one.
#include "gateway/beginning.h"
#include "gateway/gateway_fixture_test.h"

namespace gateway {
namespace {

const ToolCall write_call{"1.0", "write_file", R"({"path":"a","content":"b"})"};
const ToolCall edit_call{"1.2", "edit_file", R"({"path":"a"})"};

std::string fork_of(const std::string& uid, std::int64_t step, const std::string& more = "") {
  return cat(R"("fork":{"run":")", uid, R"(","step":)", step, more, "},");
}

struct ForkTest : GatewayTest {
  // One turn, and the first of its three calls done.
  StartedRun record_source(const Simulated& provider) {
    StartedRun source = start_run(provider);
    welcome(source);
    turn(source, 1, 0, "count");
    decide(source, write_call);
    report(source, "1.0", "written");
    return source;
  }
  std::string refusal(const std::string& uid, std::int64_t step) {
    Simulated provider(tool_script);
    const StartedRun fork = start_run(provider, fork_of(uid, step));
    const Welcome welcomed = welcome(fork);
    EXPECT_TRUE(welcomed.past.empty());
    EXPECT_EQ(kinds(fork),
              (std::vector<std::string>{"run.begun", "run.outcome", "execution.begun"}));
    return welcomed.outcome.value_or(Outcome{}).error;
  }
};

TEST_F(ForkTest, SharesTheBeginningAndPaysForWhatIsNew) {
  Simulated provider(tool_script);
  const StartedRun source = record_source(provider);
  StartedRun fork = start_run(provider, fork_of(source.uid, 1));
  const Welcome welcomed = welcome(fork);
  ASSERT_EQ(welcomed.past.size(), 1U);
  EXPECT_EQ(welcomed.past[0].append.at(0).content, "count");
  EXPECT_EQ(welcomed.past[0].answer.content, "I call.");
  EXPECT_FALSE(welcomed.say || welcomed.newSystem);
  EXPECT_EQ(kinds(fork), (std::vector<std::string>{"run.begun", "recalled", "recalled", "recalled",
                                                   "recalled", "execution.begun"}));
  EXPECT_EQ(turn(fork, 1, 0, "count").result->message.content, "I call.");
  const Decision done = decide(fork, write_call);
  EXPECT_EQ(done.verdict, Verdict::done);
  EXPECT_EQ(done.result.value().text, "written");
  EXPECT_EQ(provider.stats().requests, 1) << "it was asked by the source";
  EXPECT_EQ(sums(fork), journal::Sums{});

  restart();
  record_pod(fork, 2);
  EXPECT_EQ(welcome(fork).past.size(), 1U);
  EXPECT_EQ(decide(fork, write_call, "2.1").verdict, Verdict::done);
  EXPECT_EQ(decide(fork, edit_call, "2.1").verdict, Verdict::allow) << "has no outcome to share";
  EXPECT_EQ(turn(fork, 2, 1, "go on", "2.1").result->message.content, "Done.");
  EXPECT_EQ(provider.stats().requests, 2);
  EXPECT_EQ(sums(fork), (journal::Sums{20, 2, 1, 1}));
  EXPECT_EQ(sums(source), (journal::Sums{10, 5, 1, 1}));
}

TEST_F(ForkTest, StandsWithoutItsSource) {
  Simulated provider(tool_script);
  const StartedRun source = record_source(provider);
  const StartedRun fork = start_run(provider, fork_of(source.uid, 1));
  welcome(fork);
  world().loop.run(life->journal.erase(source.uid));
  restart();
  EXPECT_EQ(welcome(fork).past.at(0).answer.content, "I call.");
  EXPECT_EQ(turn(fork, 2, 1, "go on", "1.2").result->message.content, "Done.");
  const StartedRun again = start_run(provider, fork_of(fork.uid, 2));
  EXPECT_EQ(welcome(again).past.size(), 2U) << "a fork is forked like any run";
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(ForkTest, TellsWhatTheUserSaysNextUntilTheModelHeardIt) {
  Simulated provider(tool_script);
  const StartedRun source = record_source(provider);
  const StartedRun fork =
      start_run(provider, fork_of(source.uid, 1, R"(,"newTask":true,"newSystemPrompt":true)"));
  for (int execution = 1; execution <= 2; ++execution) {
    const Welcome welcomed = welcome(fork);
    EXPECT_EQ(welcomed.say, "count");
    EXPECT_EQ(welcomed.newSystem, "Be brief.");
  }
  turn(fork, 2, 0, "count", "1.2");
  EXPECT_FALSE(welcome(fork).say);

  const StartedRun from_start = start_run(provider, fork_of(source.uid, 0, R"(,"newTask":true)"));
  const Welcome welcomed = welcome(from_start);
  EXPECT_FALSE(welcomed.say) << "it is the task";
  EXPECT_TRUE(welcomed.past.empty());
  EXPECT_FALSE(welcomed.outcome);
}

TEST_F(ForkTest, EndsBeforeItBeginsWhenThereIsNothingToShare) {
  Simulated provider(tool_script);
  const StartedRun source = record_source(provider);
  journal::Batch elsewhere{.run = unique_name("other-tenants-run"), .fence = {1, 0}};
  elsewhere.add(journal::RunBegun{.ns = "other", .name = "r"});
  run(life->journal.append(elsewhere));
  const std::string other = elsewhere.run;
  const auto none = [](const std::string& uid) {
    return cat("spec.fork: the journal has no run \"", uid, "\" in namespace default");
  };
  EXPECT_EQ(refusal("no-such-run", 1), none("no-such-run"));
  EXPECT_EQ(refusal(other, 0), none(other)) << "tenants never meet";
  EXPECT_EQ(refusal(source.uid, 7), "spec.fork: there is no step 7: the last one is 1");
  world().loop.run(life->journal.erase(source.uid));
  EXPECT_EQ(refusal(source.uid, 1), "spec.fork: contents of the shared steps were erased");
}

TEST_F(ForkTest, KeepsTheSpecOfEveryRun) {
  Simulated provider(tool_script);
  const StartedRun source = record_source(provider);
  const auto begun =
      journal::read<journal::RunBegun>(run(life->journal.events(source.uid, -1, 1)).front());
  const auto spec = schema::read<objects::AgentRunSpec>(
      parse_json(run(life->journal.blobs({begun.spec})).front()));
  EXPECT_EQ(spec.task, "count");
  EXPECT_EQ(spec.model.baseURL, provider.base_url());
}

// ---- foreign agents ----

struct ForeignForkTest : ForkTest {
  Answered chat(const StartedRun& who, const std::string& content) {
    io::Request request =
        request_to(who, "/v1/chat/completions",
                   cat(R"({"messages":[{"role":"user","content":")", content, "\"}]}"), "");
    if (!used.empty()) request.headers.set(header_used, std::exchange(used, ""));
    auto response = run(life->client.send(std::move(request), base::Duration(15'000)));
    used = response.headers.get(header_call);
    return {response.status, response.body, response.headers};
  }
  void run_again(StartedRun& who, std::int64_t attempt) {
    record_pod(who, attempt);
    used.clear();
  }
  bool has_diverged(const StartedRun& who) {
    const auto all = kinds(who);
    return std::ranges::find(all, "diverged") != all.end();
  }
  std::string used;  // what its bridge will tell next
  Simulated provider{"conversations: [{steps: [{text: one}], forever: true}]"};
  StartedRun source = [this] {
    StartedRun out = start_run(provider);
    chat(out, "first");
    chat(out, "second");
    used.clear();
    return out;
  }();
};

TEST_F(ForeignForkTest, IsAnsweredFromWhatItSharesAndGoesOn) {
  StartedRun fork =
      start_run(provider, fork_of(source.uid, 1) + R"("resume":{"onDivergence":"fail"},)");
  EXPECT_EQ(chat(fork, "first").status, 200);
  EXPECT_EQ(provider.stats().requests, 2) << "the source has asked it";
  EXPECT_EQ(chat(fork, "second").status, 200);
  EXPECT_EQ(provider.stats().requests, 3) << "behind the shared step";
  run_again(fork, 2);
  for (const char* content : {"first", "second", "third"})
    EXPECT_EQ(chat(fork, content).status, 200) << content;
  EXPECT_EQ(provider.stats().requests, 4);
  EXPECT_FALSE(has_diverged(fork)) << "to go on is no divergence";
}

TEST_F(ForeignForkTest, OwesNothingToTheRecordOfItsSource) {
  StartedRun fork = start_run(provider, fork_of(source.uid, 2));
  EXPECT_EQ(chat(fork, "another task").status, 200);
  EXPECT_EQ(provider.stats().requests, 3) << "another question is paid";
  run_again(fork, 2);
  EXPECT_EQ(chat(fork, "another task").status, 200);
  EXPECT_EQ(chat(fork, "and more").status, 200);
  EXPECT_EQ(provider.stats().requests, 4);
  EXPECT_FALSE(has_diverged(fork)) << "calls of its source are left, none of its own";
  run_again(fork, 3);
  EXPECT_EQ(chat(fork, "something else").status, 200);
  EXPECT_TRUE(has_diverged(fork));
}

}  // namespace
}  // namespace gateway
