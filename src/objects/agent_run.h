// AgentRun: one execution of an agent. Becomes a Job with one Pod.
#pragma once

#include "objects/shared.h"
#include "schema/kind.h"

namespace objects {

// ---- spec ----

struct ModelRef {
  std::string provider, model, baseURL, authSecretRef;
  TextMap nodeSelector;
  std::string modelRef, thinking, providerHeadersSecretRef;
  TextMap providerHeaders;
  bool operator==(const ModelRef&) const = default;
  static const Struct table;
};

struct ToolPolicy {
  Texts allow, deny;
  bool operator==(const ToolPolicy&) const = default;
  static const Struct table;
};

enum class Cleanup : std::uint8_t { remove, keep };
constexpr schema::Names names(Cleanup) { return {"delete", "keep"}; }
enum class RunMode : std::uint8_t { task, server };
constexpr schema::Names names(RunMode) { return {"task", "server"}; }
struct ParentRef {
  std::string runName, sessionKey;
  std::int64_t spawnDepth = 0;
  bool operator==(const ParentRef&) const = default;
  static const Struct table;
};
struct RunAgentSandbox {
  bool enabled = false;
  std::string runtimeClass, warmPoolRef;
  ResourceAmounts resources;
  bool operator==(const RunAgentSandbox&) const = default;
  static const Struct table;
};
struct DroppedCapabilities {
  Texts drop;
  bool operator==(const DroppedCapabilities&) const = default;
  static const Struct table;
};
struct ProfileType {
  std::string type;
  bool operator==(const ProfileType&) const = default;
  static const Struct table;
};
struct SandboxSecurity {
  std::optional<bool> readOnlyRootFilesystem, runAsNonRoot;
  DroppedCapabilities capabilities;
  std::optional<ProfileType> seccompProfile;
  bool operator==(const SandboxSecurity&) const = default;
  static const Struct table;
};
struct RunSandbox {
  bool enabled = false;
  std::string image;
  PullPolicy imagePullPolicy = PullPolicy::unset;
  ResourceAmounts resources;
  SandboxSecurity securityContext;
  bool operator==(const RunSandbox&) const = default;
  static const Struct table;
};

// Whose recorded beginning a run shares.
struct Fork {
  std::string run;
  std::int64_t step = 0;
  bool newTask = false, newSystemPrompt = false;
  bool operator==(const Fork&) const = default;
  static const Struct table;
};

struct AgentRunSpec {
  std::string agentRef, agentId, sessionKey;
  std::string task, systemPrompt;
  ModelRef model;
  std::vector<SkillRef> skills;
  ToolPolicy toolPolicy;
  std::string timeout;  // Go duration; "" is 10m
  Cleanup cleanup = Cleanup::remove;
  TextMap env;
  std::vector<LocalObjectReference> imagePullSecrets;
  std::optional<Harness> harness;
  std::optional<Resume> resume;
  std::optional<Fork> fork;
  // refused by this version
  RunMode mode = RunMode::task;
  bool useContext = false, dryRun = false, canaryMode = false;
  std::optional<ParentRef> parent;
  std::optional<LifecycleHooks> lifecycle;
  std::optional<RunSandbox> sandbox;
  std::optional<RunAgentSandbox> agentSandbox;
  std::vector<JsonObject> volumes, volumeMounts;
  bool operator==(const AgentRunSpec&) const = default;
  static const Struct table;
};

// ---- status ----

enum class RunPhase : std::uint8_t {
  unset,
  pending,
  running,
  suspended,  // holds no pod; condition Waiting says for what
  serving,
  post_running,
  awaiting_delegate,
  succeeded,
  failed,
  skipped,
};
constexpr schema::Names names(RunPhase) {
  return {"",        "Pending",     "Running",          "Suspended",
          "Serving", "PostRunning", "AwaitingDelegate", "Succeeded",
          "Failed",  "Skipped"};
}
// Succeeded, Failed, Skipped: a run reaches exactly one of them and stays there.
constexpr bool is_terminal(RunPhase phase) { return phase >= RunPhase::succeeded; }

struct TokenUsage {
  std::int64_t inputTokens = 0, outputTokens = 0, totalTokens = 0;
  std::int64_t toolCalls = 0;
  std::int64_t durationMs = 0;
  bool operator==(const TokenUsage&) const = default;
  static const Struct table;
};

enum class OutcomeStatus : std::uint8_t { success, error };
constexpr schema::Names names(OutcomeStatus) { return {"success", "error"}; }
// How the agent's last execution ended, as the journal has it. Written by the gateway; its presence
// means that the outcome is committed.
struct RunOutcome {
  OutcomeStatus status = OutcomeStatus::success;
  std::string error;  // with status error: for people
  std::int64_t attempt = 0, execution = 0;
  Time committedAt{};
  bool operator==(const RunOutcome&) const = default;
  static const Struct table;
};

// Where a foreign agent, run again, first asked something else than before. Written by the gateway.
struct Divergence {
  std::int64_t attempt = 0, execution = 0;  // that asked it
  std::int64_t turn = 0, recorded = 0;      // the new call, and the one that was expected
  std::string pointer;                      // JSON pointer into the request's body
  bool operator==(const Divergence&) const = default;
  static const Struct table;
};

struct CostEstimate {
  std::int64_t amountMicro = 0, inputAmountMicro = 0, outputAmountMicro = 0;
  std::string currency, priceKey, source;
  std::optional<Time> estimatedAt;
  bool operator==(const CostEstimate&) const = default;
  static const Struct table;
};
struct Delegate {
  std::string childRunName, batchId, taskId, targetPersona, phase, result, error;
  bool operator==(const Delegate&) const = default;
  static const Struct table;
};

struct AgentRunStatus {
  RunPhase phase = RunPhase::unset;
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
  std::optional<Time> startedAt, completedAt;
  std::string jobName, podName, podUID;
  std::int64_t attempt = 0;
  // of the gateway
  std::string result;
  std::optional<TokenUsage> tokenUsage;
  std::string policyHash;
  std::optional<RunOutcome> outcome;
  std::optional<Divergence> divergence;
  // of the controller
  std::string error;
  std::optional<std::int64_t> exitCode;
  // not written by this version
  std::string deploymentName, serviceName, postRunJobName, sandboxName, sandboxClaimName, traceID,
      gateVerdict;
  std::optional<CostEstimate> costEstimate;
  std::vector<Delegate> delegates;
  bool operator==(const AgentRunStatus&) const = default;
  static const Struct table;
};

struct AgentRun {
  ObjectMeta metadata;
  AgentRunSpec spec;
  AgentRunStatus status;
  bool operator==(const AgentRun&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
