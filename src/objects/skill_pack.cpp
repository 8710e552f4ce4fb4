#include "objects/skill_pack.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

// ---- spec ----

constexpr Struct SkillRequirements::table{"SkillRequirements", &room<SkillRequirements>, {
    {"bins", &SkillRequirements::bins, refused, "Programs that the skill needs."},
    {"tools", &SkillRequirements::tools, refused, "Tools that the skill needs."},
}};
constexpr Struct Skill::table{"Skill", &room<Skill>, {
    {"name", &Skill::name, required | min_length(1) | honoured, "Name, unique in the pack."},
    {"description", &Skill::description, honoured, "One line for the system prompt: when the skill helps."},
    {"content", &Skill::content, required | honoured, "Markdown. The agent reads it from /skills/<name>.md; the system prompt says so."},
    {"requires", &Skill::requires_, refused, "What the skill needs."},
}};

constexpr Struct SidecarTool::table{"SidecarTool", &room<SidecarTool>, {
    {"name", &SidecarTool::name, required | max_length(64) | formatted(Format::tool_name) | honoured, "Name, unique among all packs of a run and the built-in tools."},
    {"description", &SidecarTool::description, required | max_length(2048) | honoured, "Shown to the model."},
    {"exec", &SidecarTool::exec, required | min_length(1) | honoured, "Program and first arguments."},
    {"subcommand", &SidecarTool::subcommand, honoured, "One more argument after exec."},
    {"inputMode", &SidecarTool::inputMode, by_default("args") | honoured, "args: parameters as positional arguments; stdin: as a JSON object on standard input. Default args."},
    {"parameters", &SidecarTool::parameters, honoured, "JSON Schema of the arguments. Default: none are taken."},
    {"positionalArgs", &SidecarTool::positionalArgs, honoured, "Order of the parameters on the command line; each is declared and required."},
    {"effect", &SidecarTool::effect, by_default("external") | honoured, "What a call may change: none, workspace or external. Default external. An extension."},
    {"idempotent", &SidecarTool::idempotent, by_default(false) | honoured, "Whether a call whose end nobody saw may be made again. Default false. An extension."},
}};

constexpr Struct SidecarResources::table{"SidecarResources", &room<SidecarResources>, {
    {"cpu", &SidecarResources::cpu, by_default("100m") | honoured, "Cores, requested and limit. Default 100m."},
    {"memory", &SidecarResources::memory, by_default("128Mi") | honoured, "Bytes, requested and limit. Default 128Mi."},
}};

constexpr Struct HostMount::table{"HostMount", &room<HostMount>, {
    {"hostPath", &HostMount::hostPath, required | refused, "Path on the node."},
    {"mountPath", &HostMount::mountPath, required | refused, "Path in the container."},
    {"readOnly", &HostMount::readOnly, by_default(true) | refused, "Whether it is read-only. Default true."},
}};
constexpr Struct HostAccess::table{"HostAccess", &room<HostAccess>, {
    {"enabled", &HostAccess::enabled, refused, "Whether any of this applies."},
    {"hostNetwork", &HostAccess::hostNetwork, refused, "Whether the pod has the node's network."},
    {"hostPID", &HostAccess::hostPID, refused, "Whether the pod sees the node's processes."},
    {"privileged", &HostAccess::privileged, refused, "Whether the sidecar is privileged."},
    {"runAsRoot", &HostAccess::runAsRoot, refused, "Whether the sidecar is root."},
    {"mounts", &HostAccess::mounts, refused, "Paths of the node."},
}};
constexpr Struct SidecarPort::table{"SidecarPort", &room<SidecarPort>, {
    {"name", &SidecarPort::name, required | refused, "Name of the port."},
    {"containerPort", &SidecarPort::containerPort, required | at_least(1) | at_most(65535) | refused, "Port."},
    {"protocol", &SidecarPort::protocol, refused, "TCP or UDP."},
}};

