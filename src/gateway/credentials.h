// Which provider a run speaks to, and which key may be sent there.
#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "gateway/address.h"
#include "gateway/provider.h"
#include "objects/secret.h"

namespace gateway {

struct ProviderAddress {
  Url url;                 // of what is asked for
  std::string name;        // for messages: "openai at https://api.openai.com"
  std::string key_header;  // "Authorization" takes "Bearer " in front of the key
};

// From spec.model's provider and baseURL. Throws ProviderFailed when there is none, when it is
// plain http to another machine, or when the provider's family does not speak the endpoint.
//
// azure-openai: https://NAME.openai.azure.com, to which the deployment and an api-version are added
// where they are not there already; or its v1 API, https://NAME.openai.azure.com/openai/v1.
ProviderAddress address_of(const ProviderTarget&, llm::Endpoint);

// The key out of the target's Secret (nothing: there is no such Secret): <PROVIDER>_API_KEY, else
// API_KEY. Throws ProviderFailed that names Secret, annotation and fix, when the Secret is not
// annotated sympozium.ai/use: provider, its sympozium.ai/hosts does not name the endpoint, or the
// key is missing. Without a Secret's name: "", for loopback only.
base::Secret<std::string> key_of(const ProviderTarget&, const ProviderAddress&,
                                 const std::optional<objects::Secret>&);

}  // namespace gateway
