// The Job of a run and its Pod: what runs beside what, with which rights.
#pragma once

#include <string>
#include <vector>

#include "objects/agent_run.h"
#include "objects/job.h"
#include "objects/skill_pack.h"

namespace reconcilers {

// How pods reach the gateway.
struct GatewayAddress {
  // "socket": by the inline volume of driver gateway.sympozium.ai, which the node resolves to its
  // gateway's socket directory. Else "https://ip:port".
  std::string url = "socket";
  std::string ca_config_map;  // with https: ConfigMap in the run's namespace with key ca.crt
};

struct PodSettings {
  GatewayAddress gateway;
  std::string image_prefix;  // "registry.example/": before the product's images
  std::string image_tag;     // ":v1" or ""
};

// A run's skill pack with the parameters that the run gives it.
struct UsedPack {
  objects::SkillPack pack;
  objects::TextMap params;
};

// The name of a run's Job: the run's, cut to 63 with a hash.
std::string job_name(const objects::AgentRun&);

// The whole Job. `run` has its defaults resolved; `packs` are its skill packs in order.
objects::Job desired_job(const objects::AgentRun& run, const std::vector<UsedPack>& packs,
                         const PodSettings&);

}  // namespace reconcilers
