// Which provider a run speaks to, and which key may be sent there.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "gateway/address.h"
#include "gateway/provider.h"
#include "objects/secret.h"

namespace gateway {

struct Endpoint {
  Url url;           // of chat completions
  std::string name;  // for messages: "openai at https://api.openai.com"
};

// From spec.model's provider and baseURL. Throws ProviderFailed when there is none, or when it is
// plain http to another machine.
Endpoint endpoint_of(const ProviderTarget&);

// The key out of the target's Secret (nothing: there is no such Secret): <PROVIDER>_API_KEY, else
// API_KEY. Throws ProviderFailed that names Secret, annotation and fix, when the Secret is not
// annotated sympozium.ai/use: provider, its sympozium.ai/hosts does not name the endpoint, or the
// key is missing. Without a Secret's name: "", for loopback only.
base::Secret<std::string> key_of(const ProviderTarget&, const Endpoint&,
                                 const std::optional<objects::Secret>&);

}  // namespace gateway
