// Recorded runs: shown, followed, compared, taken to another home.
#include "cli/seen_fixture_test.h"
#include "journal/recall.h"

namespace cli {
namespace {

struct Other final : Seen {
  void TestBody() override {}
};

TEST_F(Seen, TheTranscriptNeedsNoPodAndNoObject) {
  record("uid-a", "a", "What does it say?", "hello");
  const Result shown = call({"logs", "a", "--steps"});
  ASSERT_EQ(shown.code, exit_ok) << shown.err;
  for (const char* part :
       {"run a, namespace default, uid uid-a", "▶ execution 1.1: runner/1 in pod pod",
        "→ turn 1: sim-1", "What does it say?", "• turn 1: 100 + 10 tokens, tool_calls", "I look.",
        "⚙ 1.0 read_file {\"path\":\"a\"}\n", "✓ 1.0 read_file", "hello", "■ succeeded",
        "220 input and 15 output tokens, 2 model calls, 1 tool call"})
    EXPECT_TRUE(has(shown.out, part)) << part << "\n" << shown.out;
  EXPECT_FALSE(has(shown.out, "\x1b")) << "what a model wrote steers no terminal";
  EXPECT_FALSE(has(shown.out, "unknown"));
  EXPECT_EQ(call({"logs", "uid-a", "--steps"}).out, shown.out);
  EXPECT_TRUE(has(call({"logs", "b", "--steps"}).err, "the journal has no run \"b\""));

  const auto lines =
      base::split(base::trim(call({"logs", "a", "--steps", "-o", "json"}).out), '\n');
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_EQ(text_at(parse_json(lines[5]), {"text"}), "hello");
}

TEST_F(Seen, TheTranscriptTellsWhatIsUnknownFromWhatIsUnderWay) {
  begin("uid-a", "a");
  const auto allow = [](const char* name) {
    return journal::ToolIntent{
        .call = name, .tool = "pay", .argumentsSha256 = "h", .decision = protocol::Verdict::allow};
  };
  Batch first{.fence = {1, 1}};
  append("uid-a", first.add(journal::ModelIntent{.turn = 1}).add(allow("1.0")));
  EXPECT_TRUE(has(call({"logs", "a", "--steps"}).out, "⚙ 1.0 pay   … under way"));
  Batch second{.fence = {1, 2}};
  second.add(journal::ExecutionBegun{})
      .add(journal::ModelIntent{.turn = 1})
      .add(journal::ModelOutcome{.turn = 1, .error = protocol::Failure{"internal", "no"}})
      .add(journal::ToolIntent{
          .call = "1.1", .tool = "rm", .argumentsSha256 = "h", .reason = "never"});
  append("uid-a", second);
  const std::string out = call({"logs", "a", "--steps"}).out;
  EXPECT_TRUE(has(out, "⚙ 1.0 pay   ? outcome unknown")) << out;
  EXPECT_TRUE(has(out, "→ turn 1  ? outcome unknown")) << out;
  EXPECT_TRUE(has(out, "✗ turn 1: internal: no")) << out;
  EXPECT_TRUE(has(out, "denied: never")) << out;
  EXPECT_TRUE(has(out, "the run has not ended")) << out;
}

TEST_F(Seen, RecordedRunsAreListed) {
  record("uid-a", "a", "t", "x");
  begin("uid-b", "b");
  const Result table = call({"get", "runrecords"});
  ASSERT_EQ(table.code, exit_ok) << table.err;
  EXPECT_TRUE(has(table.out, "NAME   UID     OUTCOME   MODEL   TOOLS   TOKENS     BEGAN"))
      << table.out;
  EXPECT_TRUE(has(table.out, "a      uid-a   success   2       1       220 + 15   20"))
      << table.out;
  EXPECT_TRUE(has(table.out, "b      uid-b             0       0       0 + 0")) << table.out;
  EXPECT_TRUE(has(call({"get", "runrecord", "a"}).out, "uid-a"));
  const Json list = parse_json(base::trim(call({"get", "runrecords", "-o", "json"}).out));
  EXPECT_EQ(text_at(list.at("items").at(1), {"metadata", "uid"}), "uid-a");
  EXPECT_TRUE(has(call({"describe", "runrecord", "a"}).out, "modelCalls: 2"));
}

TEST_F(Seen, EventsTellANamespaceOrARun) {
  record("uid-a", "a", "t", "x");
  record("uid-b", "b", "t", "x");
  const Result all = call({"events"});
  ASSERT_EQ(all.code, exit_ok) << all.err;
  EXPECT_EQ(std::ranges::count(all.out, '\n'), 18) << all.out;
  EXPECT_TRUE(has(all.out, "model.outcome    1     100 + 10 tokens, tool_calls\n")) << all.out;
  EXPECT_TRUE(has(all.out, "tool.intent      1.0   read_file allow\n")) << all.out;
  EXPECT_EQ(std::ranges::count(call({"events", "--run", "b"}).out, '\n'), 9);
  EXPECT_EQ(std::ranges::count(call({"events", "--run", "b", "--since", "1h"}).out, '\n'), 9);
  EXPECT_EQ(call({"events", "--since", "2999-01-01T00:00:00Z"}).out, "");
  EXPECT_EQ(call({"events", "--agent", "nobody"}).out, "");
  const auto lines = base::split(base::trim(call({"events", "-o", "json"}).out), '\n');
  EXPECT_EQ(text_at(parse_json(lines.front()), {"type"}), "ai.sympozium.run.begun");
}

TEST_F(Seen, EventsOfARunAreFollowedToItsEnd) {
  begin("uid-a", "a");
  auto end = [this]() -> io::Task<> {
    Batch batch{.run = "uid-a", .fence = {1, 1}};
    batch.add(journal::RunOutcome{.status = protocol::RunStatus::error, .error = "gave up"});
    co_await journal_.append(std::move(batch));
  };
  auto later = end();
  const Result followed = call({"events", "-f", "--run", "a"}, &later);
  EXPECT_EQ(followed.code, exit_ok) << followed.err;
  EXPECT_TRUE(has(followed.out, "run.outcome            error gave up\n")) << followed.out;
  EXPECT_EQ(std::ranges::count(followed.out, '\n'), 3) << followed.out;
}

TEST_F(Seen, EventsAreFollowedFromNowUntilTheUserLeaves) {
  begin("uid-a", "old");
  auto story = [this]() -> io::Task<> {
    for (int i = 0; i < 2000 && content(out_).empty(); ++i) {  // once the command looks on
      Batch batch{.run = "uid-" + std::to_string(i), .fence = {1, 0}};
      batch.add(journal::RunBegun{.ns = "default", .name = "new"});
      co_await journal_.append(std::move(batch));
      co_await io::sleep(clock_, base::Duration(5));
    }
    leave_.set();
  };
  auto task = story();
  const Result followed = call({"events", "-f"}, &task);
  EXPECT_EQ(followed.code, exit_interrupted);
  EXPECT_TRUE(has(followed.out, "new"));
  EXPECT_FALSE(has(followed.out, "old"));
}

TEST_F(Seen, AReplayStopsWhereItIsTold) {
  record("uid-a", "a", "t", "hello");
  const Result whole = call({"replay", "a", "--speed", "max"});
  ASSERT_EQ(whole.code, exit_ok) << whole.err;
  EXPECT_TRUE(has(whole.out, "so far 220 + 15 tokens, 2 answers, 1 tool results")) << whole.out;
  EXPECT_TRUE(has(whole.out, "■ succeeded"));
  const Result some = call({"replay", "a", "--until", "1"});
  EXPECT_TRUE(has(some.out, "stopped behind 1\n")) << some.out;
  EXPECT_FALSE(has(some.out, "turn 2"));
  EXPECT_TRUE(has(call({"replay", "a", "--until", "1.0"}).out, "✓ 1.0 read_file"));
  EXPECT_TRUE(has(call({"replay", "a", "--until", "7"}).err, "the run has no step \"7\""));
}

TEST_F(Seen, ADiffNamesTheFirstDifferingStepAndItsPlace) {
  record("uid-a", "a", "What does it say?", "hello");
  record("uid-b", "b", "What does it say?", "goodbye");
  record("uid-c", "c", "What does it say?", "hello");
  EXPECT_EQ(call({"diff", "a", "c"}).code, exit_ok);
  const Result differ = call({"diff", "a", "b"});
  EXPECT_EQ(differ.code, exit_error);
  EXPECT_TRUE(has(differ.out, "first difference: call 1.0, result")) << differ.out;
  EXPECT_TRUE(has(differ.out, "turn 2  /messages/0/content: \"hello\" → \"goodbye\""))
      << differ.out;
  EXPECT_TRUE(has(differ.out, "call 1.0  hello → goodbye")) << differ.out;
  const Json json = parse_json(base::trim(call({"diff", "a", "b", "-o", "json"}).out));
  EXPECT_EQ(text_at(json.at("differences").at(0), {"what"}), "result");
}

TEST_F(Seen, ARunGoesToAnotherHomeAndIsVerifiedOnTheWay) {
  record("uid-a", "a", "What does it say?", "hello");
  const Result file = call({"export", "a"});
  ASSERT_EQ(file.code, exit_ok) << file.err;
  EXPECT_TRUE(has(file.err, "9 events, 6 contents, verified")) << file.err;
  EXPECT_TRUE(has(call({"import", "-"}, nullptr, file.out).err, "is in this journal already"));

  Other other;
  const Result made = other.call({"import", "-"}, nullptr, file.out);
  ASSERT_EQ(made.code, exit_ok) << made.err;
  EXPECT_EQ(made.out, "runrecord.journal.sympozium.ai/a imported (uid uid-a)\n");
  EXPECT_EQ(other.call({"logs", "a", "--steps"}).out, call({"logs", "a", "--steps"}).out);
  EXPECT_EQ(std::ranges::count(other.call({"events", "-f", "--run", "a"}).out, '\n'), 9);

  std::string broken = file.out;
  broken[broken.find("runner/1")] = 'R';
  EXPECT_TRUE(has(other.call({"import", "-"}, nullptr, broken).err, "event 1")) << broken;
  const std::string path = directory_ / "run.ndjson";
  io::write_file(path, file.out, 0600);
  EXPECT_EQ(call({"audit", "verify", path}).out,
            path + ": sound: 9 events, 6 contents, not signed\n");
  io::write_file(path, broken, 0600);
  const Result changed = call({"audit", "verify", path});
  EXPECT_EQ(changed.code, exit_error);
  EXPECT_TRUE(has(changed.out, "event 1 has another body")) << changed.out;
  EXPECT_EQ(
      base::find_bool(parse_json(base::trim(call({"audit", "verify", path, "-o", "json"}).out)),
                      {"valid"}),
      false);
}

TEST_F(Seen, AFileGivesNoRunANameThatNoneCouldHave) {
  begin("uid-a", "\x1b[2J");
  const Result file = call({"export", "uid-a"});
  ASSERT_EQ(file.code, exit_ok) << file.err;
  Other other;
  EXPECT_TRUE(has(other.call({"import", "-"}, nullptr, file.out).err, "the run has no name"));
}

TEST_F(Seen, WhatWasErasedIsSaidToBeErased) {
  record("uid-a", "a", "a secret of mine", "hello");
  EXPECT_EQ(call({"erase", "a"}).out, "runrecord.journal.sympozium.ai/a erased (uid uid-a)\n");
  const Result shown = call({"logs", "a", "--steps"});
  ASSERT_EQ(shown.code, exit_ok) << shown.err;
  EXPECT_TRUE(has(shown.out, "(erased)")) << shown.out;
  EXPECT_FALSE(has(shown.out, "secret"));
  EXPECT_TRUE(has(shown.out, "220 input and 15 output tokens")) << "the sums stay";
  const Result file = call({"export", "a"});
  const std::string path = directory_ / "run.ndjson";
  io::write_file(path, file.out, 0600);
  EXPECT_EQ(call({"audit", "verify", path}).out,
            path + ": sound: 9 events, 0 contents, 6 erased, not signed\n");
  Other other;
  EXPECT_TRUE(has(other.call({"import", path}).err, "only a whole run can be imported"));
}

// ---- forks ----

constexpr char spec[] =
    R"({"agentRef":"first","agentId":"first","sessionKey":"first","task":"What does it say?",
        "model":{"provider":"openai","model":"sim-1","authSecretRef":"key"}})";

