// What a pod's worker asks of the API server.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/secret.h"
#include "base/time.h"
#include "io/task.h"
#include "node/sources.h"

namespace node {

struct Token {
  base::Secret<std::string> text;
  base::Time expires;
};

enum class EventType : bool { normal, warning };

// Errors are base::Error. Implementation: KubeCluster.
class Cluster {
 public:
  virtual ~Cluster() = default;
  // Nothing when there is no such object.
  virtual io::Task<std::optional<base::Json>> find_config_map(std::string ns, std::string name) = 0;
  virtual io::Task<std::optional<base::Json>> find_secret(std::string ns, std::string name) = 0;
  // For the pod's service account, bound to the pod.
  virtual io::Task<Token> request_token(base::Json pod, TokenNeed) = 0;
  // A merge patch of the status; answers the pod as it is now. Error(not_found) or Error(invalid):
  // this very pod is gone.
  virtual io::Task<base::Json> patch_status(base::Json pod, base::Json patch) = 0;
  // The last word of a deletion: grace period 0, only this uid. Fine when it is gone.
  virtual io::Task<> remove_pod(base::Json pod) = 0;
  // An Event about the pod; its loss is no error.
  virtual io::Task<> report(base::Json pod, EventType, std::string reason, std::string message) = 0;
};

}  // namespace node