constexpr Struct SkillSidecar::table{"SkillSidecar", &room<SkillSidecar>, {
    {"image", &SkillSidecar::image, required | min_length(1) | honoured, "Image with the tools."},
    {"command", &SkillSidecar::command, honoured, "Command; default the image's."},
    {"env", &SkillSidecar::env, keyed_by("name") | honoured, "Environment."},
    {"resources", &SkillSidecar::resources, honoured, "Resources, requested and limit."},
    {"mountWorkspace", &SkillSidecar::mountWorkspace, by_default(true) | honoured, "Whether the sidecar shares /workspace with the agent. Default true."},
    {"tools", &SkillSidecar::tools, keyed_by("name") | honoured, "Tools offered to the model and executed in this sidecar, besides execute_command."},
    {"imagePullPolicy", &SkillSidecar::imagePullPolicy, refused, "Always, IfNotPresent or Never."},
    {"secretRef", &SkillSidecar::secretRef, refused, "Secret mounted as files."},
    {"secretMountPath", &SkillSidecar::secretMountPath, refused, "Where. Default /secrets/<ref>."},
    {"rbac", &SkillSidecar::rbac, refused, "Role rules made for each run."},
    {"clusterRBAC", &SkillSidecar::clusterRBAC, refused, "ClusterRole rules made for each run."},
    {"hostAccess", &SkillSidecar::hostAccess, refused, "Access to the node."},
    {"ports", &SkillSidecar::ports, refused, "Ports of the container."},
    {"requiresServer", &SkillSidecar::requiresServer, refused, "Whether the pack serves rather than answers."},
    {"volumes", &SkillSidecar::volumes, refused, "Further volumes of the pod."},
    {"volumeMounts", &SkillSidecar::volumeMounts, refused, "Further mounts of the sidecar."},
}};

constexpr Struct RuntimeRequirements::table{"RuntimeRequirements", &room<RuntimeRequirements>, {
    {"image", &RuntimeRequirements::image, refused, "Image."},
    {"minCPU", &RuntimeRequirements::minCPU, refused, "Cores at least."},
    {"minMemory", &RuntimeRequirements::minMemory, refused, "Bytes at least."},
    {"sandbox", &RuntimeRequirements::sandbox, refused, "Whether a sandbox is needed."},
}};

constexpr Struct SkillPackSpec::table{"SkillPackSpec", &room<SkillPackSpec>, {
    {"skills", &SkillPackSpec::skills, required | keyed_by("name") | honoured, "Instructions for the model."},
    {"sidecar", &SkillPackSpec::sidecar, honoured, "Container with tools beside the agent."},
    {"category", &SkillPackSpec::category, honoured, "Where catalogues list it."},
    {"source", &SkillPackSpec::source, honoured, "Where it comes from, for people."},
    {"version", &SkillPackSpec::version, honoured, "Its version, for people."},
    {"runtimeRequirements", &SkillPackSpec::runtimeRequirements, refused, "What it needs from the platform."},
}};

// ---- status ----

constexpr Struct SkillPackStatus::table{"SkillPackStatus", &room<SkillPackStatus>, {
    {"phase", &SkillPackStatus::phase, honoured, "Ready or Error."},
    {"observedGeneration", &SkillPackStatus::observedGeneration, at_least(0) | honoured, "metadata.generation that the controller has acted on."},
    {"conditions", &SkillPackStatus::conditions, keyed_by("type") | honoured, "Ready, Reconciling, Stalled."},
    {"skillCount", &SkillPackStatus::skillCount, at_least(0) | honoured, "Skills in it."},
    {"configMapName", &SkillPackStatus::configMapName, honoured, "ConfigMap with the skills."},
}};

constexpr Struct SkillPack::table{"SkillPack", &room<SkillPack>, {
    {"metadata", &SkillPack::metadata, honoured, "Name, labels, owners."},
    {"spec", &SkillPack::spec, required | honoured, "Skills and tools."},
    {"status", &SkillPack::status, honoured, "Whether it can be used."},
}, &SkillPack::info};

constexpr KindInfo SkillPack::info{
    .group = "sympozium.ai", .version = "v1alpha1",
    .kind = "SkillPack", .plural = "skillpacks", .singular = "skillpack",
    .status = StatusSubresource::yes,
    .short_names = {"sp", "skp"},
    .categories = {"sympozium"},
    .columns = {
        {"Skills", "integer", ".status.skillCount", "Skills in it"},
        {"Image", "string", ".spec.sidecar.image", "Image of its sidecar"},
        {"Category", "string", ".spec.category", "Where catalogues list it", 1},
        {"Version", "string", ".spec.version", "Its version", 1},
        {"Source", "string", ".spec.source", "Where it comes from", 1},
        {"Age", "date", ".metadata.creationTimestamp", "Time since it was made"},
    },
    .table = &SkillPack::table,
    .doc = "Instructions for the model, and a container with tools beside the agent.",
};

}  // namespace objects
