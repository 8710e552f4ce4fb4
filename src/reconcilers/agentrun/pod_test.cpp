#include "reconcilers/agentrun/pod.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "io/file.h"
#include "protocol/names.h"
#include "reconcilers/writer.h"

namespace reconcilers {
namespace {

using namespace objects;

AgentRun a_run() {
  AgentRun run;
  run.metadata = {.name = "first-run", .ns = "demo", .uid = "0b1c"};
  run.spec.agentRef = "first";
  run.spec.agentId = "First Agent";
  run.spec.sessionKey = "s";
  run.spec.env = {{"LANG", "C"}};
  run.spec.skills = {
      {.skillPackRef = "tools"}, {.skillPackRef = "words"}, {.configMapRef = "notes"}};
  return run;
}

std::vector<UsedPack> packs() {
  UsedPack tools, words;
  tools.pack.metadata.name = "tools";
  tools.pack.spec.sidecar.emplace();
  tools.pack.spec.sidecar->image = "sympozium/tools";
  tools.pack.spec.sidecar->env = {{.name = "MODE", .value = "x"}};
  tools.params = {{"max-size", "3"}};
  words.pack.metadata.name = "words";
  return {tools, words};
}

const Container& container(const PodSpec& pod, std::string_view name) {
  for (const auto* list : {&pod.initContainers, &pod.containers})
    for (const Container& one : *list)
      if (one.name == name) return one;
  throw std::runtime_error("no container " + std::string(name));
}
std::string variable(const Container& in, std::string_view name) {
  for (const EnvVar& one : in.env)
    if (one.name == name) return one.value;
  return "(unset)";
}
std::set<std::string> mounts(const Container& in) {
  std::set<std::string> paths;
  for (const VolumeMount& one : in.volumeMounts) paths.insert(one.name + ":" + one.mountPath);
  return paths;
}

TEST(DesiredPod, RunsBridgeAndToolsAsNativeSidecarsBesideTheAgent) {
  const PodSpec pod = desired_job(a_run(), packs(), {}).spec.podTemplate.spec;
  ASSERT_EQ(pod.initContainers.size(), 2u);
  EXPECT_EQ(pod.initContainers[0].name, "ipc-bridge");
  EXPECT_EQ(pod.initContainers[1].name, "skill-tools");
  for (const auto& one : pod.initContainers) EXPECT_EQ(one.restartPolicy, "Always");
  ASSERT_EQ(pod.containers.size(), 1u);
  EXPECT_EQ(pod.restartPolicy, "OnFailure");
  EXPECT_EQ(pod.automountServiceAccountToken, false);
}

TEST(DesiredPod, GivesEachContainerItsOwnUserAndNoRights) {
  const PodSpec pod = desired_job(a_run(), packs(), {}).spec.podTemplate.spec;
  std::set<std::int64_t> users;
  for (std::string_view name : {"agent", "ipc-bridge", "skill-tools"}) {
    const SecurityContext& security = *container(pod, name).securityContext;
    users.insert(*security.runAsUser);
    EXPECT_EQ(security.readOnlyRootFilesystem, true);
    EXPECT_EQ(security.allowPrivilegeEscalation, false);
    EXPECT_EQ(security.capabilities->drop, Texts{"ALL"});
    EXPECT_EQ(security.seccompProfile->type, "RuntimeDefault");
  }
  EXPECT_EQ(users, (std::set<std::int64_t>{1000, 1001, 1100}));
}

TEST(DesiredPod, ShowsTheTokenAndTheGatewayToTheBridgeAlone) {
  const PodSpec pod = desired_job(a_run(), packs(), {}).spec.podTemplate.spec;
  for (std::string_view name : {"agent", "skill-tools"})
    for (const VolumeMount& one : container(pod, name).volumeMounts) {
      EXPECT_NE(one.name, "gateway-token") << name;
      EXPECT_NE(one.name, "gateway") << name;
    }
  EXPECT_EQ(
      mounts(container(pod, "ipc-bridge")),
      (std::set<std::string>{
          "ipc-agent:/bridge/ipc/agent", "ipc-skill-tools:/bridge/ipc/skill-tools",
          "gateway-token:/var/run/secrets/sympozium/token", "gateway:/run/sympozium/gateway"}));
}

TEST(DesiredPod, SharesNoIpcVolumeBetweenAgentAndSidecar) {
  const PodSpec pod = desired_job(a_run(), packs(), {}).spec.podTemplate.spec;
  EXPECT_TRUE(mounts(container(pod, "agent")).contains("ipc-agent:/ipc"));
  EXPECT_TRUE(mounts(container(pod, "skill-tools")).contains("ipc-skill-tools:/ipc"));
  EXPECT_TRUE(mounts(container(pod, "agent")).contains("workspace:/workspace"));
}

TEST(DesiredPod, TellsEachContainerWhatItNeeds) {
  const PodSpec pod = desired_job(a_run(), packs(), {}).spec.podTemplate.spec;
  EXPECT_EQ(variable(container(pod, "agent"), protocol::env_bridge), "http://127.0.0.1:9410");
  EXPECT_EQ(variable(container(pod, "agent"), "LANG"), "C");
  EXPECT_EQ(variable(container(pod, "ipc-bridge"), protocol::env_sidecars), "skill-tools");
  EXPECT_EQ(variable(container(pod, "ipc-bridge"), protocol::env_run_uid), "0b1c");
  EXPECT_EQ(variable(container(pod, "ipc-bridge"), protocol::env_gateway),
            "unix:/run/sympozium/gateway/gateway.sock");
  EXPECT_EQ(variable(container(pod, "skill-tools"), "SYMPOZIUM_SKILL_PACK"), "tools");
  EXPECT_EQ(variable(container(pod, "skill-tools"), "SKILL_MAX_SIZE"), "3");
  EXPECT_EQ(variable(container(pod, "skill-tools"), "MODE"), "x");
}

TEST(DesiredPod, RunsAForeignProgramUnderOurLauncher) {
  AgentRun run = a_run();
  run.spec.skills.clear();
  run.spec.task = "count";
  run.spec.model.model = "m-1";
  run.spec.harness = Harness{.image = "acme/agent:1",
                             .command = {"python3", "agent.py"},
                             .args = {"$(TASK)"},
                             .env = {{"MODE", "fast"}, {"LANG", "de"}}};
  const PodSpec pod = desired_job(run, {}, {}).spec.podTemplate.spec;
  const Container& launcher = container(pod, "launcher");
  const Container& agent = container(pod, "agent");
  EXPECT_EQ(pod.initContainers.front().name, "launcher") << "it ends before the bridge begins";
  EXPECT_EQ(launcher.restartPolicy, "");
  EXPECT_EQ(launcher.args, (Texts{"install", "/sympozium/sympozium-runner"}));
  EXPECT_EQ(mounts(launcher), (std::set<std::string>{"launcher:/sympozium"}));
  EXPECT_EQ(agent.image, "acme/agent:1");
  EXPECT_EQ(agent.command, (Texts{"/sympozium/sympozium-runner", "init", "--"}));
  EXPECT_EQ(agent.args, (Texts{"python3", "agent.py", "$(TASK)"}));
  EXPECT_TRUE(mounts(agent).contains("launcher:/sympozium"));
  EXPECT_EQ(variable(agent, "TASK"), "(unset)") << "whoever reads pods need not read tasks";
  EXPECT_EQ(variable(agent, "MODEL_NAME"), "m-1");
  EXPECT_EQ(variable(agent, "OPENAI_BASE_URL"), "http://127.0.0.1:9410/v1");
  EXPECT_EQ(variable(agent, "ANTHROPIC_BASE_URL"), "http://127.0.0.1:9410");
  EXPECT_EQ(agent.env.back().name + "=" + agent.env.back().value, "MODE=fast");
  EXPECT_EQ(std::ranges::count(agent.env, "LANG", &EnvVar::name), 2) << "the last one counts";
  EXPECT_TRUE(*agent.securityContext->readOnlyRootFilesystem);
  for (const VolumeMount& one : agent.volumeMounts)
    EXPECT_EQ(one.readOnly, one.name == "launcher") << one.name;
}

TEST(DesiredPod, KeepsASidecarOffTheWorkspaceWhenThePackSaysSo) {
  auto used = packs();
  used[0].pack.spec.sidecar->mountWorkspace = false;
  const PodSpec pod = desired_job(a_run(), used, {}).spec.podTemplate.spec;
  EXPECT_FALSE(mounts(container(pod, "skill-tools")).contains("workspace:/workspace"));
}

TEST(DesiredPod, ReachesAnHttpsGatewayWithItsCa) {
  const PodSettings settings{
      .gateway = {.url = "https://10.0.0.7:9443", .ca_config_map = "sympozium-gateway-ca"}};
  const PodSpec pod = desired_job(a_run(), {}, settings).spec.podTemplate.spec;
  EXPECT_EQ(variable(container(pod, "ipc-bridge"), protocol::env_gateway), "https://10.0.0.7:9443");
  EXPECT_EQ(variable(container(pod, "ipc-bridge"), protocol::env_gateway_ca),
            "/run/sympozium/gateway/ca.crt");
  EXPECT_TRUE(
      std::ranges::none_of(pod.volumes, [](const Volume& one) { return one.csi.has_value(); }));
}

TEST(DesiredJob, IsNamedAfterTheRunAndCutWhenThatIsTooLong) {
  AgentRun run = a_run();
  EXPECT_EQ(desired_job(run, {}, {}).metadata.name, "first-run");
  run.metadata.name = std::string(100, 'a');
  const std::string name = job_name(run);
  EXPECT_EQ(name.size(), 61u);
  EXPECT_TRUE(name.starts_with(std::string(52, 'a') + "-"));
  run.metadata.name += "b";
  EXPECT_NE(job_name(run), name);
}

TEST(DesiredJob, IsOwnedByItsRunAndHasNoClockOfItsOwn) {
  const Job job = desired_job(a_run(), packs(), {});
  ASSERT_EQ(job.metadata.ownerReferences.size(), 1u);
  EXPECT_EQ(job.metadata.ownerReferences[0].uid, "0b1c");
  EXPECT_EQ(job.metadata.ownerReferences[0].controller, true);
  EXPECT_EQ(job.spec.backoffLimit, 6);
  EXPECT_EQ(job.spec.podReplacementPolicy, "Failed");
  EXPECT_FALSE(job.spec.activeDeadlineSeconds);
  EXPECT_FALSE(job.spec.ttlSecondsAfterFinished);
  EXPECT_EQ(job.metadata.labels.at("sympozium.ai/agent-id"), "First-Agent");
}

// The whole manifest, as the API server gets it: read this file when the pod changes.
TEST(DesiredJob, IsTheRecordedManifest) {
  const std::string path =
      std::string(SYMPOZIUM_SOURCE_DIR) + "/src/reconcilers/agentrun/testdata/job.json";
  const base::Json recorded = base::parse_json(io::read_file(path));
  const base::Json made = to_manifest(desired_job(a_run(), packs(), {}));
  EXPECT_EQ(made, recorded) << base::to_text(made);
}

}  // namespace
}  // namespace reconcilers
