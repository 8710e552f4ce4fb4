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

TEST(Tools, SayWhereTheyRunAndWhatTheyDo) {
  auto own = pack("a", {"deploy"});
  own.spec.sidecar->tools[0].effect = objects::Effect::workspace;
  own.spec.sidecar->tools[0].idempotent = true;
  const auto tools = declared_tools({own});
  auto find = [&](std::string_view name) {
    return *std::ranges::find(tools, name, &DeclaredTool::name);
  };
  EXPECT_EQ(find("read_file").place, ToolPlace::runner);
  EXPECT_EQ(find("read_file").effect, objects::Effect::none);
  EXPECT_EQ(find("fetch_url").place, ToolPlace::gateway);
  EXPECT_EQ(find("execute_command").place, ToolPlace::sidecar);
  EXPECT_FALSE(find("execute_command").idempotent) << "nobody knows what a command does";
  EXPECT_EQ(find("deploy").place, ToolPlace::sidecar);
  EXPECT_EQ(find("deploy").effect, objects::Effect::workspace);
  EXPECT_TRUE(find("deploy").idempotent);
  for (const auto& tool : tools) EXPECT_EQ(is_builtin_tool(tool.name), tool.name != "deploy");
}

TEST(ToolDecision, WithoutListsAllowsExactlyWhatIsDeclared) {
  const auto declared = declared_tools({});
  EXPECT_TRUE(decide_tool({}, declared, "read_file").allowed);
  const auto other = decide_tool({}, declared, "rm_rf");
  EXPECT_FALSE(other.allowed);
  EXPECT_EQ(other.reason, "this run has no tool named rm_rf");
}

TEST(ToolDecision, SaysWhichListDecided) {
  const auto declared = declared_tools({});
  auto reason = [&](const objects::ToolPolicy& lists) {
    return decide_tool(lists, declared, "read_file").reason;
  };
  EXPECT_EQ(reason({}), "");
  EXPECT_EQ(reason({.deny = {"read_file"}}),
            "read_file is denied by spec.toolPolicy.deny of this run");
  EXPECT_EQ(reason({.allow = {"write_file"}}),
            "read_file is not in spec.toolPolicy.allow of this run");
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

// ---- a pack's own tools ----

objects::SidecarTool resize() {
  objects::SidecarTool tool{.name = "resize", .exec = {"image", "-q"}, .subcommand = "resize"};
  tool.parameters = base::parse_json(R"({"properties":{"file":{},"width":{}},
                                         "required":["file","width"]})")
                        .as_object();
  tool.positionalArgs = {"width", "file"};
  return tool;
}

TEST(ToolCommand, PassesParametersByPositionWhateverTheyHold) {
  const auto command = command_of(resize(), R"({"file":"a b; rm -rf /","width":640})");
  EXPECT_EQ(command.argv, (Names{"image", "-q", "resize", "640", "a b; rm -rf /"}));
  EXPECT_EQ(command.input, "");
}

TEST(ToolCommand, PassesParametersOnStandardInputWhenTheToolReadsThem) {
  auto tool = resize();
  tool.inputMode = objects::InputMode::stdin_json;
  tool.positionalArgs.clear();
  const auto command = command_of(tool, R"({"file": "a", "width": 640})");
  EXPECT_EQ(command.argv, (Names{"image", "-q", "resize"}));
  EXPECT_EQ(command.input, R"({"file":"a","width":640})");
}

TEST(ToolArguments, AreDeniedWhenTheyDoNotFit) {
  auto why = [](std::string_view arguments) {
    return decide_arguments(resize(), arguments).reason;
  };
  EXPECT_EQ(why(R"({"file":"a","width":1})"), "");
  EXPECT_EQ(why(R"({"file":"a"})"), "resize: the parameter \"width\" is required");
  EXPECT_EQ(why(R"({"file":"a","width":1,"depth":2})"), "resize: there is no parameter \"depth\"");
  EXPECT_EQ(why("[]"), "resize: give a JSON object");
  EXPECT_TRUE(decide_arguments({.name = "nap"}, "{}").allowed);
}

}  // namespace
}  // namespace policy
