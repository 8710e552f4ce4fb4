#include "objects/agent_run.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

// ---- spec ----

constexpr Struct ModelRef::table{"ModelRef", &room<ModelRef>, {
    {"provider", &ModelRef::provider, required | min_length(1) | honoured, "Provider id. anthropic is spoken to by Anthropic messages; azure-openai by a deployment that is named as the model, or by Azure's v1 API; all others by OpenAI chat completions: openai, vllm, ollama, lm-studio, llama-server, custom, …"},
    {"model", &ModelRef::model, required | min_length(1) | honoured, "Model id as the provider spells it."},
    {"baseURL", &ModelRef::baseURL, formatted(Format::http_url) | honoured, "Endpoint of the provider. Default the provider's public one. Plain http only to loopback."},
    {"authSecretRef", &ModelRef::authSecretRef, required | honoured, "Secret with the provider's key, annotated sympozium.ai/use: provider and sympozium.ai/hosts; read by the gateway alone. May be empty for a provider without a key."},
    {"nodeSelector", &ModelRef::nodeSelector, honoured, "Labels of the node that the run's pod needs."},
    {"modelRef", &ModelRef::modelRef, refused, "[namespace/]name of a Model served in the cluster."},
    {"thinking", &ModelRef::thinking, refused, "How much the model reasons before it answers."},
    {"providerHeaders", &ModelRef::providerHeaders, refused, "Extra HTTP headers of each model request."},
    {"providerHeadersSecretRef", &ModelRef::providerHeadersSecretRef, refused, "Secret whose keys and values become headers of each model request."},
}};

constexpr Struct ToolPolicy::table{"ToolPolicy", &room<ToolPolicy>, {
    {"allow", &ToolPolicy::allow, unique | honoured, "If not empty, only these tools may be called."},
    {"deny", &ToolPolicy::deny, unique | honoured, "These tools may not be called, even if allowed."},
}};

constexpr Struct ParentRef::table{"ParentRef", &room<ParentRef>, {
    {"runName", &ParentRef::runName, required | refused, "AgentRun that asked for this one."},
    {"sessionKey", &ParentRef::sessionKey, required | refused, "Its session key."},
    {"spawnDepth", &ParentRef::spawnDepth, required | at_least(0) | refused, "Depth of this run; 1 is a first child."},
}};

constexpr Struct RunAgentSandbox::table{"RunAgentSandbox", &room<RunAgentSandbox>, {
    {"enabled", &RunAgentSandbox::enabled, required | refused, "Whether to use it."},
    {"runtimeClass", &RunAgentSandbox::runtimeClass, refused, "RuntimeClass of the sandbox's pod."},
    {"warmPoolRef", &RunAgentSandbox::warmPoolRef, refused, "SandboxWarmPool to claim from."},
    {"resources", &RunAgentSandbox::resources, refused, "Resources of the agent's container."},
}};

constexpr Struct DroppedCapabilities::table{"DroppedCapabilities", &room<DroppedCapabilities>, {
    {"drop", &DroppedCapabilities::drop, refused, "Capabilities to drop; the agent has none anyway."},
}};
constexpr Struct ProfileType::table{"ProfileType", &room<ProfileType>, {
    {"type", &ProfileType::type, required | refused, "Type of the profile."},
}};
constexpr Struct SandboxSecurity::table{"SandboxSecurity", &room<SandboxSecurity>, {
    {"readOnlyRootFilesystem", &SandboxSecurity::readOnlyRootFilesystem, refused, "Whether the root file system is read-only; the agent's always is."},
    {"runAsNonRoot", &SandboxSecurity::runAsNonRoot, refused, "Whether root is refused; the agent never is root."},
    {"capabilities", &SandboxSecurity::capabilities, refused, "Capabilities."},
    {"seccompProfile", &SandboxSecurity::seccompProfile, refused, "Seccomp profile."},
}};
constexpr Struct RunSandbox::table{"RunSandbox", &room<RunSandbox>, {
    {"enabled", &RunSandbox::enabled, required | refused, "Whether to add the container."},
    {"image", &RunSandbox::image, refused, "Image."},
    {"imagePullPolicy", &RunSandbox::imagePullPolicy, refused, "Always, IfNotPresent or Never."},
    {"resources", &RunSandbox::resources, refused, "Resources."},
    {"securityContext", &RunSandbox::securityContext, refused, "Security settings."},
}};

