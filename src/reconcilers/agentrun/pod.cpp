#include "reconcilers/agentrun/pod.h"

#include <algorithm>

#include "base/text.h"
#include "controller/write.h"
#include "protocol/names.h"
#include "reconcilers/agentrun/builder.h"

namespace reconcilers {

namespace {

using base::cat;
using base::Quantity;
using namespace objects;

constexpr std::int64_t mebibyte = 1024 * 1024;
constexpr std::string_view volume_workspace = "workspace";
constexpr std::string_view volume_skills = "skills";
constexpr std::string_view volume_token = "gateway-token";
constexpr std::string_view volume_gateway = "gateway";
constexpr std::string_view volume_launcher = "launcher";

Quantity mebibytes(std::int64_t count) {
  return Quantity::of(count * mebibyte, Quantity::Form::binary);
}

std::string image(const PodSettings& settings, std::string_view name) {
  return cat(settings.image_prefix, name, settings.image_tag);
}

VolumeMount mount(std::string_view volume, std::string_view path, bool read_only = false) {
  return {.name = std::string(volume), .mountPath = std::string(path), .readOnly = read_only};
}

EnvVar variable(std::string_view name, std::string_view value) {
  return {.name = std::string(name), .value = std::string(value)};
}

Volume disk(std::string name, Quantity limit) {
  return {.name = std::move(name), .emptyDir = EmptyDirVolume{.sizeLimit = limit}};
}
Volume memory(std::string name, Quantity limit) {
  return {.name = std::move(name),
          .emptyDir = EmptyDirVolume{.medium = "Memory", .sizeLimit = limit}};
}

SecurityContext locked_down(std::uint32_t uid) {
  return {.runAsUser = uid,
          .runAsGroup = uid,
          .runAsNonRoot = true,
          .readOnlyRootFilesystem = true,
          .allowPrivilegeEscalation = false,
          .capabilities = Capabilities{.drop = {"ALL"}},
          .seccompProfile = SecurityProfile{.type = "RuntimeDefault"}};
}

ResourceRequirements resources(Quantity cpu, Quantity memory, Quantity cpu_most,
                               Quantity memory_most) {
  return {.requests = {{"cpu", cpu}, {"memory", memory}},
          .limits = {{"cpu", cpu_most}, {"memory", memory_most}}};
}

// What upstream tells every container of the run about it.
std::vector<EnvVar> identity_of(const AgentRun& run) {
  return {variable("AGENT_RUN_ID", run.metadata.name), variable("AGENT_NAMESPACE", run.metadata.ns),
          variable("INSTANCE_NAME", run.spec.agentRef)};
}

std::string skill_container(const UsedPack& used) {
  return cat(protocol::container_skill_prefix, used.pack.metadata.name);
}

std::vector<const UsedPack*> with_sidecar(const std::vector<UsedPack>& packs) {
  std::vector<const UsedPack*> some;
  for (const UsedPack& used : packs)
    if (used.pack.spec.sidecar) some.push_back(&used);
  return some;
}

bool has_skills(const AgentRun& run) { return !run.spec.skills.empty(); }

// What a foreign agent finds in its environment: the names that model libraries and upstream use.
// The keys are placeholders, which the libraries insist on. TASK and SYSTEM_PROMPT are the
// launcher's to add: they are no business of whoever reads pods.
void add_foreign_environment(std::vector<EnvVar>& env, const AgentRun& run) {
  const std::string bridge = cat("http://127.0.0.1:", protocol::bridge_port);
  constexpr std::string_view placeholder = "held-by-the-gateway";
  env.push_back(variable("MODEL_PROVIDER", run.spec.model.provider));
  env.push_back(variable("MODEL_NAME", run.spec.model.model));
  env.push_back(variable("OPENAI_BASE_URL", bridge + "/v1"));
  env.push_back(variable("OPENAI_API_BASE", bridge + "/v1"));
  env.push_back(variable("OPENAI_API_KEY", placeholder));
  env.push_back(variable("ANTHROPIC_BASE_URL", bridge));
  env.push_back(variable("ANTHROPIC_API_KEY", placeholder));
  env.push_back(variable("HOME", protocol::mount_tmp));
  // What some libraries send to hosts of their own costs time where there is no network.
  env.push_back(variable("OPENAI_AGENTS_DISABLE_TRACING", "1"));
  env.push_back(variable("OTEL_SDK_DISABLED", "true"));
  env.push_back(variable(protocol::env_result_file, protocol::result_file));
}

// Our launcher, put beside the image's own files by `launcher_container`.
std::string launcher() { return cat(protocol::mount_launcher, "/", protocol::launcher_program); }

Container launcher_container(const PodSettings& settings) {
  Container copy{.name = std::string(protocol::container_launcher),
                 .image = image(settings, protocol::image_runner),
                 .args = {"install", launcher()}};
  copy.resources =
      resources(Quantity::of_milli(10), mebibytes(16), Quantity::of_milli(100), mebibytes(32));
  copy.volumeMounts = {mount(volume_launcher, protocol::mount_launcher)};
  copy.securityContext = locked_down(protocol::uid_bridge);
  return copy;
}

void make_foreign(Container& agent, const AgentRun& run) {
  const Harness& harness = *run.spec.harness;
  agent.image = harness.image;
  agent.command = {launcher(), "init", "--"};
  agent.args = harness.command;
  agent.args.insert(agent.args.end(), harness.args.begin(), harness.args.end());
  add_foreign_environment(agent.env, run);
  agent.volumeMounts.push_back(mount(volume_launcher, protocol::mount_launcher, true));
}

Container agent_container(const AgentRun& run, const PodSettings& settings) {
  Container agent{.name = std::string(protocol::container_agent),
                  .image = image(settings, protocol::image_runner)};
  agent.env = identity_of(run);
  agent.env.push_back(variable("AGENT_ID", run.spec.agentId));
  agent.env.push_back(variable("SESSION_KEY", run.spec.sessionKey));
  agent.env.push_back(
      variable(protocol::env_bridge, cat("http://127.0.0.1:", protocol::bridge_port)));
  agent.volumeMounts = {mount(volume_workspace, protocol::mount_workspace),
                        mount("tmp-agent", protocol::mount_tmp),
                        mount("ipc-agent", protocol::mount_ipc)};
  if (run.spec.harness) make_foreign(agent, run);
  for (const auto& [name, value] : run.spec.env) agent.env.push_back(variable(name, value));
  if (run.spec.harness)
    for (const auto& [name, value] : run.spec.harness->env)
      agent.env.push_back(variable(name, value));
  agent.resources =
      resources(Quantity::of_milli(250), mebibytes(512), Quantity::of(1), mebibytes(1024));
  if (has_skills(run))
    agent.volumeMounts.push_back(mount(volume_skills, protocol::mount_skills, true));
  agent.securityContext = locked_down(protocol::uid_agent);
  return agent;
}

Container bridge_container(const AgentRun& run, const std::vector<const UsedPack*>& sidecars,
                           const PodSettings& settings) {
  Container bridge{.name = std::string(protocol::container_bridge),
                   .image = image(settings, protocol::image_bridge),
                   .restartPolicy = "Always"};
  bridge.env = identity_of(run);
  bridge.env.push_back(variable(protocol::env_run_uid, run.metadata.uid));
  bridge.volumeMounts = {
      mount("ipc-agent", cat(protocol::mount_bridge_ipc, "/", protocol::container_agent))};
  std::vector<std::string> names;
  for (const UsedPack* used : sidecars) {
    names.push_back(skill_container(*used));
    bridge.volumeMounts.push_back(
        mount("ipc-" + names.back(), cat(protocol::mount_bridge_ipc, "/", names.back())));
  }
  bridge.env.push_back(variable(protocol::env_sidecars, base::join(names, ",")));

  bridge.volumeMounts.push_back(mount(volume_token, protocol::mount_token, true));
  bridge.volumeMounts.push_back(mount(volume_gateway, protocol::mount_gateway, true));
  if (settings.gateway.url == "socket") {
    bridge.env.push_back(variable(protocol::env_gateway, cat("unix:", protocol::mount_gateway, "/",
                                                             protocol::gateway_socket)));
  } else {
    bridge.env.push_back(variable(protocol::env_gateway, settings.gateway.url));
    bridge.env.push_back(
        variable(protocol::env_gateway_ca, cat(protocol::mount_gateway, "/ca.crt")));
  }
  bridge.resources =
      resources(Quantity::of_milli(50), mebibytes(64), Quantity::of_milli(100), mebibytes(128));
  bridge.securityContext = locked_down(protocol::uid_bridge);
  return bridge;
}

// SKILL_<KEY>: letters and digits in upper case, anything else as _.
std::string parameter_name(std::string_view key) {
  std::string name = "SKILL_";
  for (const char c : key) {
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool stays = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += is_lower ? static_cast<char>(c - 'a' + 'A') : stays ? c : '_';
  }
  return name;
}

Container skill_sidecar(const AgentRun& run, const UsedPack& used, std::uint32_t uid,
                        const PodSettings& settings) {
  const SkillSidecar& sidecar = *used.pack.spec.sidecar;
  const std::string name = skill_container(used);
  const bool ours = sidecar.image == protocol::image_tools;
  Container skill{.name = name,
                  .image = ours ? image(settings, protocol::image_tools) : sidecar.image,
                  .command = sidecar.command,
                  .restartPolicy = "Always"};
  skill.env = identity_of(run);
  skill.env.push_back(variable(protocol::env_skill_pack, used.pack.metadata.name));
  for (const auto& [key, value] : used.params)
    skill.env.push_back(variable(parameter_name(key), value));
  for (const auto& one : sidecar.env) skill.env.push_back(variable(one.name, one.value));
  const auto& amount = sidecar.resources;
  skill.resources = resources(amount.cpu, amount.memory, amount.cpu, amount.memory);
  skill.volumeMounts = {mount("ipc-" + name, protocol::mount_ipc),
                        mount("tmp-" + name, protocol::mount_tmp),
                        mount(volume_skills, protocol::mount_skills, true)};
  if (sidecar.mountWorkspace)
    skill.volumeMounts.push_back(mount(volume_workspace, protocol::mount_workspace));
  skill.securityContext = locked_down(uid);
  return skill;
}

Volume skills_volume(const AgentRun& run) {
  ProjectedVolume files;
  for (const SkillRef& skill : run.spec.skills)
    files.sources.push_back(
        {.configMap = KeysProjection{.name = skill.skillPackRef.empty() ? skill.configMapRef
                                                                        : skill.skillPackRef}});
  return {.name = std::string(volume_skills), .projected = std::move(files)};
}

Volume token_volume() {
  const ServiceAccountTokenProjection token{.audience = std::string(protocol::audience_gateway),
                                            .path = "token",
                                            .expirationSeconds = protocol::token_seconds};
  return {.name = std::string(volume_token),
          .projected = ProjectedVolume{.sources = {{.serviceAccountToken = token}}}};
}

Volume gateway_volume(const GatewayAddress& gateway) {
  const std::string name(volume_gateway);
  if (gateway.url != "socket")
    return {.name = name, .configMap = ConfigMapVolume{.name = gateway.ca_config_map}};
  return {.name = name,
          .csi = CsiVolume{.driver = std::string(protocol::csi_gateway), .readOnly = true}};
}

std::vector<Volume> volumes(const AgentRun& run, const std::vector<const UsedPack*>& sidecars,
                            const PodSettings& settings) {
  std::vector<Volume> all{disk(std::string(volume_workspace), mebibytes(1024)),
                          disk("tmp-agent", mebibytes(256)), memory("ipc-agent", mebibytes(64)),
                          token_volume(), gateway_volume(settings.gateway)};
  if (has_skills(run)) all.push_back(skills_volume(run));
  if (run.spec.harness) all.push_back(memory(std::string(volume_launcher), mebibytes(16)));
  for (const UsedPack* used : sidecars) {
    all.push_back(memory("ipc-" + skill_container(*used), mebibytes(64)));
    all.push_back(disk("tmp-" + skill_container(*used), mebibytes(256)));
  }
  return all;
}

TextMap labels_of(const AgentRun& run) {
  TextMap labels{{std::string(protocol::label_instance), label_value(run.spec.agentRef)},
                 {std::string(protocol::label_run), label_value(run.metadata.name)},
                 {std::string(protocol::label_run_uid), run.metadata.uid},
                 {std::string(protocol::label_component), "agent-run"},
                 {std::string(protocol::label_role), "agent"}};
  if (const std::string id = label_value(run.spec.agentId); !id.empty())
    labels.emplace(protocol::label_agent_id, id);
  return labels;
}

PodSpec desired_pod(const AgentRun& run, const std::vector<UsedPack>& packs,
                    const PodSettings& settings) {
  const auto sidecars = with_sidecar(packs);
  PodSpec pod;
  if (run.spec.harness) pod.initContainers.push_back(launcher_container(settings));
  pod.initContainers.push_back(bridge_container(run, sidecars, settings));
  std::uint32_t uid = protocol::uid_skill_first;
  for (const UsedPack* used : sidecars)
    pod.initContainers.push_back(skill_sidecar(run, *used, uid++, settings));
  pod.containers.push_back(agent_container(run, settings));
  pod.volumes = volumes(run, sidecars, settings);
  pod.restartPolicy = "OnFailure";
  pod.terminationGracePeriodSeconds = 10;
  pod.serviceAccountName = std::string(protocol::service_account_run);
  pod.automountServiceAccountToken = false;
  pod.enableServiceLinks = false;
  pod.nodeSelector = run.spec.model.nodeSelector;
  pod.imagePullSecrets = run.spec.imagePullSecrets;
  pod.securityContext =
      PodSecurityContext{.fsGroup = protocol::gid_workspace,
                         .runAsNonRoot = true,
                         .seccompProfile = SecurityProfile{.type = "RuntimeDefault"}};
  return pod;
}

}  // namespace

std::string job_name(const AgentRun& run) { return controller::child_name(run.metadata.name, ""); }

Job desired_job(const AgentRun& run, const std::vector<UsedPack>& packs,
                const PodSettings& settings) {
  Job job;
  job.metadata.ns = run.metadata.ns;
  job.metadata.name = job_name(run);
  job.metadata.labels = labels_of(run);
  job.metadata.ownerReferences = {{.apiVersion = AgentRun::info.api_version(),
                                   .kind = std::string(AgentRun::info.kind),
                                   .name = run.metadata.name,
                                   .uid = run.metadata.uid,
                                   .controller = true}};
  job.spec.parallelism = 1;
  job.spec.completions = 1;
  job.spec.backoffLimit = 6;  // counts restarts of all containers; the sixth fails the Job
  job.spec.podReplacementPolicy = "Failed";
  job.spec.podTemplate.metadata.labels = labels_of(run);
  job.spec.podTemplate.spec = desired_pod(run, packs, settings);
  return job;
}

}  // namespace reconcilers
