#include "objects/agent.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

// ---- spec ----

constexpr Struct AuthRef::table{"AuthRef", &room<AuthRef>, {
    {"provider", &AuthRef::provider, by_default("openai") | honoured, "Provider id. The first entry's is the default of runs. Default openai."},
    {"secret", &AuthRef::secret, required | honoured, "Secret with the provider's key, annotated sympozium.ai/use: provider and sympozium.ai/hosts."},
}};

constexpr Struct WarmPool::table{"WarmPool", &room<WarmPool>, {
    {"size", &WarmPool::size, by_default(2) | at_least(0) | refused, "Sandboxes kept ready. Default 2."},
    {"runtimeClass", &WarmPool::runtimeClass, refused, "RuntimeClass of their pods."},
    {"resources", &WarmPool::resources, refused, "Resources of each."},
}};
constexpr Struct AgentSandboxDefaults::table{"AgentSandboxDefaults", &room<AgentSandboxDefaults>, {
    {"enabled", &AgentSandboxDefaults::enabled, required | refused, "Whether to use it."},
    {"runtimeClass", &AgentSandboxDefaults::runtimeClass, refused, "RuntimeClass of the sandbox's pod."},
    {"warmPool", &AgentSandboxDefaults::warmPool, refused, "Sandboxes kept ready."},
}};
constexpr Struct SandboxDefaults::table{"SandboxDefaults", &room<SandboxDefaults>, {
    {"enabled", &SandboxDefaults::enabled, required | refused, "Whether to add the container."},
    {"image", &SandboxDefaults::image, refused, "Image."},
    {"imagePullPolicy", &SandboxDefaults::imagePullPolicy, refused, "Always, IfNotPresent or Never."},
    {"resources", &SandboxDefaults::resources, refused, "Resources."},
}};
constexpr Struct Subagents::table{"Subagents", &room<Subagents>, {
    {"maxDepth", &Subagents::maxDepth, by_default(2) | at_least(0) | refused, "Nesting at most. Default 2."},
    {"maxConcurrent", &Subagents::maxConcurrent, by_default(5) | at_least(0) | refused, "Children at a time. Default 5."},
    {"maxChildrenPerAgent", &Subagents::maxChildrenPerAgent, by_default(3) | at_least(0) | refused, "Children per run. Default 3."},
}};

constexpr Struct RunDefaults::table{"RunDefaults", &room<RunDefaults>, {
    {"model", &RunDefaults::model, required | min_length(1) | honoured, "Model id as the provider spells it."},
    {"baseURL", &RunDefaults::baseURL, formatted(Format::http_url) | honoured, "Endpoint of the provider. Default the provider's public one."},
    {"env", &RunDefaults::env, honoured, "Environment of the agent's container."},
    {"nodeSelector", &RunDefaults::nodeSelector, honoured, "Labels of the node that a run's pod needs."},
    {"runTimeout", &RunDefaults::runTimeout, formatted(Format::go_duration) | honoured, "Go duration; how long a run may take. Default 10m."},
    {"thinking", &RunDefaults::thinking, refused, "How much the model reasons before it answers."},
    {"providerHeaders", &RunDefaults::providerHeaders, refused, "Extra HTTP headers of each model request."},
    {"providerHeadersSecretRef", &RunDefaults::providerHeadersSecretRef, refused, "Secret whose keys and values become headers of each model request."},
    {"lifecycle", &RunDefaults::lifecycle, refused, "Containers before and after the agent."},
    {"sandbox", &RunDefaults::sandbox, refused, "A side container named sandbox."},
    {"agentSandbox", &RunDefaults::agentSandbox, refused, "Run as a Sandbox of kubernetes-sigs/agent-sandbox."},
    {"subagents", &RunDefaults::subagents, refused, "Limits of sub-agents."},
}};
constexpr Struct AgentsBlock::table{"AgentsBlock", &room<AgentsBlock>, {
    {"default", &AgentsBlock::defaults, required | honoured, "What a run of this agent begins with."},
}};

constexpr Struct MemorySettings::table{"MemorySettings", &room<MemorySettings>, {
    {"systemPrompt", &MemorySettings::systemPrompt, honoured, "The agent's system prompt."},
    {"enabled", &MemorySettings::enabled, by_default(false) | refused, "Whether the agent remembers. Default false."},
    {"autoStore", &MemorySettings::autoStore, refused, "Whether answers are remembered without being asked to."},
    {"maxSizeKB", &MemorySettings::maxSizeKB, by_default(256) | at_least(1) | refused, "Size of the memory in KiB. Default 256."},
}};

