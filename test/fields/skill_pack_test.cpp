// What each field of a SkillPack does, as far as pure decisions say it.
#include "fields/cast.h"
#include "fields/fields.h"
#include "policy/tools.h"
#include "reconcilers/skillpack/reconciler.h"

namespace fields {
namespace {

using base::JsonArray;
using base::JsonObject;
using namespace objects;

TEST(SkillPackSpec, SkillsAreFilesOfItsConfigMap) {
  auto look = [](const SkillPack& pack) { return reconcilers::desired_config_map(pack).data; };
  EXPECT_EQ(effect(a_pack(), "spec.skills[].name", "adding", look),
            (TextMap{{"adding.md", "Use wc."}}));
  EXPECT_EQ(effect(a_pack(), "spec.skills[].content", "Use awk.", look),
            (TextMap{{"counting.md", "Use awk."}}));
}

// ---- the sidecar's container ----

Container sidecar_of(const SkillPack& pack) {
  const Job job = job_of(a_run(), {pack});
  return container(job, "skill-tools");
}

TEST(SkillPackSpec, ImageAndCommandAreTheSidecars) {
  auto look = [](const SkillPack& pack) { return sidecar_of(pack); };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.image", "git:2", look).image, "git:2");
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.command", JsonArray{"/serve"}, look).command,
            Texts{"/serve"});
}

TEST(SkillPackSpec, EnvIsTheSidecars) {
  auto look = [](const SkillPack& pack) { return variable(sidecar_of(pack), "MODE"); };
  SkillPack pack = a_pack();
  pack.spec.sidecar->env = {{.name = "OTHER", .value = "fast"}};
  EXPECT_EQ(effect(pack, "spec.sidecar.env[].name", "MODE", look), "fast");
  pack.spec.sidecar->env = {{.name = "MODE", .value = "slow"}};
  EXPECT_EQ(effect(pack, "spec.sidecar.env[].value", "fast", look), "fast");
}

TEST(SkillPackSpec, ResourcesAreTheSidecarsRequestsAndLimits) {
  auto look = [](const SkillPack& pack) {
    const auto resources = sidecar_of(pack).resources;
    EXPECT_EQ(resources.requests, resources.limits);
    return resources.limits;
  };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.resources.cpu", "2", look).at("cpu").format(), "2");
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.resources.memory", "1Gi", look).at("memory").format(),
            "1Gi");
}

TEST(SkillPackSpec, MountWorkspaceSaysWhetherTheSidecarSharesIt) {
  auto look = [](const SkillPack& pack) {
    return std::ranges::count(sidecar_of(pack).volumeMounts, "/workspace", &VolumeMount::mountPath);
  };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.mountWorkspace", false, look), 0);
}

// ---- the sidecar's tools ----

policy::DeclaredTool tool_of(const SkillPack& pack) {
  const auto all = policy::declared_tools({pack});
  return all.back();
}

TEST(SkillPackSpec, ToolsAreDeclaredUnderTheirNames) {
  auto look = [](const SkillPack& pack) { return tool_of(pack).name; };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.tools[].name", "count_lines", look), "count_lines");
}

TEST(SkillPackSpec, EffectAndIdempotenceOfAToolAreDeclared) {
  auto look = [](const SkillPack& pack) { return tool_of(pack); };
  EXPECT_EQ(effect(a_pack(), "spec.sidecar.tools[].effect", "none", look).effect, Effect::none);
  EXPECT_TRUE(effect(a_pack(), "spec.sidecar.tools[].idempotent", true, look).idempotent);
}

}  // namespace
}  // namespace fields
