// The writes of the reconcilers of this folder: every answer goes back into the cache it belongs
// to.
#pragma once

#include <memory>

#include "controller/cache.h"
#include "controller/write.h"
#include "kube/api.h"
#include "schema/schema.h"

namespace reconcilers {

// A struct as the API server wants it: with apiVersion and kind, without status.
template <class T>
base::Json to_manifest(const T& object) {
  base::Json made{{"apiVersion", T::info.api_version()}, {"kind", T::info.kind}};
  const base::Json fields = schema::encode(object);
  for (const auto& [name, value] : fields.get_object())
    if (name != "status") made.get_object()[name] = value;
  return made;
}

template <class T>
kube::Ref ref_to(const T& object, std::string subresource = {}) {
  return {&T::info, object.metadata.ns, object.metadata.name, std::move(subresource)};
}

// What the cache has, else what the server has: for decisions that must not rest on an absence that
// is only late.
template <class T>
io::Task<std::shared_ptr<const T>> find_surely(kube::Api& api, controller::Cache<T>& cache,
                                               controller::Key key) {
  std::shared_ptr<const T> found = cache.find(key);
  if (found) co_return found;
  std::optional<base::Json> object = co_await kube::find(api, {&T::info, key.ns, key.name, {}});
  if (object) found = std::make_shared<const T>(controller::decode<T>(*object));
  co_return found;
}

// Writes the status of `before` as it should be, when anything differs; the object as it is then.
template <class T, class Status>
io::Task<std::shared_ptr<const T>> patch_status(kube::Api& api, controller::Cache<T>& cache,
                                                std::shared_ptr<const T> before, Status after) {
  std::optional<base::Json> patch = controller::plan_status_patch(
      schema::encode(before->status), schema::encode(after), before->metadata.resourceVersion);
  if (!patch) co_return before;
  kube::Ref ref = ref_to(*before, "status");
  base::Json now = co_await api.patch(std::move(ref), std::move(*patch), {});
  cache.assume(now);
  co_return std::make_shared<const T>(controller::decode<T>(now));
}

// Makes an object that only we write and nobody waits for, unless it is there.
template <class T>
io::Task<> ensure(kube::Api& api, controller::Cache<T>& cache, T wanted) {
  if (cache.find({wanted.metadata.ns, wanted.metadata.name})) co_return;
  kube::Ref ref = ref_to(wanted);
  base::Json manifest = to_manifest(wanted);
  controller::Child child =
      co_await controller::create_or_get(api, std::move(ref), std::move(manifest));
  cache.assume(child.object);
}

}  // namespace reconcilers