constexpr Struct Fork::table{"Fork", &room<Fork>, {
    {"run", &Fork::run, required | min_length(1) | honoured, "UID of the run in the journal's records of this namespace; its object may be gone."},
    {"step", &Fork::step, required | at_least(0) | honoured, "The last model turn that is shared, with the tool calls of its answer that have an outcome. 0: none."},
    {"newTask", &Fork::newTask, by_default(false) | honoured, "Whether spec.task is what the user says next, behind the shared steps. Default false: they hold the task, and the agent goes on behind them. Without shared steps, and for a foreign agent, spec.task is the task in either case."},
    {"newSystemPrompt", &Fork::newSystemPrompt, by_default(false) | honoured, "Whether spec.systemPrompt takes the place of the recorded system prompt: from then on the model is shown it and the shared conversation. Default false: the recorded one stays. Without shared steps, and for a foreign agent, spec.systemPrompt holds in either case."},
}};

constexpr Struct AgentRunSpec::table{"AgentRunSpec", &room<AgentRunSpec>, {
    {"agentRef", &AgentRunSpec::agentRef, required | formatted(Format::dns_subdomain) | honoured, "Agent in the same namespace."},
    {"agentId", &AgentRunSpec::agentId, required | min_length(1) | honoured, "Logical id of the agent; label sympozium.ai/agent-id."},
    {"sessionKey", &AgentRunSpec::sessionKey, required | honoured, "Groups the runs of a conversation."},
    {"task", &AgentRunSpec::task, required | min_length(1) | honoured, "What the agent shall do, in words. The object form is not supported."},
    {"systemPrompt", &AgentRunSpec::systemPrompt, honoured, "Said to the model before the task."},
    {"model", &AgentRunSpec::model, required | honoured, "The model and how it is reached."},
    {"skills", &AgentRunSpec::skills, honoured, "Skill packs of this run."},
    {"toolPolicy", &AgentRunSpec::toolPolicy, honoured, "Which tools may be called. Without lists: all that the run declares."},
    {"timeout", &AgentRunSpec::timeout, formatted(Format::go_duration) | honoured, "Go duration from the start; waiting does not count. Default 10m."},
    {"cleanup", &AgentRunSpec::cleanup, by_default("delete") | honoured, "delete: Job and pod go some time after the end; keep: they stay as long as the run. Default delete."},
    {"env", &AgentRunSpec::env, honoured, "Environment of the agent's container, added last."},
    {"imagePullSecrets", &AgentRunSpec::imagePullSecrets, keyed_by("name") | honoured, "Secrets for pulling the pod's images."},
    {"harness", &AgentRunSpec::harness, honoured, "A foreign agent: any program, in place of our runner. An extension."},
    {"resume", &AgentRunSpec::resume, honoured, "How a foreign agent goes on after a loss. An extension."},
    {"fork", &AgentRunSpec::fork, honoured, "The run shares the recorded beginning of another one, and pays only for what is new. An extension."},
    {"mode", &AgentRunSpec::mode, by_default("task") | refused, "task: ends with an answer; server: stays and serves. Default task."},
    {"useContext", &AgentRunSpec::useContext, by_default(false) | refused, "Whether memory is put into the prompt. Default false."},
    {"dryRun", &AgentRunSpec::dryRun, refused, "Whether a canned answer replaces the model's."},
    {"canaryMode", &AgentRunSpec::canaryMode, refused, "Whether built-in health checks run instead of the task."},
    {"parent", &AgentRunSpec::parent, refused, "The run that asked for this one."},
    {"lifecycle", &AgentRunSpec::lifecycle, refused, "Containers before and after the agent."},
    {"sandbox", &AgentRunSpec::sandbox, refused, "A side container named sandbox."},
    {"agentSandbox", &AgentRunSpec::agentSandbox, refused, "Run as a Sandbox of kubernetes-sigs/agent-sandbox."},
    {"volumes", &AgentRunSpec::volumes, refused, "Further volumes of the pod."},
    {"volumeMounts", &AgentRunSpec::volumeMounts, refused, "Further mounts of the agent's container."},
}};

