#include "schema/kind.h"

#include "base/text.h"

namespace schema {

std::string KindInfo::api_version() const {
  return group.empty() ? std::string(version) : base::cat(group, "/", version);
}

std::string path_of(const KindInfo& kind, std::string_view ns, std::string_view name,
                    std::string_view subresource) {
  std::string path = base::cat(kind.group.empty() ? "/api/" : "/apis/", kind.api_version());
  if (!ns.empty() && kind.scope == Scope::namespaced) path += base::cat("/namespaces/", ns);
  path += base::cat("/", kind.plural);
  if (!name.empty()) path += base::cat("/", name);
  if (!subresource.empty()) path += base::cat("/", subresource);
  return path;
}

}  // namespace schema
