// Names that several programs must agree on: labels, annotations, containers, mount points, ports.
#pragma once

#include <cstdint>
#include <string_view>

namespace protocol {

inline constexpr std::string_view group = "sympozium.ai";
inline constexpr std::string_view version = "v1alpha1";

// Labels on Jobs and Pods of a run (upstream's names).
inline constexpr std::string_view label_instance = "sympozium.ai/instance";    // Agent name
inline constexpr std::string_view label_run = "sympozium.ai/agent-run";        // AgentRun name
inline constexpr std::string_view label_component = "sympozium.ai/component";  // "agent-run"
inline constexpr std::string_view label_role = "sympozium.ai/role";            // "agent"
inline constexpr std::string_view label_agent_id = "sympozium.ai/agent-id";
inline constexpr std::string_view label_run_uid = "sympozium.ai/run-uid";

// Annotations.
inline constexpr std::string_view annotation_use =
    "sympozium.ai/use";  // on a Secret: provider | mcp | http | skill
inline constexpr std::string_view annotation_hosts =
    "sympozium.ai/hosts";  // on a Secret: "api.x.com,localhost:8080"

inline constexpr std::string_view finalizer_run = "sympozium.ai/agentrun-finalizer";

// The pod of a run.
inline constexpr std::string_view container_agent = "agent";
inline constexpr std::string_view container_bridge = "ipc-bridge";
inline constexpr std::string_view container_skill_prefix = "skill-";
inline constexpr std::string_view container_launcher = "launcher";  // init container, with harness
inline constexpr std::string_view service_account_run = "sympozium-run";
inline constexpr std::uint32_t uid_agent = 1000;
inline constexpr std::uint32_t uid_bridge = 1001;
inline constexpr std::uint32_t uid_skill_first = 1100;  // one per sidecar, in order
inline constexpr std::uint32_t gid_workspace = 2000;    // fsGroup: who may write /workspace

// Where things are mounted.
inline constexpr std::string_view mount_workspace = "/workspace";
inline constexpr std::string_view mount_tmp = "/tmp";
inline constexpr std::string_view mount_skills = "/skills";
inline constexpr std::string_view mount_ipc = "/ipc";  // agent and sidecars: each its own volume
inline constexpr std::string_view mount_bridge_ipc =
    "/bridge/ipc";  // in the bridge: <this>/<container name>
inline constexpr std::string_view mount_launcher =
    "/sympozium";  // of a foreign agent: read-only, holds our launcher
inline constexpr std::string_view launcher_program = "sympozium-runner";
inline constexpr std::string_view mount_token =
    "/var/run/secrets/sympozium/token";  // bridge only: file `token`
inline constexpr std::string_view mount_gateway =
    "/run/sympozium/gateway";  // bridge only: file `gateway.sock`
inline constexpr std::string_view gateway_socket = "gateway.sock";
inline constexpr std::string_view csi_gateway = "gateway.sympozium.ai";  // inline CSI driver name

// Tokens.
inline constexpr std::string_view audience_gateway = "sympozium-gateway";
inline constexpr int token_seconds = 600;

// The bridge listens on the pod's loopback.
inline constexpr std::uint16_t bridge_port = 9410;
inline constexpr std::string_view env_bridge =
    "SYMPOZIUM_BRIDGE";  // agent: "http://127.0.0.1:9410"
inline constexpr std::string_view env_result_file =
    "SYMPOZIUM_RESULT_FILE";  // foreign agent: what it writes there is the run's result
inline constexpr std::string_view result_file = "/ipc/result";
inline constexpr std::string_view env_gateway =
    "SYMPOZIUM_GATEWAY";  // bridge: "unix:/run/…/gateway.sock" or "https://ip:port"
inline constexpr std::string_view env_gateway_ca =
    "SYMPOZIUM_GATEWAY_CA";  // bridge: PEM file, with https
inline constexpr std::string_view env_sidecars =
    "SYMPOZIUM_SIDECARS";  // bridge: "skill-tools,skill-git"
inline constexpr std::string_view env_run_uid = "SYMPOZIUM_RUN_UID";  // bridge: uid of the AgentRun
inline constexpr std::string_view env_skill_pack =
    "SYMPOZIUM_SKILL_PACK";  // sidecar: the pack's name (upstream)
inline constexpr std::string_view env_call_id =
    "SYMPOZIUM_CALL_ID";  // commands of a sidecar: "<run uid>/<call>"

// Images of the product; a registry prefix may stand before them.
inline constexpr std::string_view image_bridge = "sympozium/bridge";
inline constexpr std::string_view image_runner = "sympozium/runner";
inline constexpr std::string_view image_tools = "sympozium/tools";

}  // namespace protocol