constexpr Struct ChannelSecret::table{"ChannelSecret", &room<ChannelSecret>, {
    {"secret", &ChannelSecret::secret, required | refused, "Secret with the bot's tokens."},
    {"provider", &ChannelSecret::provider, refused, "Provider id."},
}};
constexpr Struct ChannelAccess::table{"ChannelAccess", &room<ChannelAccess>, {
    {"allowedChats", &ChannelAccess::allowedChats, refused, "Only these chats."},
    {"allowedSenders", &ChannelAccess::allowedSenders, refused, "Only these senders."},
    {"deniedSenders", &ChannelAccess::deniedSenders, refused, "Not these senders; looked at first."},
    {"denyMessage", &ChannelAccess::denyMessage, refused, "Answer to those; empty: none."},
}};
constexpr Struct ChannelTriggers::table{"ChannelTriggers", &room<ChannelTriggers>, {
    {"startKeywords", &ChannelTriggers::startKeywords, refused, "Texts that wake the agent in a chat."},
    {"stopKeywords", &ChannelTriggers::stopKeywords, refused, "Texts that silence it there."},
}};
constexpr Struct SlackOptions::table{"SlackOptions", &room<SlackOptions>, {
    {"allowedTriggers", &SlackOptions::allowedTriggers, refused, "Of mention, dm, channel."},
    {"emojiOnStart", &SlackOptions::emojiOnStart, refused, "Reaction when woken."},
    {"emojiOnStop", &SlackOptions::emojiOnStop, refused, "Reaction when silenced."},
    {"emojiOnTrigger", &SlackOptions::emojiOnTrigger, refused, "Reaction when a message is taken."},
    {"threading", &SlackOptions::threading, refused, "Whether to answer in a thread."},
    {"threadStickiness", &SlackOptions::threadStickiness, refused, "Whether a thread it answered in needs no mention."},
}};
constexpr Struct ChannelBinding::table{"ChannelBinding", &room<ChannelBinding>, {
    {"type", &ChannelBinding::type, required | refused, "telegram, slack, discord or whatsapp."},
    {"configRef", &ChannelBinding::configRef, refused, "The bot's Secret."},
    {"accessControl", &ChannelBinding::accessControl, refused, "Who may speak to it."},
    {"triggers", &ChannelBinding::triggers, refused, "What wakes and silences it."},
    {"slack", &ChannelBinding::slack, refused, "Settings of Slack."},
    {"volumes", &ChannelBinding::volumes, refused, "Further volumes of the channel's pod."},
    {"volumeMounts", &ChannelBinding::volumeMounts, refused, "Further mounts of the channel's pod."},
}};

constexpr Struct McpServerRef::table{"McpServerRef", &room<McpServerRef>, {
    {"name", &McpServerRef::name, required | min_length(1) | refused, "MCPServer, or any name when url is given."},
    {"url", &McpServerRef::url, refused, "URL of an external server."},
    {"toolsPrefix", &McpServerRef::toolsPrefix, required | min_length(1) | refused, "Prefix of its tools' names."},
    {"toolsAllow", &McpServerRef::toolsAllow, refused, "Only these tools."},
    {"toolsDeny", &McpServerRef::toolsDeny, refused, "Not these tools."},
    {"authSecret", &McpServerRef::authSecret, refused, "Secret with the token."},
    {"authKey", &McpServerRef::authKey, refused, "Key in it. Default token."},
    {"headers", &McpServerRef::headers, refused, "Extra HTTP headers."},
    {"timeout", &McpServerRef::timeout, by_default(30) | at_least(1) | refused, "Seconds per call. Default 30."},
}};

constexpr Struct Observability::table{"Observability", &room<Observability>, {
    {"enabled", &Observability::enabled, by_default(false) | refused, "Whether the run's pod reports by OpenTelemetry. Default false."},
    {"otlpEndpoint", &Observability::otlpEndpoint, refused, "Collector."},
    {"otlpProtocol", &Observability::otlpProtocol, refused, "grpc or http/protobuf."},
    {"serviceName", &Observability::serviceName, refused, "service.name."},
    {"samplingRatio", &Observability::samplingRatio, refused, "From 0 to 1, as a text."},
    {"headers", &Observability::headers, refused, "Headers of the exporter."},
    {"headersSecretRef", &Observability::headersSecretRef, refused, "Secret with headers of the exporter."},
    {"resourceAttributes", &Observability::resourceAttributes, refused, "Attributes of the resource."},
}};

constexpr Struct RateLimit::table{"RateLimit", &room<RateLimit>, {
    {"requestsPerMinute", &RateLimit::requestsPerMinute, by_default(60) | at_least(1) | refused, "Requests per minute. Default 60."},
    {"burstSize", &RateLimit::burstSize, by_default(10) | at_least(1) | refused, "Requests at once. Default 10."},
}};
constexpr Struct WebEndpoint::table{"WebEndpoint", &room<WebEndpoint>, {
    {"enabled", &WebEndpoint::enabled, by_default(false) | refused, "Whether the agent is served on the web. Default false."},
    {"hostname", &WebEndpoint::hostname, refused, "Host name."},
    {"authSecretRef", &WebEndpoint::authSecretRef, refused, "Secret with the key of its users."},
    {"rateLimit", &WebEndpoint::rateLimit, refused, "Limit of requests."},
}};

