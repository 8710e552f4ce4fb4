#include "cli/render.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

using base::Json;
using base::parse_json;

TEST(FormatTable, ShowsColumnsByPriority) {
  const Json table = parse_json(
      R"({"columnDefinitions": [{"name": "Name"}, {"name": "Phase"}, {"name": "Pod", "priority": 1}],
    "rows": [{"cells": ["first", "Running", "p-1"], "object": {"metadata": {"namespace": "team"}}}, {"cells": ["b", null, 7]}]})");
  EXPECT_EQ(format_table(table, Width::normal, NamespaceColumn::no),
            "NAME    PHASE\nfirst   Running\nb       <none>\n");
  EXPECT_EQ(format_table(table, Width::wide, NamespaceColumn::yes),
            "NAMESPACE   NAME    PHASE     POD\nteam        first   Running   p-1\n            b   "
            "    <none>    7\n");
}

TEST(FormatAge, WordsItAsKubectlDoes) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_age(5s), "5s");
  EXPECT_EQ(format_age(119s), "119s");
  EXPECT_EQ(format_age(130s), "2m10s");
  EXPECT_EQ(format_age(15min), "15m");
  EXPECT_EQ(format_age(4h + 10min), "4h10m");
  EXPECT_EQ(format_age(26h), "26h");
  EXPECT_EQ(format_age(50h), "2d2h");
  EXPECT_EQ(format_age(-3s), "0s");
}

TEST(FormatStep, TellsWhatHappened) {
  EXPECT_EQ(format_step(R"({"type":"tool","tool":"write_file","text":"{}","ms":3})"),
            "✓ write_file {}  (3 ms)");
  EXPECT_EQ(format_step(R"({"type":"tool","tool":"write_file","text":"{}","ms":3,"failed":true})"),
            "✗ write_file {}  (3 ms)");
  EXPECT_EQ(format_step(
                R"({"type":"turn","turn":2,"inputTokens":10,"outputTokens":4,"ms":1,"text":"hm"})"),
            "• turn 2: 10 + 4 tokens  (1 ms)\n  hm");
  EXPECT_EQ(format_step("plain words of a foreign agent"), "");
  EXPECT_EQ(format_step(R"({"type":"somethingNew"})"), "");
}

TEST(FormatYaml, WritesWhatKubectlWrites) {
  const Json tree = parse_json(
      R"({"a": "x", "n": 1, "list": [{"k": "v", "w": [1, 2]}, "s"], "empty": {}, "none": [], "o": {"p": null}})");
  EXPECT_EQ(format_yaml(tree),
            "a: x\n\"n\": 1\nlist:\n- k: v\n  w:\n  - 1\n  - 2\n- s\nempty: {}\nnone: []\no:\n  p: "
            "null\n");
}

TEST(FormatYaml, QuotesWhatWouldBeReadAsSomethingElse) {
  for (std::string text :
       {"1", "true", "no", "", " x", "a: b", "- x", "2026-01-02", "#x", "a\tb", "x:"})
    EXPECT_EQ(format_yaml(Json{{"k", text}}), "k: " + base::to_text(Json(text)) + "\n");
  EXPECT_EQ(format_yaml(Json{{"k", "one\ntwo\n"}}), "k: |\n  one\n  two\n");
  EXPECT_EQ(format_yaml(Json{{"k", "one\n\ntwo"}}), "k: |-\n  one\n\n  two\n");
}

TEST(FormatStep, LetsNoTextSteerTheTerminal) {
  EXPECT_EQ(format_step("{\"type\":\"note\",\"text\":\"a\\u001b[2J\\u009bm\\nb\"}"),
            "· a\uFFFD[2J\uFFFDm\nb");
}

TEST(TablePrinter, KeepsColumnsAndWidthsForLaterRows) {
  TablePrinter printer(Width::normal, NamespaceColumn::no);
  EXPECT_EQ(printer.add(parse_json(R"({"columnDefinitions": [{"name": "Name"}, {"name": "Age"}],
    "rows": []})")),
            "");
  EXPECT_EQ(printer.add(parse_json(R"({"rows": [{"cells": ["first", "1s"]}]})")),
            "NAME    AGE\nfirst   1s\n");
  EXPECT_EQ(
      printer.add(parse_json(R"({"columnDefinitions": [], "rows": [{"cells": ["b", "2s"]}]})")),
      "b       2s\n");
}

TEST(DescribeObject, ShowsNoValueOfASecret) {
  const std::string text = describe_object(
      parse_json(R"({"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "c2VjcmV0"}})"),
      base::Time{});
  EXPECT_NE(text.find("  k: 6 bytes"), std::string::npos) << text;
  EXPECT_EQ(text.find("c2Vj"), std::string::npos) << text;
}

TEST(DescribeRun, SaysWhatMatters) {
  const Json run = parse_json(
      R"({"metadata": {"name": "r", "namespace": "default", "creationTimestamp": "2026-01-02T03:04:05Z"},
    "spec": {"agentRef": "a", "task": "do it", "model": {"model": "m"}},
    "status": {"phase": "Succeeded", "result": "done", "tokenUsage": {"inputTokens": 5, "outputTokens": 6, "toolCalls": 1, "durationMs": 1500},
    "conditions": [{"type": "Accepted", "status": "True", "reason": "Valid", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}]}})");
  const auto now =
      std::chrono::floor<std::chrono::milliseconds>(*base::parse_time("2026-01-02T03:05:05Z"));
  const std::string text = describe_run(run, now);
  EXPECT_NE(text.find("Phase:       Succeeded"), std::string::npos) << text;
  EXPECT_NE(text.find("5 input and 6 output tokens, 1 tool calls, 1.5s"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  Accepted   True"), std::string::npos) << text;
  EXPECT_NE(text.find("Result:\n  done\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace cli
