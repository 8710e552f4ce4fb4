// The contents of deleted namespaces, as Kubernetes' namespace controller removes them.
#include "base/text.h"
#include "controller/write.h"
#include "loops/gc_loop.h"

namespace loops {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

// At a namespace that still holds something; the end of most of it is told by a watch.
constexpr base::Duration look_again{2'000};

// Whether the namespace still has the finalizer of this loop; those of others go to `others`.
bool take_finalizer(const Json& ns, JsonArray& others) {
  auto list = base::find(ns, {"spec", "finalizers"});
  bool found = false;
  if (list && list->is_array())
    for (const auto& finalizer : list->get_array())
      if (finalizer == "kubernetes") {
        found = true;
      } else {
        others.push_back(finalizer);
      }
  return found;
}

}  // namespace

void GcLoop::look_at_namespace_of(const Place& place) {
  if (!namespaces_ || place.key.ns.empty()) return;
  const Place ns{*namespaces_, {"", place.key.ns}};
  if (auto facts = find(ns); facts && facts->deleting) work_.add(queue_key(ns));
}

// Everything in it is deleted, pods first, because they may need
// the rest to end well; when nothing is left its own finalizer goes, and it with it.
io::Task<controller::Result> GcLoop::empty_namespace(Place place) {
  auto ref = ref_of(place);
  auto ns = co_await kube::find(api_, ref);
  if (!ns) co_return controller::Result{};
  JsonArray others;
  if (!take_finalizer(*ns, others)) co_return controller::Result{};

  Leftovers left;
  for (std::size_t kind : contents_) {
    if (kinds_[kind]->plural != "pods" && left.objects.contains("pods.")) break;
    co_await empty_kind(kind, place.key.name, left);
  }
  auto version = text_at(*ns, {"metadata", "resourceVersion"});
  try {
    if (auto conditions = plan_conditions(*ns, left, clock_.now())) {
      ref.subresource = "status";
      Json patch = JsonObject{{"metadata", JsonObject{{"resourceVersion", version}}},
                              {"status", JsonObject{{"conditions", *std::move(conditions)}}}};
      auto told = co_await api_.patch(ref, std::move(patch), {});
      version = text_at(told, {"metadata", "resourceVersion"});
    }
    if (!left.objects.empty()) co_return controller::Result{look_again};
    ref.subresource = "finalize";
    Json patch = JsonObject{{"metadata", JsonObject{{"resourceVersion", version}}},
                            {"spec", JsonObject{{"finalizers", std::move(others)}}}};
    co_await api_.patch(ref, std::move(patch), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
  }
  co_return controller::Result{};
}

io::Task<> GcLoop::empty_kind(std::size_t kind, std::string ns, Leftovers& left) {
  kube::Ref all{kinds_[kind], ns, "", ""};
  kube::ListOptions options;
  options.detail = kube::Detail::metadata;
  auto page = co_await api_.list(all, options);
  if (page.items.empty()) co_return;
  for (const auto& item : page.items) {
    if (!text_at(item, {"metadata", "deletionTimestamp"}).empty()) continue;
    kube::Ref ref{kinds_[kind], ns, text_at(item, {"metadata", "name"}), ""};
    kube::RemoveOptions removal;
    removal.propagation = kube::Propagation::background;
    co_await controller::remove_if_there(api_, ref, removal);
  }
  page = co_await api_.list(all, options);
  for (const auto& item : page.items) count_leftover(left, *kinds_[kind], item);
}

}  // namespace loops