TEST_F(Seen, AForkHasTheRecordedSpecAndWhatIsNew) {
  record("uid-a", "a", "What does it say?", "hello", spec);
  const Result forked = call(
      {"fork", "a", "--at", "1", "--model", "bigger", "--name", "b", "--detach", "-o", "json"});
  ASSERT_EQ(forked.code, exit_ok) << forked.err;
  const Json run = parse_json(base::trim(forked.out));
  EXPECT_EQ(text_at(run, {"metadata", "name"}), "b");
  EXPECT_EQ(text_at(run, {"spec", "fork", "run"}), "uid-a");
  EXPECT_EQ(base::find_int(run, {"spec", "fork", "step"}), 1);
  EXPECT_FALSE(base::find_bool(run, {"spec", "fork", "newTask"}).value_or(false));
  EXPECT_EQ(text_at(run, {"spec", "task"}), "What does it say?");
  EXPECT_EQ(text_at(run, {"spec", "model", "model"}), "bigger");

  const Result other = call({"fork", "uid-a", "--at", "2", "--task", "-", "--system", "Be short.",
                             "--detach", "-o", "json"},
                            nullptr, "In French.\n");
  ASSERT_EQ(other.code, exit_ok) << other.err;
  const Json second = parse_json(base::trim(other.out));
  EXPECT_TRUE(text_at(second, {"metadata", "name"}).starts_with("a-")) << other.out;
  EXPECT_EQ(text_at(second, {"spec", "task"}), "In French.\n");
  EXPECT_EQ(text_at(second, {"spec", "systemPrompt"}), "Be short.");
  EXPECT_EQ(base::find_bool(second, {"spec", "fork", "newTask"}), true);
  EXPECT_EQ(base::find_bool(second, {"spec", "fork", "newSystemPrompt"}), true);
}

