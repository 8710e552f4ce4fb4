// SkillPack: one ConfigMap of the same name with a file per skill.
#pragma once

#include "controller/controller.h"
#include "kube/api.h"
#include "reconcilers/caches.h"

namespace reconcilers {

inline constexpr std::string_view label_skill_pack = "sympozium.ai/skillpack";

objects::ConfigMap desired_config_map(const objects::SkillPack&);

// A ConfigMap of that name that is not the pack's is left alone: Ready=False, NameTaken.
class SkillPackReconciler {
 public:
  SkillPackReconciler(base::Clock&, kube::Api&, Caches&);
  io::Task<controller::Result> reconcile(controller::Key);

 private:
  io::Task<bool> apply(objects::ConfigMap, std::string owner_uid);

  base::Clock& clock_;
  kube::Api& api_;
  Caches& caches_;
};

}  // namespace reconcilers
