// The node's writes to the API server, as system:node:<name>.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "kube/api.h"
#include "node/cluster.h"
#include "objects/kinds.h"

namespace node {

class KubeCluster final : public Cluster {
 public:
  KubeCluster(kube::Api& api, base::Clock& clock, base::Random& random, base::Log& log,
              std::string node_name)
      : api_(api), clock_(clock), random_(random), log_(log), node_name_(std::move(node_name)) {}

  io::Task<std::optional<base::Json>> find_config_map(std::string ns, std::string name) override;
  io::Task<std::optional<base::Json>> find_secret(std::string ns, std::string name) override;
  io::Task<Token> request_token(base::Json pod, TokenNeed) override;
  io::Task<base::Json> patch_status(base::Json pod, base::Json patch) override;
  io::Task<> remove_pod(base::Json pod) override;
  io::Task<> report(base::Json pod, EventType, std::string reason, std::string message) override;

 private:
  kube::Api& api_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  std::string node_name_;
};

// A kind by group and plural that this program must know.
const objects::KindInfo& kind(std::string_view group, std::string_view plural);

}  // namespace node
