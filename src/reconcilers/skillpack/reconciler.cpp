#include "reconcilers/skillpack/reconciler.h"

#include "base/text.h"
#include "objects/conditions.h"
#include "policy/admission.h"
#include "reconcilers/writer.h"
#include "schema/validate.h"

namespace reconcilers {

using controller::Key;
using controller::Result;
using namespace objects;

ConfigMap desired_config_map(const SkillPack& pack) {
  ConfigMap map;
  map.metadata.name = pack.metadata.name;
  map.metadata.ns = pack.metadata.ns;
  map.metadata.labels = {{"app.kubernetes.io/managed-by", "sympozium"},
                         {std::string(label_skill_pack), pack.metadata.name}};
  map.metadata.ownerReferences = {{.apiVersion = SkillPack::info.api_version(),
                                   .kind = std::string(SkillPack::info.kind),
                                   .name = pack.metadata.name,
                                   .uid = pack.metadata.uid,
                                   .controller = true}};
  for (const Skill& skill : pack.spec.skills) map.data.emplace(skill.name + ".md", skill.content);
  return map;
}

SkillPackReconciler::SkillPackReconciler(base::Clock& clock, kube::Api& api, Caches& caches)
    : clock_(clock), api_(api), caches_(caches) {}

io::Task<Result> SkillPackReconciler::reconcile(Key key) {
  auto pack = caches_.packs.find(key);
  if (!pack || pack->metadata.deletionTimestamp) co_return Result{};
  SkillPackStatus status = pack->status;
  Condition ready{.type = "Ready",
                  .status = ConditionStatus::is_false,
                  .observedGeneration = pack->metadata.generation,
                  .lastTransitionTime = clock_.now()};
  base::Issues issues = schema::validate(*pack);
  if (issues.empty()) issues = policy::rules_of(*pack);
  if (!issues.empty()) {
    ready.reason = "Refused";
    ready.message = base::format(issues);
  } else {
    const bool ours = co_await apply(desired_config_map(*pack), pack->metadata.uid);
    ready.status = ours ? ConditionStatus::is_true : ConditionStatus::is_false;
    ready.reason = ours ? "Ready" : "NameTaken";
    ready.message = ours ? ""
                         : base::cat("ConfigMap ", key.name,
                                     " exists and is not this pack's; rename one of them");
  }
  const bool is_ready = ready.status == ConditionStatus::is_true;
  status.phase = is_ready ? SkillPackPhase::ready : SkillPackPhase::error;
  status.configMapName = is_ready ? key.name : "";
  status.skillCount = static_cast<std::int64_t>(pack->spec.skills.size());
  status.observedGeneration = pack->metadata.generation;
  set_condition(status.conditions, std::move(ready));
  co_await patch_status(api_, caches_.packs, pack, std::move(status));
  co_return Result{};
}

// False when the name is somebody else's.
io::Task<bool> SkillPackReconciler::apply(ConfigMap wanted, std::string owner_uid) {
  kube::Ref ref = ref_to(wanted);
  auto there = caches_.config_maps.find({wanted.metadata.ns, wanted.metadata.name});
  base::Json manifest = to_manifest(wanted);
  if (!there) {
    controller::Child child = co_await controller::create_or_get(api_, ref, std::move(manifest));
    if (!controller::is_controlled_by(child.object, owner_uid)) co_return false;
    caches_.config_maps.assume(child.object);
    there = std::make_shared<const ConfigMap>(controller::decode<ConfigMap>(child.object));
  }
  const auto& owners = there->metadata.ownerReferences;
  const bool ours = !owners.empty() && owners[0].uid == owner_uid;
  if (!ours) co_return false;
  base::Json diff =
      base::merge_diff(schema::encode(*there).at("data"), schema::encode(wanted).at("data"));
  if (diff.is_object() && diff.get_object().empty()) co_return true;
  base::Json patch{{"metadata", {{"resourceVersion", there->metadata.resourceVersion}}},
                   {"data", std::move(diff)}};
  base::Json now = co_await api_.patch(std::move(ref), std::move(patch), {});
  caches_.config_maps.assume(now);
  co_return true;
}

}  // namespace reconcilers
