// Every field of the upstream CRDs (v1alpha1) has an entry in our tables, so that each is honoured,
// inert or refused and none is unknown.
#include <gtest/gtest.h>

#include <set>

#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/skill_pack.h"
#include "schema/reference.h"

namespace objects {
namespace {

std::string missing(const Struct& table, std::initializer_list<std::string_view> upstream) {
  std::set<std::string> ours;
  for (const auto& entry : schema::list_fields(table)) ours.insert(entry.path);
  std::string out;
  for (auto path : upstream)
    if (!ours.contains(std::string(path))) out += std::string(path) + "\n";
  return out;
}

// clang-format off
TEST(UpstreamFields, AreAllKnownOfAgentRun) {
  EXPECT_EQ(missing(AgentRun::table, {
      "spec.agentId", "spec.agentRef", "spec.agentSandbox", "spec.agentSandbox.enabled",
      "spec.agentSandbox.resources", "spec.agentSandbox.resources.limits",
      "spec.agentSandbox.resources.requests", "spec.agentSandbox.runtimeClass",
      "spec.agentSandbox.warmPoolRef", "spec.canaryMode", "spec.cleanup", "spec.dryRun",
      "spec.env", "spec.imagePullSecrets", "spec.lifecycle", "spec.lifecycle.gateDefault",
      "spec.lifecycle.postRun", "spec.lifecycle.postRun[].args",
      "spec.lifecycle.postRun[].command", "spec.lifecycle.postRun[].env",
      "spec.lifecycle.postRun[].env[].name", "spec.lifecycle.postRun[].env[].value",
      "spec.lifecycle.postRun[].env[].valueFrom",
      "spec.lifecycle.postRun[].env[].valueFrom.secretKeyRef.key",
      "spec.lifecycle.postRun[].env[].valueFrom.secretKeyRef.name",
      "spec.lifecycle.postRun[].env[].valueFrom.secretKeyRef.optional",
      "spec.lifecycle.postRun[].gate", "spec.lifecycle.postRun[].image",
      "spec.lifecycle.postRun[].imagePullPolicy", "spec.lifecycle.postRun[].name",
      "spec.lifecycle.postRun[].timeout", "spec.lifecycle.preRun", "spec.lifecycle.preRun[].args",
      "spec.lifecycle.preRun[].command", "spec.lifecycle.preRun[].env",
      "spec.lifecycle.preRun[].env[].name", "spec.lifecycle.preRun[].env[].value",
      "spec.lifecycle.preRun[].env[].valueFrom",
      "spec.lifecycle.preRun[].env[].valueFrom.secretKeyRef.key",
      "spec.lifecycle.preRun[].env[].valueFrom.secretKeyRef.name",
      "spec.lifecycle.preRun[].env[].valueFrom.secretKeyRef.optional",
      "spec.lifecycle.preRun[].gate", "spec.lifecycle.preRun[].image",
      "spec.lifecycle.preRun[].imagePullPolicy", "spec.lifecycle.preRun[].name",
      "spec.lifecycle.preRun[].timeout", "spec.lifecycle.rbac", "spec.lifecycle.rbac[].apiGroups",
      "spec.lifecycle.rbac[].resources", "spec.lifecycle.rbac[].verbs", "spec.mode", "spec.model",
      "spec.model.authSecretRef", "spec.model.baseURL", "spec.model.model", "spec.model.modelRef",
      "spec.model.nodeSelector", "spec.model.provider", "spec.model.providerHeaders",
      "spec.model.providerHeadersSecretRef", "spec.model.thinking", "spec.parent",
      "spec.parent.runName", "spec.parent.sessionKey", "spec.parent.spawnDepth", "spec.sandbox",
      "spec.sandbox.enabled", "spec.sandbox.image", "spec.sandbox.imagePullPolicy",
      "spec.sandbox.resources", "spec.sandbox.resources.limits",
      "spec.sandbox.resources.requests", "spec.sandbox.securityContext",
      "spec.sandbox.securityContext.capabilities",
      "spec.sandbox.securityContext.capabilities.drop",
      "spec.sandbox.securityContext.readOnlyRootFilesystem",
      "spec.sandbox.securityContext.runAsNonRoot", "spec.sandbox.securityContext.seccompProfile",
      "spec.sandbox.securityContext.seccompProfile.type", "spec.sessionKey", "spec.skills",
      "spec.skills[].configMapRef", "spec.skills[].params", "spec.skills[].skillPackRef",
      "spec.systemPrompt", "spec.task", "spec.timeout", "spec.toolPolicy",
      "spec.toolPolicy.allow", "spec.toolPolicy.deny", "spec.useContext", "spec.volumeMounts",
      "spec.volumes", "status.completedAt", "status.conditions", "status.costEstimate",
      "status.costEstimate.amountMicro", "status.costEstimate.currency",
      "status.costEstimate.estimatedAt", "status.costEstimate.inputAmountMicro",
      "status.costEstimate.outputAmountMicro", "status.costEstimate.priceKey",
      "status.costEstimate.source", "status.delegates", "status.delegates[].batchId",
      "status.delegates[].childRunName", "status.delegates[].error", "status.delegates[].phase",
      "status.delegates[].result", "status.delegates[].targetPersona",
      "status.delegates[].taskId", "status.deploymentName", "status.error", "status.exitCode",
      "status.gateVerdict", "status.jobName", "status.phase", "status.podName",
      "status.postRunJobName", "status.result", "status.sandboxClaimName", "status.sandboxName",
      "status.serviceName", "status.startedAt", "status.tokenUsage",
      "status.tokenUsage.durationMs", "status.tokenUsage.inputTokens",
      "status.tokenUsage.outputTokens", "status.tokenUsage.toolCalls",
      "status.tokenUsage.totalTokens", "status.traceID",
  }), "");
}
// clang-format on

// clang-format off
TEST(UpstreamFields, AreAllKnownOfAgent) {
  EXPECT_EQ(missing(Agent::table, {
      "spec.agents", "spec.agents.default", "spec.agents.default.agentSandbox",
      "spec.agents.default.agentSandbox.enabled", "spec.agents.default.agentSandbox.runtimeClass",
      "spec.agents.default.agentSandbox.warmPool",
      "spec.agents.default.agentSandbox.warmPool.resources",
      "spec.agents.default.agentSandbox.warmPool.resources.limits",
      "spec.agents.default.agentSandbox.warmPool.resources.requests",
      "spec.agents.default.agentSandbox.warmPool.runtimeClass",
      "spec.agents.default.agentSandbox.warmPool.size", "spec.agents.default.baseURL",
      "spec.agents.default.env", "spec.agents.default.lifecycle",
      "spec.agents.default.lifecycle.gateDefault", "spec.agents.default.lifecycle.postRun",
      "spec.agents.default.lifecycle.postRun[].args",
      "spec.agents.default.lifecycle.postRun[].command",
      "spec.agents.default.lifecycle.postRun[].env",
      "spec.agents.default.lifecycle.postRun[].env[].name",
      "spec.agents.default.lifecycle.postRun[].env[].value",
      "spec.agents.default.lifecycle.postRun[].env[].valueFrom",
      "spec.agents.default.lifecycle.postRun[].env[].valueFrom.secretKeyRef.key",
      "spec.agents.default.lifecycle.postRun[].env[].valueFrom.secretKeyRef.name",
      "spec.agents.default.lifecycle.postRun[].env[].valueFrom.secretKeyRef.optional",
      "spec.agents.default.lifecycle.postRun[].gate",
      "spec.agents.default.lifecycle.postRun[].image",
      "spec.agents.default.lifecycle.postRun[].imagePullPolicy",
      "spec.agents.default.lifecycle.postRun[].name",
      "spec.agents.default.lifecycle.postRun[].timeout", "spec.agents.default.lifecycle.preRun",
      "spec.agents.default.lifecycle.preRun[].args",
      "spec.agents.default.lifecycle.preRun[].command",
      "spec.agents.default.lifecycle.preRun[].env",
      "spec.agents.default.lifecycle.preRun[].env[].name",
      "spec.agents.default.lifecycle.preRun[].env[].value",
      "spec.agents.default.lifecycle.preRun[].env[].valueFrom",
      "spec.agents.default.lifecycle.preRun[].env[].valueFrom.secretKeyRef.key",
      "spec.agents.default.lifecycle.preRun[].env[].valueFrom.secretKeyRef.name",
      "spec.agents.default.lifecycle.preRun[].env[].valueFrom.secretKeyRef.optional",
      "spec.agents.default.lifecycle.preRun[].gate",
      "spec.agents.default.lifecycle.preRun[].image",
      "spec.agents.default.lifecycle.preRun[].imagePullPolicy",
      "spec.agents.default.lifecycle.preRun[].name",
      "spec.agents.default.lifecycle.preRun[].timeout", "spec.agents.default.lifecycle.rbac",
      "spec.agents.default.lifecycle.rbac[].apiGroups",
      "spec.agents.default.lifecycle.rbac[].resources",
      "spec.agents.default.lifecycle.rbac[].verbs", "spec.agents.default.model",
      "spec.agents.default.nodeSelector", "spec.agents.default.providerHeaders",
      "spec.agents.default.providerHeadersSecretRef", "spec.agents.default.runTimeout",
      "spec.agents.default.sandbox", "spec.agents.default.sandbox.enabled",
      "spec.agents.default.sandbox.image", "spec.agents.default.sandbox.imagePullPolicy",
      "spec.agents.default.sandbox.resources", "spec.agents.default.sandbox.resources.limits",
      "spec.agents.default.sandbox.resources.requests", "spec.agents.default.subagents",
      "spec.agents.default.subagents.maxChildrenPerAgent",
      "spec.agents.default.subagents.maxConcurrent", "spec.agents.default.subagents.maxDepth",
      "spec.agents.default.thinking", "spec.authRefs", "spec.authRefs[].provider",
      "spec.authRefs[].secret", "spec.channels", "spec.channels[].accessControl",
      "spec.channels[].accessControl.allowedChats",
      "spec.channels[].accessControl.allowedSenders",
      "spec.channels[].accessControl.deniedSenders", "spec.channels[].accessControl.denyMessage",
      "spec.channels[].configRef", "spec.channels[].configRef.provider",
      "spec.channels[].configRef.secret", "spec.channels[].slack",
      "spec.channels[].slack.allowedTriggers", "spec.channels[].slack.emojiOnStart",
      "spec.channels[].slack.emojiOnStop", "spec.channels[].slack.emojiOnTrigger",
      "spec.channels[].slack.threadStickiness", "spec.channels[].slack.threading",
      "spec.channels[].triggers", "spec.channels[].triggers.startKeywords",
      "spec.channels[].triggers.stopKeywords", "spec.channels[].type",
      "spec.channels[].volumeMounts", "spec.channels[].volumes", "spec.displayName",
      "spec.imagePullSecrets", "spec.mcpServers", "spec.mcpServers[].authKey",
      "spec.mcpServers[].authSecret", "spec.mcpServers[].headers", "spec.mcpServers[].name",
      "spec.mcpServers[].timeout", "spec.mcpServers[].toolsAllow", "spec.mcpServers[].toolsDeny",
      "spec.mcpServers[].toolsPrefix", "spec.mcpServers[].url", "spec.memory",
      "spec.memory.autoStore", "spec.memory.enabled", "spec.memory.maxSizeKB",
      "spec.memory.systemPrompt", "spec.observability", "spec.observability.enabled",
      "spec.observability.headers", "spec.observability.headersSecretRef",
      "spec.observability.otlpEndpoint", "spec.observability.otlpProtocol",
      "spec.observability.resourceAttributes", "spec.observability.samplingRatio",
      "spec.observability.serviceName", "spec.policyRef", "spec.skills",
      "spec.skills[].configMapRef", "spec.skills[].params", "spec.skills[].skillPackRef",
      "spec.volumeMounts", "spec.volumes", "spec.webEndpoint", "spec.webEndpoint.authSecretRef",
      "spec.webEndpoint.enabled", "spec.webEndpoint.hostname", "spec.webEndpoint.rateLimit",
      "spec.webEndpoint.rateLimit.burstSize", "spec.webEndpoint.rateLimit.requestsPerMinute",
      "status.activeAgentPods", "status.channels", "status.channels[].lastHealthCheck",
      "status.channels[].message", "status.channels[].status", "status.channels[].type",
      "status.conditions", "status.phase", "status.totalAgentRuns", "status.webEndpoint",
      "status.webEndpoint.authSecretName", "status.webEndpoint.status", "status.webEndpoint.url",
  }), "");
}
// clang-format on

// clang-format off
TEST(UpstreamFields, AreAllKnownOfSkillPack) {
  EXPECT_EQ(missing(SkillPack::table, {
      "spec.category", "spec.runtimeRequirements", "spec.runtimeRequirements.image",
      "spec.runtimeRequirements.minCPU", "spec.runtimeRequirements.minMemory",
      "spec.runtimeRequirements.sandbox", "spec.sidecar", "spec.sidecar.clusterRBAC",
      "spec.sidecar.clusterRBAC[].apiGroups", "spec.sidecar.clusterRBAC[].resources",
      "spec.sidecar.clusterRBAC[].verbs", "spec.sidecar.command", "spec.sidecar.env",
      "spec.sidecar.env[].name", "spec.sidecar.env[].value", "spec.sidecar.env[].valueFrom",
      "spec.sidecar.hostAccess", "spec.sidecar.hostAccess.enabled",
      "spec.sidecar.hostAccess.hostNetwork", "spec.sidecar.hostAccess.hostPID",
      "spec.sidecar.hostAccess.mounts", "spec.sidecar.hostAccess.mounts[].hostPath",
      "spec.sidecar.hostAccess.mounts[].mountPath", "spec.sidecar.hostAccess.mounts[].readOnly",
      "spec.sidecar.hostAccess.privileged", "spec.sidecar.hostAccess.runAsRoot",
      "spec.sidecar.image", "spec.sidecar.imagePullPolicy", "spec.sidecar.mountWorkspace",
      "spec.sidecar.ports", "spec.sidecar.ports[].containerPort", "spec.sidecar.ports[].name",
      "spec.sidecar.ports[].protocol", "spec.sidecar.rbac", "spec.sidecar.rbac[].apiGroups",
      "spec.sidecar.rbac[].resources", "spec.sidecar.rbac[].verbs", "spec.sidecar.requiresServer",
      "spec.sidecar.resources", "spec.sidecar.resources.cpu", "spec.sidecar.resources.memory",
      "spec.sidecar.secretMountPath", "spec.sidecar.secretRef", "spec.sidecar.tools",
      "spec.sidecar.tools[].description", "spec.sidecar.tools[].exec",
      "spec.sidecar.tools[].inputMode", "spec.sidecar.tools[].name",
      "spec.sidecar.tools[].parameters", "spec.sidecar.tools[].positionalArgs",
      "spec.sidecar.tools[].subcommand", "spec.sidecar.volumeMounts", "spec.sidecar.volumes",
      "spec.skills", "spec.skills[].content", "spec.skills[].description", "spec.skills[].name",
      "spec.skills[].requires", "spec.skills[].requires.bins", "spec.skills[].requires.tools",
      "spec.source", "spec.version", "status.conditions", "status.configMapName", "status.phase",
      "status.skillCount",
  }), "");
}
// clang-format on

}  // namespace
}  // namespace objects
