// What a server says about what it serves (legacy discovery and apidiscovery.k8s.io/v2), and its
// OpenAPI documents.
#pragma once

#include <optional>
#include <string>

#include "apiserver/resource.h"

namespace apiserver {

base::Json make_api_versions();                                                // /api
base::Json make_group_list(const Catalog&);                                    // /apis
std::optional<base::Json> make_group(const Catalog&, std::string_view group);  // /apis/<group>
std::optional<base::Json> make_resource_list(const Catalog&, std::string_view group,
                                             std::string_view version);  // …/<version>
// /api (core == true) or /apis as one document; version "v2" or "v2beta1".
base::Json make_aggregated(const Catalog&, bool core, std::string_view version);

base::Json make_openapi_index(const Catalog&);  // /openapi/v3
std::optional<base::Json> make_openapi(const Catalog&, std::string_view group,
                                       std::string_view version);
// /openapi/v2. kubectl asks for it to look into documents of `kind: List`, which no server decodes.
base::Json make_openapi_v2(const Catalog&);

}  // namespace apiserver
