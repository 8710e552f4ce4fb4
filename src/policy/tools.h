// Which tools a run has, and whether one may be called.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "objects/agent_run.h"
#include "objects/skill_pack.h"

namespace policy {

// Where a declared tool runs.
enum class ToolPlace : unsigned char { runner, gateway, sidecar };

struct DeclaredTool {
  std::string name;
  ToolPlace place = ToolPlace::runner;
  std::vector<std::string> targets;  // sidecar: the packs that take it, in the run's order
  objects::Effect effect = objects::Effect::external;
  bool idempotent = false;
  std::optional<objects::SidecarTool> own;  // of a pack, not built in
  bool operator==(const DeclaredTool&) const = default;
};

// Names that no pack may give to a tool of its own.
bool is_builtin_tool(std::string_view name);

// The built-in tools, `execute_command` when a pack of the run has a sidecar, then the packs' own
// tools. `packs` are the run's, in its order.
std::vector<DeclaredTool> declared_tools(const std::vector<objects::SkillPack>& packs);

struct ToolDecision {
  bool allowed = false;
  std::string reason;  // for the model and the journal; empty when allowed
};

// First match wins: not declared → denied; in `deny` → denied; `allow` given and not in it →
// denied; else allowed.
ToolDecision decide_tool(const objects::ToolPolicy&, const std::vector<DeclaredTool>& declared,
                         std::string_view name);

// What decide_tool allows, in order of declaration: what the model is told about.
std::vector<DeclaredTool> offered_tools(const objects::ToolPolicy&,
                                        const std::vector<DeclaredTool>& declared);

// What the sidecar runs for a call of a pack's own tool.
struct ToolCommand {
  std::vector<std::string> argv;
  std::string input;  // standard input
  bool operator==(const ToolCommand&) const = default;
};
// exec and subcommand, then the parameters: in the order of positionalArgs, or as a JSON object on
// standard input. For arguments that decide_arguments allows; Error(invalid) for others.
ToolCommand command_of(const objects::SidecarTool&, std::string_view arguments);
// Denied: no JSON object, a required parameter that is missing, one that the tool does not have.
ToolDecision decide_arguments(const objects::SidecarTool&, std::string_view arguments);

}  // namespace policy