// ---- status ----

constexpr Struct TokenUsage::table{"TokenUsage", &room<TokenUsage>, {
    {"inputTokens", &TokenUsage::inputTokens, required | honoured, "Tokens read by the model, as the provider counts."},
    {"outputTokens", &TokenUsage::outputTokens, required | honoured, "Tokens written by the model, as the provider counts."},
    {"totalTokens", &TokenUsage::totalTokens, required | honoured, "Their sum."},
    {"toolCalls", &TokenUsage::toolCalls, required | honoured, "Tool calls decided by the gateway."},
    {"durationMs", &TokenUsage::durationMs, required | honoured, "Milliseconds from the first hello to the outcome."},
}};

constexpr Struct RunOutcome::table{"RunOutcome", &room<RunOutcome>, {
    {"status", &RunOutcome::status, required | honoured, "success or error, as the agent said."},
    {"error", &RunOutcome::error, honoured, "With error: what went wrong, for people."},
    {"attempt", &RunOutcome::attempt, honoured, "Pod of the run that ended it, from 1."},
    {"execution", &RunOutcome::execution, honoured, "Start of the agent within that pod, from 1."},
    {"committedAt", &RunOutcome::committedAt, honoured, "When the journal had it."},
}};

constexpr Struct Divergence::table{"Divergence", &room<Divergence>, {
    {"attempt", &Divergence::attempt, required | honoured, "Pod of the run that asked it, from 1."},
    {"execution", &Divergence::execution, required | honoured, "Start of the agent within that pod, from 1."},
    {"turn", &Divergence::turn, required | honoured, "Number of the new call."},
    {"recorded", &Divergence::recorded, required | honoured, "Number of the completed call that was expected."},
    {"pointer", &Divergence::pointer, honoured, "JSON pointer (RFC 6901) to the first difference between their bodies."},
}};

constexpr Struct CostEstimate::table{"CostEstimate", &room<CostEstimate>, {
    {"amountMicro", &CostEstimate::amountMicro, required | refused, "Total, in millionths of the currency."},
    {"currency", &CostEstimate::currency, required | refused, "USD."},
    {"source", &CostEstimate::source, required | refused, "Where the prices come from."},
    {"inputAmountMicro", &CostEstimate::inputAmountMicro, refused, "Part of the tokens read, in millionths."},
    {"outputAmountMicro", &CostEstimate::outputAmountMicro, refused, "Part of the tokens written, in millionths."},
    {"priceKey", &CostEstimate::priceKey, refused, "Entry of the price table."},
    {"estimatedAt", &CostEstimate::estimatedAt, refused, "When."},
}};

constexpr Struct Delegate::table{"Delegate", &room<Delegate>, {
    {"childRunName", &Delegate::childRunName, required | refused, "The child AgentRun."},
    {"batchId", &Delegate::batchId, refused, "Batch of sub-agents."},
    {"taskId", &Delegate::taskId, refused, "Task within the batch."},
    {"targetPersona", &Delegate::targetPersona, refused, "Persona it was given to."},
    {"phase", &Delegate::phase, refused, "The child's phase as last seen."},
    {"result", &Delegate::result, refused, "The child's answer."},
    {"error", &Delegate::error, refused, "The child's error."},
}};

