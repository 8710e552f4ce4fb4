// SkillPack: instructions for the model, and a container with tools beside the agent.
#pragma once

#include "objects/shared.h"
#include "schema/kind.h"

namespace objects {

// ---- spec ----

struct SkillRequirements {
  Texts bins, tools;
  bool operator==(const SkillRequirements&) const = default;
  static const Struct table;
};
struct Skill {
  std::string name, description, content;
  std::optional<SkillRequirements> requires_;  // "requires" on the wire
  bool operator==(const Skill&) const = default;
  static const Struct table;
};

enum class InputMode : std::uint8_t { args, stdin_json };
constexpr schema::Names names(InputMode) { return {"args", "stdin"}; }
// What a call of a tool may change; decides what is done about a call whose end nobody saw.
enum class Effect : std::uint8_t { external, workspace, none };
constexpr schema::Names names(Effect) { return {"external", "workspace", "none"}; }

struct SidecarTool {
  std::string name, description;
  Texts exec;
  std::string subcommand;
  InputMode inputMode = InputMode::args;
  JsonObject parameters;  // JSON Schema of the arguments
  Texts positionalArgs;
  Effect effect = Effect::external;
  bool idempotent = false;
  bool operator==(const SidecarTool&) const = default;
  static const Struct table;
};

struct SidecarResources {
  Quantity cpu = Quantity::of_milli(100);                                     // 100m
  Quantity memory = Quantity::of(128 * 1024 * 1024, Quantity::Form::binary);  // 128Mi
  bool operator==(const SidecarResources&) const = default;
  static const Struct table;
};

struct HostMount {
  std::string hostPath, mountPath;
  bool readOnly = true;
  bool operator==(const HostMount&) const = default;
  static const Struct table;
};
struct HostAccess {
  bool enabled = false, hostNetwork = false, hostPID = false, privileged = false, runAsRoot = false;
  std::vector<HostMount> mounts;
  bool operator==(const HostAccess&) const = default;
  static const Struct table;
};
struct SidecarPort {
  std::string name, protocol;
  std::int64_t containerPort = 0;
  bool operator==(const SidecarPort&) const = default;
  static const Struct table;
};

struct SkillSidecar {
  std::string image;
  Texts command;
  std::vector<SimpleEnvVar> env;
  SidecarResources resources;
  bool mountWorkspace = true;
  std::vector<SidecarTool> tools;
  // refused by this version
  PullPolicy imagePullPolicy = PullPolicy::unset;
  std::string secretRef, secretMountPath;
  std::vector<RoleRule> rbac, clusterRBAC;
  std::optional<HostAccess> hostAccess;
  std::vector<SidecarPort> ports;
  bool requiresServer = false;
  std::vector<JsonObject> volumes, volumeMounts;
  bool operator==(const SkillSidecar&) const = default;
  static const Struct table;
};

struct RuntimeRequirements {
  std::string image;
  std::optional<Quantity> minCPU, minMemory;
  bool sandbox = false;
  bool operator==(const RuntimeRequirements&) const = default;
  static const Struct table;
};

struct SkillPackSpec {
  std::vector<Skill> skills;
  std::optional<SkillSidecar> sidecar;
  std::string category, source, version;
  // refused by this version
  std::optional<RuntimeRequirements> runtimeRequirements;
  bool operator==(const SkillPackSpec&) const = default;
  static const Struct table;
};

// ---- status ----

enum class SkillPackPhase : std::uint8_t { unset, ready, error };
constexpr schema::Names names(SkillPackPhase) { return {"", "Ready", "Error"}; }

struct SkillPackStatus {
  SkillPackPhase phase = SkillPackPhase::unset;
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
  std::int64_t skillCount = 0;
  std::string configMapName;
  bool operator==(const SkillPackStatus&) const = default;
  static const Struct table;
};

struct SkillPack {
  ObjectMeta metadata;
  SkillPackSpec spec;
  SkillPackStatus status;
  bool operator==(const SkillPack&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
