#include "cli/command_line.h"

#include <gtest/gtest.h>

#include "cli/connect.h"

namespace cli {
namespace {

using Words = std::vector<std::string>;

Parsed parsed(Words words) { return parse(std::move(words), {}); }

TEST(CommandLine, ReadsARun) {
  const Parsed p = parsed({"run", "writer", "--task", "do it", "--timeout", "90s", "-n", "team",
                           "-o", "json", "--model", "m"});
  ASSERT_TRUE(p.line) << p.err;
  const auto& run = std::get<RunOptions>(p.line->command);
  EXPECT_EQ(run.agent, "writer");
  EXPECT_EQ(run.task, "do it");
  EXPECT_EQ(run.timeout, "90s");
  EXPECT_EQ(run.model, "m");
  EXPECT_FALSE(run.base_url);
  EXPECT_EQ(p.line->common.ns, "team");
  EXPECT_EQ(p.line->common.output, Output::json);
}

TEST(CommandLine, TakesGlobalFlagsBeforeAndAfterTheCommand) {
  EXPECT_EQ(parsed({"-n", "a", "get", "runs"}).line->common.ns, "a");
  EXPECT_EQ(parsed({"get", "runs", "-n", "a", "--context", "c"}).line->common.context, "c");
}

TEST(CommandLine, NamesTheFlagThatIsWrongAndTheWayOut) {
  struct Case {
    Words words;
    std::string has;
  };
  for (const auto& [words, has] : std::vector<Case>{
           {{"run", "a"}, "--task is required; see `sympozium run --help`"},
           {{"run", "--task", "x", "--timeout", "5"}, "--timeout: \"5\" is no duration"},
           {{"run", "--task", "x", "--base-url", "foo"}, "--base-url: \"foo\" is no URL"},
           {{"get", "runs", "-o", "xml"}, "take one of wide|json|yaml|name"},
           {{"get"}, "KIND is required"},
           {{"logs", "r", "--steps", "--raw"}, "--raw excludes --steps"},
           {{"logs", "r", "--steps", "-f"}, "--follow excludes --steps"},
           {{"events", "--since", "yesterday"}, "--since: \"yesterday\" is no duration"},
           {{"replay", "r", "--speed", "-1"}, "is no speed; take 0.5, 10 or max"},
           {{"diff", "r"}, "OTHER is required"},
           {{"audit"}, "subcommand is required"},
           {{"apply"}, "--filename is required"},
           {{"frobnicate"}, "there is no command \"frobnicate\""},
           {{"get", "runs", "--nope"}, "--nope"}}) {
    const Parsed p = parsed(words);
    EXPECT_FALSE(p.line);
    EXPECT_EQ(p.code, exit_usage);
    EXPECT_NE(p.err.find(has), std::string::npos) << p.err;
    EXPECT_EQ(std::ranges::count(p.err, '\n'), 1) << p.err;
  }
}

TEST(CommandLine, HelpsWithTwoExamplesEach) {
  for (std::string command : {"run", "get", "describe", "logs", "delete", "apply", "version",
                              "events", "replay", "diff", "export", "import", "audit"}) {
    const Parsed p = parsed({command, "--help"});
    EXPECT_EQ(p.code, 0);
    const auto examples = p.out.find("Examples:\n");
    ASSERT_NE(examples, std::string::npos) << p.out;
    const auto first = p.out.find("sympozium " + command, examples);
    EXPECT_NE(p.out.find("sympozium " + command, first + 1), std::string::npos) << p.out;
  }
}

TEST(CommandLine, ShowsTheRolesForPeopleInItsHelp) {
  const std::vector<Command> others{{"up", "Start the home", {}, Command::Shown::in_help},
                                    {"shim", "For programs", {}, Command::Shown::hidden}};
  const Parsed p = parse({"--help"}, others);
  EXPECT_NE(p.out.find("Start the home"), std::string::npos) << p.out;
  EXPECT_EQ(p.out.find("For programs"), std::string::npos) << p.out;
}

TEST(ExpandNouns, TurnsUpstreamsWordsIntoOurs) {
  EXPECT_EQ(expand_nouns({"runs", "list", "-A"}), (Words{"get", "agentruns", "-A"}));
  EXPECT_EQ(expand_nouns({"runs"}), (Words{"get", "agentruns"}));
  EXPECT_EQ(expand_nouns({"-n", "x", "agents", "delete", "a"}),
            (Words{"-n", "x", "delete", "agents", "a"}));
  EXPECT_EQ(expand_nouns({"runs", "logs", "r", "-f"}), (Words{"logs", "r", "-f"}));
  EXPECT_EQ(expand_nouns({"skills", "list"}), (Words{"get", "skillpacks"}));
  EXPECT_EQ(expand_nouns({"run", "a", "--task", "runs"}), (Words{"run", "a", "--task", "runs"}));
  EXPECT_EQ(expand_nouns({"agents", "frob"}), (Words{"agents", "frob"}));
}

TEST(ChooseKubeconfig, TakesTheFirstRuleThatApplies) {
  const std::string home = "/var/lib/sympozium/admin.kubeconfig";
  const auto all = [](const std::string&) { return true; };
  const auto none = [](const std::string&) { return false; };
  const std::map<std::string, std::string> both{
      {"SYMPOZIUM_KUBECONFIG", "/s"}, {"KUBECONFIG", "/a:/b"}, {"HOME", "/h"}};
  EXPECT_EQ(choose_kubeconfig("/f", both, all), Words{"/f"});
  EXPECT_EQ(choose_kubeconfig("", both, all), Words{"/s"});
  EXPECT_EQ(choose_kubeconfig("", {{"KUBECONFIG", "/a:/b"}}, all), (Words{"/a", "/b"}));
  EXPECT_EQ(choose_kubeconfig("", {{"HOME", "/h"}}, all), Words{home});
  EXPECT_EQ(choose_kubeconfig("", {{"HOME", "/h"}}, none), Words{"/h/.kube/config"});
}

}  // namespace
}  // namespace cli
