// What a pod refers to and the node must have read before it can make a container.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"

namespace node {

// Objects of the pod's namespace by name. One that does not exist is absent.
struct Sources {
  std::map<std::string, base::Json> config_maps, secrets;
};

// What the pod names: in volumes, env and envFrom.
struct Needs {
  std::set<std::string> config_maps, secrets;
};
Needs needs(const base::Json& pod);

// One file of a projected volume that holds a token of the pod's service account.
struct TokenNeed {
  std::string volume, path, audience;  // audience "": the API server's own
  std::int64_t seconds;
  bool operator==(const TokenNeed&) const = default;
};
std::vector<TokenNeed> token_needs(const base::Json& pod);
// Tokens by "<volume>/<path>".
using Tokens = std::map<std::string, base::Secret<std::string>>;

// What the node knows about itself and the pod's place, for fieldRef and resourceFieldRef.
struct Facts {
  std::string node_name;
  std::string host_ip = "127.0.0.1";
  std::string pod_ip = "127.0.0.1";
  std::int64_t cpu_milli = 1000;  // the node's, default of an absent limit
  std::int64_t memory_bytes = 0;  // likewise
};

// Value of a fieldRef path ("metadata.name", "metadata.labels['a']", "status.podIP", …) of the pod;
// nothing when the path is not supported.
std::optional<std::string> field_value(const base::Json& pod, const Facts&, std::string_view path);
// Value of a resourceFieldRef of a container of the pod; nothing when it is not understood.
std::optional<std::string> resource_value(const base::Json& pod, const Facts&,
                                          const base::Json& reference,
                                          std::string_view default_container);

}  // namespace node
