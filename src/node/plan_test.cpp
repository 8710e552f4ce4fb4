// Pod → what its containers are made of.
#include <gmock/gmock.h>

#include "base/encoding.h"
#include "node/environment.h"
#include "node/images.h"
#include "node/oci.h"
#include "node/pod.h"
#include "node/refusals.h"
#include "node/resources.h"
#include "node/security.h"
#include "node/volumes.h"

namespace node {
namespace {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

Json pod_with(JsonObject container, JsonObject spec = {}) {
  container.emplace("name", "main");
  spec["containers"] = JsonArray{std::move(container)};
  return JsonObject{{"metadata", {{"name", "p"}, {"namespace", "ns"}, {"uid", "u"}}},
                    {"spec", spec}};
}
const Json& main_of(const Json& pod) { return items(pod, {"spec", "containers"})[0]; }

TEST(Quantity, ReadsEverySuffix) {
  EXPECT_EQ(quantity("64Mi"), 64 << 20);
  EXPECT_EQ(quantity("1.5Gi"), 1610612736);
  EXPECT_EQ(quantity("2k"), 2000);
  EXPECT_EQ(quantity("1e3"), 1000);
  EXPECT_EQ(quantity("12E2"), 1200);
  EXPECT_EQ(quantity("500m"), 1);
  EXPECT_EQ(milli_quantity("500m"), 500);
  EXPECT_EQ(milli_quantity("0.1"), 100);
  EXPECT_EQ(quantity("64MB"), std::nullopt);
  EXPECT_EQ(quantity(""), std::nullopt);
}

TEST(Environment, ExpandsWhatStandsBefore) {
  const Variables known{{"A", "1"}, {"B", "2"}};
  EXPECT_EQ(expand("$(A)-$(B)", known), "1-2");
  EXPECT_EQ(expand("$$(A)", known), "$(A)");
  EXPECT_EQ(expand("$(C) $A $", known), "$(C) $A $");
  EXPECT_EQ(expand("$(A", known), "$(A");
}

TEST(Environment, ResolvesEverySource) {
  Sources sources;
  sources.config_maps["m"] = JsonObject{{"data", {{"x", "1"}, {"y", "2"}}}};
  sources.secrets["s"] = JsonObject{{"data", {{"k", base::base64("geheim")}}}};
  const Json pod = pod_with(
      {{"resources", {{"limits", {{"memory", "64Mi"}, {"cpu", "1500m"}}}}},
       {"envFrom", JsonArray{{{"prefix", "M_"}, {"configMapRef", {{"name", "m"}}}},
                             {{"secretRef", {{"name", "absent"}, {"optional", true}}}}}},
       {"env",
        JsonArray{
            {{"name", "PLAIN"}, {"value", "$(M_x)!"}},
            {{"name", "SECRET"}, {"valueFrom", {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}}}},
            {{"name", "NONE"},
             {"valueFrom",
              {{"configMapKeyRef", {{"name", "m"}, {"key", "z"}, {"optional", true}}}}}},
            {{"name", "NODE"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "spec.nodeName"}}}}}},
            {{"name", "UID"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.uid"}}}}}},
            {{"name", "MEMORY"},
             {"valueFrom",
              {{"resourceFieldRef", {{"resource", "limits.memory"}, {"divisor", "1Mi"}}}}}},
            {{"name", "CPU"},
             {"valueFrom", {{"resourceFieldRef", {{"resource", "limits.cpu"}}}}}}}}});
  const auto out = environment(pod, main_of(pod), {{"PATH", "/bin"}}, sources, {.node_name = "n1"});
  ASSERT_TRUE(out) << out.error();
  EXPECT_THAT(*out, ElementsAre(Pair("PATH", "/bin"), Pair("M_x", "1"), Pair("M_y", "2"),
                                Pair("PLAIN", "1!"), Pair("SECRET", "geheim"), Pair("NODE", "n1"),
                                Pair("UID", "u"), Pair("MEMORY", "64"), Pair("CPU", "2")));
}

TEST(Environment, SaysWhatIsMissing) {
  const Json pod = pod_with(
      {{"env", JsonArray{{{"name", "A"},
                          {"valueFrom", {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}}}}}}});
  Sources sources;
  EXPECT_EQ(environment(pod, main_of(pod), {}, sources, {}).error(), "secret \"s\" not found");
  sources.secrets["s"] = JsonObject{{"data", JsonObject{}}};
  EXPECT_EQ(environment(pod, main_of(pod), {}, sources, {}).error(),
            "couldn't find key k in Secret ns/s");
}

TEST(CommandLine, FollowsTheImageUnlessTold) {
  const Command image{{"/bin/run"}, {"serve"}};
  EXPECT_THAT(command_line(JsonObject{}, image, {}), ElementsAre("/bin/run", "serve"));
  EXPECT_THAT(command_line(JsonObject{{"args", JsonArray{"$(A)"}}}, image, {{"A", "x"}}),
              ElementsAre("/bin/run", "x"));
  EXPECT_THAT(command_line(JsonObject{{"command", JsonArray{"/bin/sh"}}}, image, {}),
              ElementsAre("/bin/sh"));
}

