// Which tools a run has, and whether one may be called.
#pragma once

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

}  // namespace policy