TEST_F(Seen, AForkWithoutABeginningIsRefused) {
  record("uid-a", "a", "What does it say?", "hello", spec);
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "fork");
    const Result result = call(std::move(words));
    EXPECT_NE(result.code, exit_ok);
    return result.err;
  };
  EXPECT_TRUE(has(refusal({"none", "--at", "1"}), "the journal has no run \"none\""));
  EXPECT_TRUE(has(refusal({"a", "--at", "9"}), "--at: there is no step 9: the last one is 2"));
  EXPECT_TRUE(has(refusal({"a", "--at", "2"}), "step 2 is a last answer"));
  EXPECT_TRUE(has(refusal({"a", "--at", "-1"}), "--at"));
  EXPECT_TRUE(has(refusal({"a"}), "--at is required"));
  EXPECT_TRUE(has(refusal({"a", "--at", "1", "--name", "No"}), "--name: \"No\" is no name"));
  loop_.run(journal_.erase("uid-a"));
  EXPECT_TRUE(has(refusal({"a", "--at", "1"}), "contents of the steps up to 1 were erased"));
  EXPECT_TRUE(has(refusal({"a", "--at", "0"}), "agent, key, skills, tools and limits are missing"));
}

TEST_F(Seen, AForkOfARecordWithoutSpecAsksTheObject) {
  apply_agent();
  const Result made =
      call({"run", "first", "--task", "t", "--name", "d", "--detach", "-o", "json"});
  const std::string uid = text_at(parse_json(base::trim(made.out)), {"metadata", "uid"});
  record(uid, "d", "t", "hello");
  const Result forked = call({"fork", "d", "--at", "1", "--detach", "-o", "json"});
  ASSERT_EQ(forked.code, exit_ok) << forked.err;
  EXPECT_EQ(text_at(parse_json(base::trim(forked.out)), {"spec", "agentRef"}), "first");
  record("uid-of-another", "d", "t", "hello");
  EXPECT_TRUE(has(call({"fork", "uid-of-another", "--at", "1"}).err, "its AgentRun is gone"));
}