TEST(Identity, PrefersTheContainersOwn) {
  const Json pod = pod_with({{"securityContext", {{"runAsUser", 1000}}}},
                            {{"securityContext",
                              {{"runAsUser", 7},
                               {"runAsGroup", 8},
                               {"fsGroup", 2000},
                               {"supplementalGroups", JsonArray{5, 8}}}}});
  EXPECT_EQ(identity(pod, main_of(pod), {}), (Identity{1000, 8, {5, 2000}}));
}

TEST(Identity, RefusesRootWhenAskedTo) {
  const Json pod = pod_with({{"securityContext", {{"runAsNonRoot", true}}}});
  EXPECT_THAT(identity(pod, main_of(pod), {}).error(), HasSubstr("image will run as root"));
  EXPECT_TRUE(identity(pod, main_of(pod), {1000, 0, {}}));
}

TEST(Capabilities, DropAndAdd) {
  const Json all = JsonObject{
      {"securityContext",
       {{"capabilities", {{"drop", JsonArray{"ALL"}}, {"add", JsonArray{"NET_BIND_SERVICE"}}}}}}};
  EXPECT_THAT(capabilities(all), ElementsAre("CAP_NET_BIND_SERVICE"));
  EXPECT_THAT(capabilities(JsonObject{}), Contains("CAP_CHOWN"));
  EXPECT_THAT(capabilities(JsonObject{}), Not(Contains("CAP_SYS_ADMIN")));
  EXPECT_FALSE(is_grantable("SYS_ADMIN"));
}

