#include "policy/tools.h"

#include <gtest/gtest.h>

namespace policy {
namespace {

objects::SkillPack pack(const std::string& name, std::vector<std::string> tools) {
  objects::SkillPack made;
  made.metadata.name = name;
  made.spec.sidecar.emplace();
  for (auto& tool : tools) made.spec.sidecar->tools.push_back({.name = tool});
  return made;
}

std::vector<std::string> names(const std::vector<DeclaredTool>& tools) {
  std::vector<std::string> all;
  for (const auto& tool : tools) all.push_back(tool.name);
  return all;
}
using Names = std::vector<std::string>;

TEST(Tools, HaveNoCommandWithoutASidecar) {
  objects::SkillPack words;
  words.metadata.name = "words";
  EXPECT_EQ(names(declared_tools({words})),
            (Names{"read_file", "list_directory", "write_file", "edit_file", "fetch_url"}));
}

TEST(Tools, OfSidecarsNameTheirPack) {
  const auto tools = declared_tools({pack("a", {}), pack("b", {"kubectl_get"})});
  EXPECT_EQ(names(tools), (Names{"read_file", "list_directory", "write_file", "edit_file",
                                 "execute_command", "fetch_url", "kubectl_get"}));
  EXPECT_EQ(tools[4].targets, (Names{"a", "b"}));
  EXPECT_EQ(tools[6].targets, (Names{"b"}));
}

TEST(ToolDecision, WithoutListsAllowsExactlyWhatIsDeclared) {
  const auto declared = declared_tools({});
  EXPECT_TRUE(decide_tool({}, declared, "read_file").allowed);
  const auto other = decide_tool({}, declared, "rm_rf");
  EXPECT_FALSE(other.allowed);
  EXPECT_EQ(other.reason, "this run has no tool named rm_rf");
}

TEST(ToolDecision, DenyWinsOverAllow) {
  const auto declared = declared_tools({});
  const objects::ToolPolicy lists{.allow = {"read_file", "write_file"}, .deny = {"write_file"}};
  EXPECT_TRUE(decide_tool(lists, declared, "read_file").allowed);
  EXPECT_FALSE(decide_tool(lists, declared, "write_file").allowed);
  EXPECT_EQ(names(offered_tools(lists, declared)), (Names{"read_file"}));
}

TEST(ToolDecision, AnAllowListExcludesAllOthersAndAddsNothing) {
  const objects::ToolPolicy lists{.allow = {"read_file", "execute_command"}};
  const auto declared = declared_tools({});
  EXPECT_FALSE(decide_tool(lists, declared, "fetch_url").allowed);
  EXPECT_FALSE(decide_tool(lists, declared, "execute_command").allowed);
}

}  // namespace
}  // namespace policy