TEST_F(Seen, WhatAForkSharesIsShownAsRecalledAndNotCounted) {
  record("uid-a", "a", "What does it say?", "hello");
  const auto shared = journal::share(loop_.run(journal_.events("uid-a", -1, 100)), 1);
  Batch batch{.fence = {1, 0}};
  batch.add(journal::RunBegun{.ns = "default", .name = "f", .forkOf = "uid-a", .forkStep = 1});
  for (const auto& event : shared.events) batch.add(event);
  for (const auto& content : loop_.run(journal_.blobs(shared.blobs))) batch.add_blob(content);
  append("uid-f", batch);
  Batch fresh{.fence = {1, 1}};
  const std::string last = fresh.add_blob(text_message("assistant", "It says goodbye"));
  fresh.add(journal::ModelIntent{.turn = 2, .parent = 1})
      .add(journal::ModelOutcome{.turn = 2, .message = last, .usage = {7, 3}});
  append("uid-f", fresh);

  const std::string shown = call({"logs", "f", "--steps"}).out;
  for (const char* part :
       {"run begun: a fork of uid-a behind step 1", "→ turn 1: sim-1  (recalled)",
        "What does it say?", "⚙ 1.0 read_file {\"path\":\"a\"}  (recalled)",
        "✓ 1.0 read_file  (recalled)", "• turn 2: 7 + 3 tokens",
        "7 input and 3 output tokens, 1 model call beside 1 recalled, 0 tool calls"})
    EXPECT_TRUE(has(shown, part)) << part << "\n" << shown;
  EXPECT_TRUE(has(call({"replay", "f", "--speed", "max"}).out, "so far 7 + 3 tokens, 2 answers"));
  EXPECT_TRUE(has(call({"events", "--run", "f"}).out, "model.intent of uid-a/2\n"));
  EXPECT_TRUE(has(call({"diff", "a", "f"}).out, "first difference: turn 2"));
  const Json record = parse_json(base::trim(call({"get", "runrecord", "f", "-o", "json"}).out));
  EXPECT_EQ(text_at(record, {"status", "forkOf"}), "uid-a");
  EXPECT_EQ(base::find_int(record, {"status", "modelCalls"}), 1);

  Other other;
  ASSERT_EQ(other.call({"import", "-"}, nullptr, call({"export", "f"}).out).code, exit_ok);
  EXPECT_EQ(other.call({"logs", "f", "--steps"}).out, shown);
}

