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
        {std::string(builtin.name), builtin.place, {}, builtin.effect, builtin.idempotent, {}});
    if (builtin.name == command_tool) tools.back().targets = sidecars;
  }
  for (const auto& pack : packs) {
    if (!pack.spec.sidecar) continue;
    for (const auto& tool : pack.spec.sidecar->tools)
      tools.push_back({tool.name,
                       ToolPlace::sidecar,
                       {pack.metadata.name},
                       tool.effect,
                       tool.idempotent,
                       tool});
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

namespace {

// What a parameter is on a command line: a text as it is, anything else as JSON.
std::string word_of(const base::Json& value) {
  return value.is_string() ? std::string(value.get_string()) : base::to_text(value);
}

}  // namespace

ToolDecision decide_arguments(const objects::SidecarTool& tool, std::string_view arguments) {
  const base::Json given = base::parse_json(arguments);
  if (!given.is_object()) return {false, base::cat(tool.name, ": give a JSON object")};
  const base::Json schema(tool.parameters);
  const base::Json* required = base::find(schema, {"required"});
  const base::Json* properties = base::find(schema, {"properties"});
  if (required && required->is_array())
    for (const base::Json& name : required->get_array())
      if (name.is_string() && !given.get_object().contains(name.get_string()))
        return {false, base::cat(tool.name, ": the parameter \"",
                                 std::string_view(name.get_string()), "\" is required")};
  for (const auto& [name, value] : given.get_object())
    if (!properties || !properties->is_object() || !properties->get_object().contains(name))
      return {false,
              base::cat(tool.name, ": there is no parameter \"", std::string_view(name), "\"")};
  return {true, {}};
}

ToolCommand command_of(const objects::SidecarTool& tool, std::string_view arguments) {
  const base::Json given = base::parse_json(arguments);
  ToolCommand command{.argv = tool.exec, .input = {}};
  if (!tool.subcommand.empty()) command.argv.push_back(tool.subcommand);
  if (tool.inputMode == objects::InputMode::stdin_json)
    command.input = base::to_text(given);
  else
    for (const auto& name : tool.positionalArgs) {
      const base::Json* value = base::find(given, {name});
      if (!value) throw base::Error(base::Code::invalid, base::cat(tool.name, ": no ", name));
      command.argv.push_back(word_of(*value));
    }
  return command;
}

}  // namespace policy
