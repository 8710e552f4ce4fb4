#include "objects/kinds.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "objects/access_review.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/config_map.h"
#include "objects/event.h"
#include "objects/job.h"
#include "objects/lease.h"
#include "objects/namespace.h"
#include "objects/node.h"
#include "objects/pod.h"
#include "objects/rbac.h"
#include "objects/secret.h"
#include "objects/service_account.h"
#include "objects/skill_pack.h"

namespace objects {

namespace {

constexpr std::array own{&Agent::info, &AgentRun::info, &SkillPack::info};
constexpr std::array core{
    &ConfigMap::info,
    &Event::info,
    &Namespace::info,
    &Node::info,
    &Pod::info,
    &Secret::info,
    &ServiceAccount::info,
    &TokenRequest::info,
    &Job::info,
    &Lease::info,
    &Role::info,
    &RoleBinding::info,
    &ClusterRole::info,
    &ClusterRoleBinding::info,
    &SubjectAccessReview::info,
    &SelfSubjectAccessReview::info,
};

template <class Matches>
const KindInfo* find_if(Matches matches) {
  for (std::span<const KindInfo* const> kinds : {own_kinds(), core_kinds()})
    for (const KindInfo* kind : kinds)
      if (matches(*kind)) return kind;
  return nullptr;
}

}  // namespace

std::span<const KindInfo* const> own_kinds() { return own; }
std::span<const KindInfo* const> core_kinds() { return core; }

const KindInfo* find_kind(std::string_view group, std::string_view plural) {
  return find_if([&](const KindInfo& k) { return k.group == group && k.plural == plural; });
}

const KindInfo* find_kind_of(std::string_view api_version, std::string_view kind) {
  return find_if(
      [&](const KindInfo& k) { return k.kind == kind && k.api_version() == api_version; });
}

const KindInfo* find_kind_named(std::string_view word) {
  std::string wanted = base::lower(word);
  return find_if([&](const KindInfo& k) {
    return k.plural == wanted || k.singular == wanted || base::lower(k.kind) == wanted ||
           std::ranges::find(k.short_names, wanted) != k.short_names.end();
  });
}

}  // namespace objects
