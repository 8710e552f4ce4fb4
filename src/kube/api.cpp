#include "kube/api.h"

#include "base/text.h"

namespace kube {

std::string describe(const Ref& ref) {
  if (ref.name.empty()) return base::cat(ref.kind->plural, ref.ns.empty() ? "" : " in ", ref.ns);
  return base::cat(ref.kind->kind, " ", ref.ns, ref.ns.empty() ? "" : "/", ref.name,
                   ref.subresource.empty() ? "" : "/", ref.subresource);
}

Ref ref_of(const schema::KindInfo& kind, const base::Json& object) {
  return {&kind,
          base::text_at(object, {"metadata", "namespace"}),
          base::text_at(object, {"metadata", "name"}),
          {}};
}

io::Task<std::optional<base::Json>> find(Api& api, Ref ref, GetOptions options) {
  try {
    base::Json object = co_await api.get(std::move(ref), options);
    co_return std::optional<base::Json>(std::move(object));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
  }
  co_return std::nullopt;
}

}  // namespace kube
