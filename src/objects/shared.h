// Pieces that several of our kinds share.
#pragma once

#include "objects/meta.h"

namespace objects {

enum class PullPolicy : std::uint8_t { unset, always, if_not_present, never };
constexpr schema::Names names(PullPolicy) { return {"", "Always", "IfNotPresent", "Never"}; }

// A SkillPack used by an agent or a run.
struct SkillRef {
  std::string skillPackRef;
  std::string configMapRef;
  TextMap params;  // SKILL_<KEY> in the sidecar's environment
  bool operator==(const SkillRef&) const = default;
  static const Struct table;
};

struct EnvFromSecret {
  std::optional<SecretKeySelector> secretKeyRef;
  bool operator==(const EnvFromSecret&) const = default;
  static const Struct table;
};
struct SimpleEnvVar {
  std::string name, value;
  std::optional<EnvFromSecret> valueFrom;
  bool operator==(const SimpleEnvVar&) const = default;
  static const Struct table;
};

// RBAC rules that a part of a run asks for.
struct RoleRule {
  Texts apiGroups, resources, verbs;
  bool operator==(const RoleRule&) const = default;
  static const Struct table;
};

struct ResourceAmounts {
  Amounts requests, limits;
  bool operator==(const ResourceAmounts&) const = default;
  static const Struct table;
};

// A foreign agent: any program, in place of our runner.
struct Harness {
  std::string image;
  Texts command, args;
  TextMap env;
  bool operator==(const Harness&) const = default;
  static const Struct table;
};
enum class OnDivergence : std::uint8_t { carry_on, ask, fail };
constexpr schema::Names names(OnDivergence) { return {"continue", "ask", "fail"}; }
struct Resume {
  OnDivergence onDivergence = OnDivergence::carry_on;
  bool operator==(const Resume&) const = default;
  static const Struct table;
};

struct Hook {
  std::string name, image;
  PullPolicy imagePullPolicy = PullPolicy::unset;
  Texts command, args;
  std::vector<SimpleEnvVar> env;
  bool gate = false;
  std::string timeout;
  bool operator==(const Hook&) const = default;
  static const Struct table;
};
enum class GateDefault : std::uint8_t { block, allow };
constexpr schema::Names names(GateDefault) { return {"block", "allow"}; }
struct LifecycleHooks {
  GateDefault gateDefault = GateDefault::block;
  std::vector<Hook> preRun, postRun;
  std::vector<RoleRule> rbac;
  bool operator==(const LifecycleHooks&) const = default;
  static const Struct table;
};

}  // namespace objects