TEST(Resources, BecomeControlGroupLimits) {
  const Json out = oci_resources(JsonObject{{"resources",
                                             {{"limits", {{"memory", "64Mi"}, {"cpu", "200m"}}},
                                              {"requests", {{"cpu", "100m"}}}}}},
                                 {});
  EXPECT_EQ(base::find_int(out, {"memory", "limit"}), 64 << 20);
  EXPECT_EQ(base::find_int(out, {"cpu", "quota"}), 20'000);
  EXPECT_EQ(base::find_int(out, {"cpu", "period"}), 100'000);
  EXPECT_EQ(base::find_int(out, {"cpu", "shares"}), 102);
  EXPECT_EQ(base::find_int(out, {"pids", "limit"}), 512);
}

TEST(Resources, DecideTheQualityOfService) {
  EXPECT_EQ(qos_class(pod_with({})), "BestEffort");
  EXPECT_EQ(qos_class(pod_with({{"resources", {{"requests", {{"cpu", "1"}}}}}})), "Burstable");
  EXPECT_EQ(qos_class(pod_with({{"resources", {{"limits", {{"cpu", "1"}, {"memory", "1Gi"}}}}}})),
            "Guaranteed");
}

TEST(Resources, NeverAskForAnOomScoreBelowOurOwn) {
  const Json pod = pod_with({{"resources", {{"limits", {{"cpu", "1"}, {"memory", "1Gi"}}}}}});
  EXPECT_EQ(oom_score(pod, main_of(pod), {.oom_score = 0}), 0);
  EXPECT_EQ(oom_score(pod_with({}), main_of(pod_with({})), {}), 1000);
}

TEST(Volumes, HoldTheFilesOfTheirSources) {
  Sources sources;
  sources.config_maps["m"] =
      JsonObject{{"data", {{"a", "1"}}}, {"binaryData", {{"b", base::base64("2")}}}};
  Tokens tokens;
  tokens.emplace("v/token", base::Secret<std::string>("t"));
  const Json pod = pod_with(
      {}, {{"securityContext", {{"fsGroup", 2000}}},
           {"volumes",
            JsonArray{
                {{"name", "v"},
                 {"projected",
                  {{"defaultMode", 0440},
                   {"sources",
                    JsonArray{
                        {{"configMap",
                          {{"name", "m"},
                           {"items", JsonArray{{{"key", "a"}, {"path", "d/a"}, {"mode", 0755}}}}}}},
                        {{"serviceAccountToken", {{"path", "token"}, {"audience", "g"}}}},
                        {{"downwardAPI",
                          {{"items",
                            JsonArray{{{"path", "name"},
                                       {"fieldRef", {{"fieldPath", "metadata.name"}}}}}}}}}}}}}},
                {{"name", "w"}, {"configMap", {{"name", "m"}}}},
                {{"name", "e"}, {"emptyDir", {{"sizeLimit", "1Mi"}}}},
                {{"name", "t"}, {"emptyDir", {{"medium", "Memory"}, {"sizeLimit", "1Mi"}}}},
                {{"name", "g"}, {"csi", {{"driver", "gateway.sympozium.ai"}}}}}}});
  const auto out = plan_volumes(pod, sources, tokens, {});
  ASSERT_TRUE(out) << out.error();
  EXPECT_THAT((*out)[0].files,
              ElementsAre(VolumeFile{"d/a", "1", 0755}, VolumeFile{"name", "p", 0440},
                          VolumeFile{"token", "t", 0600}));
  EXPECT_THAT((*out)[1].files, ElementsAre(VolumeFile{"a", "1", 0644}, VolumeFile{"b", "2", 0644}));
  EXPECT_EQ((*out)[2].kind, VolumePlan::Kind::disk);
  EXPECT_EQ((*out)[3].kind, VolumePlan::Kind::memory);
  EXPECT_EQ((*out)[4].kind, VolumePlan::Kind::gateway);
}

TEST(Volumes, RefuseAPathThatLeavesThem) {
  Sources sources;
  sources.config_maps["m"] = JsonObject{{"data", {{"a", "1"}}}};
  const Json pod = pod_with(
      {},
      {{"volumes",
        JsonArray{{{"name", "v"},
                   {"configMap",
                    {{"name", "m"}, {"items", JsonArray{{{"key", "a"}, {"path", "../a"}}}}}}}}}});
  EXPECT_THAT(plan_volumes(pod, sources, {}, {}).error(), HasSubstr("invalid path"));
}

TEST(Oci, ConfinesAnAgent) {
  ContainerPlan plan;
  plan.root = "/r";
  plan.command = {"/bin/agent"};
  plan.identity = {1000, 1000, {2000}};
  plan.mounts = {{"/v", "/workspace", Access::read_write}, {"/s", "/skills", Access::read_only}};
  plan.resources = JsonObject{};
  const Json out = oci_config(plan);
  EXPECT_EQ(base::find_bool(out, {"root", "readonly"}), true);
  EXPECT_EQ(base::find_bool(out, {"process", "noNewPrivileges"}), true);
  EXPECT_THAT(items(out, {"process", "capabilities", "bounding"}), IsEmpty());
  EXPECT_EQ(base::text_at(out, {"linux", "seccomp", "defaultAction"}), "SCMP_ACT_ERRNO");
  const auto& mounts = items(out, {"mounts"});
  EXPECT_EQ(base::text_at(mounts[mounts.size() - 1], {"destination"}), "/skills");
  EXPECT_THAT(base::to_text(mounts[mounts.size() - 1]), HasSubstr("\"ro\""));
}

TEST(Oci, MountsOuterPlacesFirst) {
  const Json container = JsonObject{
      {"volumeMounts", JsonArray{{{"name", "b"}, {"mountPath", "/a/b"}},
                                 {{"name", "a"}, {"mountPath", "/a"}, {"readOnly", true}}}}};
  EXPECT_THAT(volume_mounts(container, {{"a", "/va"}, {"b", "/vb"}}, {}),
              ElementsAre(BindMount{"/va", "/a", Access::read_only},
                          BindMount{"/vb", "/a/b", Access::read_write}));
}

struct Refused {
  const char* name;
  Json pod;
  const char* path;
};

TEST(Refusals, NameTheField) {
  const std::vector<Refused> cases{
      {"host network", pod_with({}, {{"hostNetwork", true}}), "spec.hostNetwork"},
      {"host pid", pod_with({}, {{"hostPID", true}}), "spec.hostPID"},
      {"host path",
       pod_with({}, {{"volumes", JsonArray{{{"name", "h"}, {"hostPath", {{"path", "/"}}}}}}}),
       "spec.volumes[0].hostPath"},
      {"a foreign driver",
       pod_with({}, {{"volumes", JsonArray{{{"name", "h"}, {"csi", {{"driver", "x"}}}}}}}),
       "spec.volumes[0].csi.driver"},
      {"privilege", pod_with({{"securityContext", {{"privileged", true}}}}),
       "spec.containers[0].securityContext.privileged"},
      {"a capability",
       pod_with({{"securityContext", {{"capabilities", {{"add", JsonArray{"SYS_ADMIN"}}}}}}}),
       "spec.containers[0].securityContext.capabilities.add"},
      {"no seccomp",
       pod_with({{"securityContext", {{"seccompProfile", {{"type", "Unconfined"}}}}}}),
       "spec.containers[0].securityContext.seccompProfile.type"},
      {"a probe", pod_with({{"livenessProbe", JsonObject{}}}), "spec.containers[0].livenessProbe"},
      {"a runtime class", pod_with({}, {{"runtimeClassName", "gvisor"}}), "spec.runtimeClassName"}};
  for (const auto& each : cases) {
    const auto issues = refusals(each.pod);
    ASSERT_EQ(issues.size(), 1) << each.name;
    EXPECT_EQ(issues[0].path, each.path);
  }
  EXPECT_THAT(
      refusals(pod_with({{"securityContext", {{"seccompProfile", {{"type", "RuntimeDefault"}}}}}})),
      IsEmpty());
}

TEST(ImageName, LeavesRegistryAndTagAway) {
  EXPECT_EQ(image_name("sympozium/tools"), "sympozium/tools");
  EXPECT_EQ(image_name("registry.example:5000/team/sympozium/tools:v1@sha256:00"),
            "sympozium/tools");
  EXPECT_EQ(image_name("host"), "host");
  EXPECT_EQ(image_name("host:latest"), "host");
}

}  // namespace
}  // namespace node