TEST_F(Seen, RunsAreForgottenByNameAndByAge) {
  record("uid-a", "a", "What does it say?", "hello");
  record("uid-b", "b", "What does it say?", "hello");
  record("uid-c", "c", "What does it say?", "hello");
  EXPECT_EQ(call({"forget", "a"}).out, "runrecord.journal.sympozium.ai/a forgotten (uid uid-a)\n");
  EXPECT_NE(call({"logs", "a", "--steps"}).code, exit_ok);
  EXPECT_TRUE(has(call({"forget", "a"}).err, "the journal has no run"));
  EXPECT_EQ(call({"forget", "--ended-before", "1h"}).out, "");
  const Result all = call({"forget", "--ended-before", "0s"});
  EXPECT_TRUE(has(all.out, "/b forgotten")) << all.out;
  EXPECT_TRUE(has(all.out, "/c forgotten")) << all.out;
  EXPECT_TRUE(has(call({"forget", "--ended-before", "soon"}).err, "write one as 720h"));
  EXPECT_EQ(call({"forget"}).code, exit_usage);
  EXPECT_EQ(call({"forget", "a", "--ended-before", "1h"}).code, exit_usage);
}

TEST_F(Commands, AServerWithoutAJournalSaysSo) {
  EXPECT_NE(call({"logs", "a", "--steps"}).code, exit_ok);
  EXPECT_NE(call({"events"}).code, exit_ok);
}

}  // namespace
}  // namespace cli
