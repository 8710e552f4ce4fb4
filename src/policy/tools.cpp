#include "policy/tools.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace policy {

namespace {

using objects::Effect;

struct Builtin {
  std::string_view name;
  ToolPlace place;
  Effect effect;
  bool idempotent;
};
constexpr std::string_view command_tool = "execute_command";
constexpr std::array<Builtin, 6> builtins{{
    {"read_file", ToolPlace::runner, Effect::none, true},
    {"list_directory", ToolPlace::runner, Effect::none, true},
    {"write_file", ToolPlace::runner, Effect::workspace, true},
    {"edit_file", ToolPlace::runner, Effect::workspace, false},
    {command_tool, ToolPlace::sidecar, Effect::external, false},
    {"fetch_url", ToolPlace::gateway, Effect::none, true},
}};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool is_builtin_tool(std::string_view name) {
  return std::ranges::find(builtins, name, &Builtin::name) != builtins.end();
}

std::vector<DeclaredTool> declared_tools(const std::vector<objects::SkillPack>& packs) {
  std::vector<std::string> sidecars;
  for (const auto& pack : packs)
    if (pack.spec.sidecar) sidecars.push_back(pack.metadata.name);

  std::vector<DeclaredTool> tools;
  for (const Builtin& builtin : builtins) {
    if (builtin.name == command_tool && sidecars.empty()) continue;
    tools.push_back(
        {std::string(builtin.name), builtin.place, {}, builtin.effect, builtin.idempotent});
    if (builtin.name == command_tool) tools.back().targets = sidecars;
  }
  for (const auto& pack : packs) {
    if (!pack.spec.sidecar) continue;
    for (const auto& tool : pack.spec.sidecar->tools)
      tools.push_back(
          {tool.name, ToolPlace::sidecar, {pack.metadata.name}, tool.effect, tool.idempotent});
  }
  return tools;
}

ToolDecision decide_tool(const objects::ToolPolicy& lists,
                         const std::vector<DeclaredTool>& declared, std::string_view name) {
  if (std::ranges::find(declared, name, &DeclaredTool::name) == declared.end())
    return {false, base::cat("this run has no tool named ", name)};
  if (contains(lists.deny, name))
    return {false, base::cat(name, " is denied by spec.toolPolicy.deny of this run")};
  if (!lists.allow.empty() && !contains(lists.allow, name))
    return {false, base::cat(name, " is not in spec.toolPolicy.allow of this run")};
  return {true, {}};
}

std::vector<DeclaredTool> offered_tools(const objects::ToolPolicy& lists,
                                        const std::vector<DeclaredTool>& declared) {
  std::vector<DeclaredTool> offered;
  for (const DeclaredTool& tool : declared)
    if (decide_tool(lists, declared, tool.name).allowed) offered.push_back(tool);
  return offered;
}

}  // namespace policy