constexpr Struct AgentSpec::table{"AgentSpec", &room<AgentSpec>, {
    {"agents", &AgentSpec::agents, required | honoured, "Holds `default`."},
    {"authRefs", &AgentSpec::authRefs, honoured, "Keys of model providers; runs use the first."},
    {"skills", &AgentSpec::skills, honoured, "Skill packs of its runs."},
    {"displayName", &AgentSpec::displayName, honoured, "Name for people."},
    {"imagePullSecrets", &AgentSpec::imagePullSecrets, keyed_by("name") | honoured, "Secrets for pulling the images of its runs."},
    {"memory", &AgentSpec::memory, honoured, "System prompt and memory."},
    {"harness", &AgentSpec::harness, honoured, "A foreign agent for its runs: any program, in place of our runner. An extension."},
    {"resume", &AgentSpec::resume, honoured, "How its foreign agent goes on after a loss. An extension."},
    {"policyRef", &AgentSpec::policyRef, refused, "SympoziumPolicy in the same namespace."},
    {"channels", &AgentSpec::channels, refused, "Chats it listens to."},
    {"mcpServers", &AgentSpec::mcpServers, refused, "MCP servers whose tools it has."},
    {"observability", &AgentSpec::observability, refused, "OpenTelemetry of its runs."},
    {"webEndpoint", &AgentSpec::webEndpoint, refused, "Serving on the web."},
    {"volumes", &AgentSpec::volumes, refused, "Further volumes of its runs."},
    {"volumeMounts", &AgentSpec::volumeMounts, refused, "Further mounts of its runs."},
}};

// ---- status ----

constexpr Struct ChannelStatus::table{"ChannelStatus", &room<ChannelStatus>, {
    {"type", &ChannelStatus::type, required | refused, "Channel type."},
    {"status", &ChannelStatus::status, required | refused, "Pending, Connected, Disconnected or Error."},
    {"message", &ChannelStatus::message, refused, "Words about it."},
    {"lastHealthCheck", &ChannelStatus::lastHealthCheck, refused, "When it was last seen well."},
}};
constexpr Struct WebEndpointStatus::table{"WebEndpointStatus", &room<WebEndpointStatus>, {
    {"status", &WebEndpointStatus::status, required | refused, "Pending, Ready or Error."},
    {"url", &WebEndpointStatus::url, refused, "URL for users."},
    {"authSecretName", &WebEndpointStatus::authSecretName, refused, "Secret with the key of its users."},
}};

constexpr Struct AgentStatus::table{"AgentStatus", &room<AgentStatus>, {
    {"phase", &AgentStatus::phase, honoured, "Pending, Running, Serving or Error."},
    {"observedGeneration", &AgentStatus::observedGeneration, at_least(0) | honoured, "metadata.generation that the controller has acted on."},
    {"conditions", &AgentStatus::conditions, keyed_by("type") | honoured, "Ready, Reconciling, Stalled."},
    {"activeAgentPods", &AgentStatus::activeAgentPods, at_least(0) | honoured, "Runs that are not final."},
    {"totalAgentRuns", &AgentStatus::totalAgentRuns, at_least(0) | honoured, "Runs there are."},
    {"channels", &AgentStatus::channels, keyed_by("type") | refused, "State of each channel."},
    {"webEndpoint", &AgentStatus::webEndpoint, refused, "State of the web endpoint."},
}};

constexpr Struct Agent::table{"Agent", &room<Agent>, {
    {"metadata", &Agent::metadata, honoured, "Name, labels, owners."},
    {"spec", &Agent::spec, required | honoured, "What the agent is."},
    {"status", &Agent::status, honoured, "How it is doing."},
}, &Agent::info};

constexpr KindInfo Agent::info{
    .group = "sympozium.ai", .version = "v1alpha1",
    .kind = "Agent", .plural = "agents", .singular = "agent",
    .status = StatusSubresource::yes,
    .short_names = {"ag"},
    .categories = {"all", "sympozium"},
    .columns = {
        {"Phase", "string", ".status.phase", "How the agent is doing"},
        {"Model", "string", ".spec.agents.default.model", "The model of its runs"},
        {"Active Agents", "integer", ".status.activeAgentPods", "Runs that are not final"},
        {"Total Runs", "integer", ".status.totalAgentRuns", "Runs there are"},
        {"Display Name", "string", ".spec.displayName", "Name for people", 1},
        {"Age", "date", ".metadata.creationTimestamp", "Time since it was made"},
    },
    .table = &Agent::table,
    .doc = "A configured agent. Runs copy what they need from it when they are made.",
};

}  // namespace objects
