#include "apiserver/resource.h"

#include <algorithm>

namespace apiserver {

const Subresource* Resource::find_subresource(std::string_view name) const {
  auto at = std::ranges::find(subresources, name, &Subresource::name);
  return at == subresources.end() ? nullptr : &*at;
}

bool Resource::can(std::string_view verb) const {
  return std::ranges::find(verbs, verb) != verbs.end();
}

const Resource* Catalog::find(std::string_view group, std::string_view version,
                              std::string_view plural) const {
  for (const auto& resource : resources_)
    if (resource.plural == plural && resource.group == group && resource.version == version)
      return &resource;
  return nullptr;
}

const Resource* Catalog::find_kind(std::string_view api_version, std::string_view kind) const {
  for (const auto& resource : resources_)
    if (resource.kind == kind && resource.api_version() == api_version) return &resource;
  return nullptr;
}

const Resource* Catalog::find_stored(std::string_view storage) const {
  for (const auto& resource : resources_)
    if (resource.storage == storage && !resource.to_served) return &resource;
  return nullptr;
}

}  // namespace apiserver
