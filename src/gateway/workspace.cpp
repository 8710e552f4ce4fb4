#include "gateway/workspace.h"

#include <algorithm>

#include "protocol/codec.h"

namespace gateway {

namespace {

bool shares_workspace(const std::vector<objects::SkillPack>& packs, const std::string& name) {
  const auto pack = std::ranges::find(
      packs, name, [](const objects::SkillPack& each) { return each.metadata.name; });
  return pack == packs.end() || (pack->spec.sidecar && pack->spec.sidecar->mountWorkspace);
}

// Also of a tool that the run does not have any more.
bool may_change_workspace(const policy::DeclaredTool& tool,
                          const std::vector<objects::SkillPack>& packs) {
  if (tool.effect == objects::Effect::none) return false;
  return tool.place != policy::ToolPlace::sidecar ||
         std::ranges::any_of(tool.targets, [&](const std::string& target) {
           return shares_workspace(packs, target);
         });
}

}  // namespace

io::Task<protocol::LostWorkspace> find_lost(Session& session,
                                            std::vector<policy::DeclaredTool> declared,
                                            std::vector<objects::SkillPack> packs) {
  const std::int64_t attempt = session.fence().attempt;
  const auto tool_of = [&](const journal::CallRecord& call) -> const policy::DeclaredTool* {
    const auto at = std::ranges::find(declared, call.intent.tool, &policy::DeclaredTool::name);
    return at == declared.end() ? nullptr : &*at;
  };
  const auto is_file_tool = [](const policy::DeclaredTool* tool) {
    return tool && tool->place == policy::ToolPlace::runner;
  };
  protocol::LostWorkspace out;
  bool has_granted = false;
  for (const auto& [name, call] : session.record().calls) {
    if (call.intent.decision != protocol::Verdict::allow) continue;
    if (call.fence.attempt == attempt) {
      has_granted = true;
      continue;
    }
    const auto* tool = tool_of(call);
    if (!is_file_tool(tool) && (!tool || may_change_workspace(*tool, packs)))
      out.lost.push_back(name);
  }
  if (has_granted) co_return out;
  const std::vector<std::string> ended = session.record().ended;
  for (const std::string& name : ended) {
    const journal::CallRecord call = session.record().calls.at(name);
    const auto* tool = tool_of(call);
    if (!is_file_tool(tool) || tool->effect == objects::Effect::none) continue;
    const std::string text = co_await session.blob(call.outcome->result);
    if (!protocol::from_text<protocol::ToolResult>(text).failed) out.redo.push_back(name);
  }
  co_return out;
}

bool may_repeat(const policy::DeclaredTool& tool, const journal::CallRecord& call,
                const journal::Fence& now) {
  const bool workspace_is_gone = call.fence.attempt < now.attempt;
  return tool.idempotent || tool.effect == objects::Effect::none ||
         (tool.effect == objects::Effect::workspace && workspace_is_gone);
}

}  // namespace gateway
