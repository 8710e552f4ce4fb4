// The kinds of sympozium.ai.
#include "apiserver/kinds.h"

namespace apiserver {

std::vector<Resource> make_own_kinds() {
  std::vector<Resource> kinds;
  for (auto [plural, kind] : {std::pair{"agents", "Agent"}, std::pair{"agentruns", "AgentRun"},
                              std::pair{"skillpacks", "SkillPack"}}) {
    auto resource = make_resource("sympozium.ai", "v1alpha1", plural, kind, Scope::namespaced);
    resource.subresources = {status_of_kind(kind)};
    resource.has_status = true;
    resource.counts_generation = true;
    resource.unconditional_update = false;
    resource.custom = true;
    kinds.push_back(std::move(resource));
  }
  return kinds;
}

}  // namespace apiserver