constexpr Struct AgentRunStatus::table{"AgentRunStatus", &room<AgentRunStatus>, {
    {"phase", &AgentRunStatus::phase, honoured, "Where the run stands. Succeeded, Failed and Skipped are final. Written by the controller alone."},
    {"observedGeneration", &AgentRunStatus::observedGeneration, at_least(0) | honoured, "metadata.generation that the controller has acted on."},
    {"conditions", &AgentRunStatus::conditions, keyed_by("type") | honoured, "Ready, Reconciling, Stalled, Accepted, Admitted, Waiting, …"},
    {"startedAt", &AgentRunStatus::startedAt, honoured, "When the Job was made."},
    {"completedAt", &AgentRunStatus::completedAt, honoured, "When the run became final."},
    {"jobName", &AgentRunStatus::jobName, honoured, "Its Job; recorded before the Job is made."},
    {"podName", &AgentRunStatus::podName, honoured, "Its current pod."},
    {"podUID", &AgentRunStatus::podUID, honoured, "UID of that pod: the identity for which the gateway takes calls."},
    {"attempt", &AgentRunStatus::attempt, at_least(0) | honoured, "Counts pods, from 1; raised by the patch that records podUID."},
    {"result", &AgentRunStatus::result, honoured, "The answer, at most 32 KiB of it; the journal has the whole. Written by the gateway."},
    {"tokenUsage", &AgentRunStatus::tokenUsage, honoured, "What the run used. Written by the gateway."},
    {"policyHash", &AgentRunStatus::policyHash, honoured, "SHA-256 of the policy that was resolved when the run began. Written by the gateway."},
    {"outcome", &AgentRunStatus::outcome, honoured, "The committed end of the agent. Written by the gateway."},
    {"divergence", &AgentRunStatus::divergence, honoured, "Where a foreign agent, run again, first asked something else than its record holds. Written by the gateway; condition Diverged follows it."},
    {"error", &AgentRunStatus::error, honoured, "Why the run failed, for people."},
    {"exitCode", &AgentRunStatus::exitCode, honoured, "Exit code of the agent's container."},
    {"deploymentName", &AgentRunStatus::deploymentName, refused, "Deployment of a server."},
    {"serviceName", &AgentRunStatus::serviceName, refused, "Service of a server."},
    {"postRunJobName", &AgentRunStatus::postRunJobName, refused, "Job of the hooks after the agent."},
    {"sandboxName", &AgentRunStatus::sandboxName, refused, "Its Sandbox."},
    {"sandboxClaimName", &AgentRunStatus::sandboxClaimName, refused, "Its SandboxClaim."},
    {"traceID", &AgentRunStatus::traceID, refused, "OpenTelemetry trace id, hexadecimal."},
    {"gateVerdict", &AgentRunStatus::gateVerdict, refused, "What the gate hook said."},
    {"costEstimate", &AgentRunStatus::costEstimate, refused, "What the run cost."},
    {"delegates", &AgentRunStatus::delegates, keyed_by("childRunName") | refused, "Children that this run waits or waited for."},
}};

constexpr Struct AgentRun::table{"AgentRun", &room<AgentRun>, {
    {"metadata", &AgentRun::metadata, honoured, "Name, labels, owners."},
    {"spec", &AgentRun::spec, required | immutable_once("status.phase") | honoured, "What shall be run. What is left open is filled from the Agent; then it cannot be changed any more."},
    {"status", &AgentRun::status, honoured, "What became of it."},
}, &AgentRun::info};

constexpr KindInfo AgentRun::info{
    .group = "sympozium.ai", .version = "v1alpha1",
    .kind = "AgentRun", .plural = "agentruns", .singular = "agentrun",
    .status = StatusSubresource::yes,
    .short_names = {"ar", "run", "runs"},
    .categories = {"all", "sympozium"},
    .columns = {
        {"Agent", "string", ".spec.agentRef", "The Agent that runs"},
        {"Phase", "string", ".status.phase", "Where the run stands"},
        {"Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason", "Why it stands there", 1},
        {"Model", "string", ".spec.model.model", "The model", 1},
        {"Tokens", "integer", ".status.tokenUsage.totalTokens", "Tokens used", 1},
        {"Tools", "integer", ".status.tokenUsage.toolCalls", "Tool calls", 1},
        {"Pod", "string", ".status.podName", "Its current pod"},
        {"Age", "date", ".metadata.creationTimestamp", "Time since it was made"},
    },
    .table = &AgentRun::table,
    .doc = "One execution of an agent. Becomes a Job with one Pod.",
};

}  // namespace objects
