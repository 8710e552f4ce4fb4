// Agent: a configured agent. Runs copy what they need from it when they are born.
#pragma once

#include "objects/shared.h"
#include "schema/kind.h"

namespace objects {

// ---- spec ----

struct AuthRef {
  std::string provider = "openai", secret;
  bool operator==(const AuthRef&) const = default;
  static const Struct table;
};

struct WarmPool {
  std::int64_t size = 2;
  std::string runtimeClass;
  ResourceAmounts resources;
  bool operator==(const WarmPool&) const = default;
  static const Struct table;
};
struct AgentSandboxDefaults {
  bool enabled = false;
  std::string runtimeClass;
  std::optional<WarmPool> warmPool;
  bool operator==(const AgentSandboxDefaults&) const = default;
  static const Struct table;
};
struct SandboxDefaults {
  bool enabled = false;
  std::string image;
  PullPolicy imagePullPolicy = PullPolicy::unset;
  ResourceAmounts resources;
  bool operator==(const SandboxDefaults&) const = default;
  static const Struct table;
};
struct Subagents {
  std::int64_t maxDepth = 2, maxConcurrent = 5, maxChildrenPerAgent = 3;
  bool operator==(const Subagents&) const = default;
  static const Struct table;
};

// What a run of this agent begins with.
struct RunDefaults {
  std::string model, baseURL;
  TextMap env, nodeSelector;
  std::string runTimeout;  // Go duration
  // refused by this version
  std::string thinking, providerHeadersSecretRef;
  TextMap providerHeaders;
  std::optional<LifecycleHooks> lifecycle;
  std::optional<SandboxDefaults> sandbox;
  std::optional<AgentSandboxDefaults> agentSandbox;
  std::optional<Subagents> subagents;
  bool operator==(const RunDefaults&) const = default;
  static const Struct table;
};
struct AgentsBlock {
  RunDefaults defaults;  // "default" on the wire
  bool operator==(const AgentsBlock&) const = default;
  static const Struct table;
};

struct MemorySettings {
  bool enabled = false;
  std::optional<bool> autoStore;
  std::int64_t maxSizeKB = 256;
  std::string systemPrompt;
  bool operator==(const MemorySettings&) const = default;
  static const Struct table;
};

struct ChannelSecret {
  std::string secret, provider;
  bool operator==(const ChannelSecret&) const = default;
  static const Struct table;
};
struct ChannelAccess {
  Texts allowedChats, allowedSenders, deniedSenders;
  std::string denyMessage;
  bool operator==(const ChannelAccess&) const = default;
  static const Struct table;
};
struct ChannelTriggers {
  Texts startKeywords, stopKeywords;
  bool operator==(const ChannelTriggers&) const = default;
  static const Struct table;
};
struct SlackOptions {
  Texts allowedTriggers;
  std::string emojiOnStart, emojiOnStop, emojiOnTrigger;
  bool threading = false, threadStickiness = false;
  bool operator==(const SlackOptions&) const = default;
  static const Struct table;
};
struct ChannelBinding {
  std::string type;
  std::optional<ChannelSecret> configRef;
  std::optional<ChannelAccess> accessControl;
  std::optional<ChannelTriggers> triggers;
  std::optional<SlackOptions> slack;
  std::vector<JsonObject> volumes, volumeMounts;
  bool operator==(const ChannelBinding&) const = default;
  static const Struct table;
};

struct McpServerRef {
  std::string name, url, toolsPrefix, authSecret, authKey;
  TextMap headers;
  std::int64_t timeout = 30;
  Texts toolsAllow, toolsDeny;
  bool operator==(const McpServerRef&) const = default;
  static const Struct table;
};

enum class OtlpProtocol : std::uint8_t { unset, grpc, http_protobuf };
constexpr schema::Names names(OtlpProtocol) { return {"", "grpc", "http/protobuf"}; }
struct Observability {
  bool enabled = false;
  std::string otlpEndpoint, serviceName, samplingRatio, headersSecretRef;
  OtlpProtocol otlpProtocol = OtlpProtocol::unset;
  TextMap headers, resourceAttributes;
  bool operator==(const Observability&) const = default;
  static const Struct table;
};

struct RateLimit {
  std::int64_t requestsPerMinute = 60, burstSize = 10;
  bool operator==(const RateLimit&) const = default;
  static const Struct table;
};
struct WebEndpoint {
  bool enabled = false;
  std::string hostname, authSecretRef;
  std::optional<RateLimit> rateLimit;
  bool operator==(const WebEndpoint&) const = default;
  static const Struct table;
};

struct AgentSpec {
  AgentsBlock agents;
  std::vector<AuthRef> authRefs;
  std::vector<SkillRef> skills;
  std::string displayName;
  std::vector<LocalObjectReference> imagePullSecrets;
  MemorySettings memory;  // systemPrompt is the agent's system prompt
  std::optional<Harness> harness;
  std::optional<Resume> resume;
  // refused by this version
  std::string policyRef;
  std::vector<ChannelBinding> channels;
  std::vector<McpServerRef> mcpServers;
  std::optional<Observability> observability;
  std::optional<WebEndpoint> webEndpoint;
  std::vector<JsonObject> volumes, volumeMounts;
  bool operator==(const AgentSpec&) const = default;
  static const Struct table;
};

// ---- status ----

enum class AgentPhase : std::uint8_t { unset, pending, running, serving, error };
constexpr schema::Names names(AgentPhase) { return {"", "Pending", "Running", "Serving", "Error"}; }

struct ChannelStatus {
  std::string type, status, message;
  std::optional<Time> lastHealthCheck;
  bool operator==(const ChannelStatus&) const = default;
  static const Struct table;
};
struct WebEndpointStatus {
  std::string status, url, authSecretName;
  bool operator==(const WebEndpointStatus&) const = default;
  static const Struct table;
};

struct AgentStatus {
  AgentPhase phase = AgentPhase::unset;
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
  std::int64_t activeAgentPods = 0, totalAgentRuns = 0;
  // not written by this version
  std::vector<ChannelStatus> channels;
  std::optional<WebEndpointStatus> webEndpoint;
  bool operator==(const AgentStatus&) const = default;
  static const Struct table;
};

struct Agent {
  ObjectMeta metadata;
  AgentSpec spec;
  AgentStatus status;
  bool operator==(const Agent&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
