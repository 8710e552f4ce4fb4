#include "loops/gc_loop.h"

#include <algorithm>

#include "base/text.h"
#include "controller/write.h"
#include "objects/kinds.h"

namespace loops {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::string_view foreground = "foregroundDeletion";
constexpr std::string_view orphan = "orphan";

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

JsonArray owners_of(const Json& object) {
  auto list = base::find(object, {"metadata", "ownerReferences"});
  return list && list->is_array() ? list->get_array() : JsonArray{};
}

Json owners_patch(const Json& object, JsonArray owners) {
  return JsonObject{
      {"metadata",
       JsonObject{{"resourceVersion", text_at(object, {"metadata", "resourceVersion"})},
                  {"ownerReferences", owners.empty() ? Json() : Json(std::move(owners))}}}};
}

}  // namespace

OwnedFacts read_owned(const Json& object) {
  OwnedFacts facts;
  facts.uid = text_at(object, {"metadata", "uid"});
  facts.deleting = !text_at(object, {"metadata", "deletionTimestamp"}).empty();
  for (const auto& owner : owners_of(object))
    facts.owners.push_back({text_at(owner, {"apiVersion"}), text_at(owner, {"kind"}),
                            text_at(owner, {"name"}), text_at(owner, {"uid"}),
                            base::find_bool(owner, {"blockOwnerDeletion"}).value_or(false)});
  if (auto list = base::find(object, {"metadata", "finalizers"}); list && list->is_array())
    for (const auto& finalizer : list->get_array())
      if (finalizer.is_string()) facts.finalizers.emplace_back(finalizer.get_string());
  return facts;
}

GcLoop::GcLoop(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
               controller::Metrics& metrics, kube::Api& api,
               std::vector<const schema::KindInfo*> kinds)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      api_(api),
      kinds_(std::move(kinds)),
      work_(loop, clock, random, log, metrics, "gc", [this](Key key) { return reconcile(key); }) {
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i]->plural == "namespaces") namespaces_ = i;
    if (kinds_[i]->scope == schema::Scope::namespaced) contents_.push_back(i);
    caches_.push_back(std::make_unique<controller::Cache<OwnedFacts>>(log, read_owned));
    caches_[i]->on_change([this, i](const Key& key, const OwnedFacts* before,
                                    const OwnedFacts* now) { changed({i, key}, before, now); });
  }
  std::ranges::stable_partition(contents_,
                                [&](std::size_t i) { return kinds_[i]->plural == "pods"; });
}

GcLoop::~GcLoop() = default;

kube::Ref GcLoop::ref_of(const Place& place) const {
  return {kinds_[place.kind], place.key.ns, place.key.name, ""};
}

GcLoop::Key GcLoop::queue_key(const Place& place) const {
  return {place.key.ns, cat(place.kind, "|", place.key.name)};
}

const OwnedFacts* GcLoop::find(const Place& place) const {
  return caches_[place.kind]->find(place.key).get();
}

void GcLoop::changed(const Place& place, const OwnedFacts* before, const OwnedFacts* now) {
  if (before) {
    for (const auto& owner : before->owners) dependents_[owner.uid].erase(place);
    if (!now || now->uid != before->uid) {
      by_uid_.erase(before->uid);
      for (const auto& dependent : dependents_[before->uid]) work_.add(queue_key(dependent));
    }
    // Somebody may have waited for this one.
    for (const auto& owner : before->owners)
      if (auto at = by_uid_.find(owner.uid); at != by_uid_.end()) work_.add(queue_key(at->second));
    for (const auto& owner : before->owners)
      if (dependents_[owner.uid].empty()) dependents_.erase(owner.uid);
    if (dependents_.contains(before->uid) && dependents_[before->uid].empty())
      dependents_.erase(before->uid);
  }
  if (!now) {
    look_at_namespace_of(place);
    return;
  }
  by_uid_[now->uid] = place;
  for (const auto& owner : now->owners) dependents_[owner.uid].insert(place);
  if (!now->owners.empty() || now->deleting) work_.add(queue_key(place));
}

io::Task<controller::Result> GcLoop::reconcile(Key key) {
  auto bar = key.name.find('|');
  Place place{std::size_t(*base::parse_int(key.name.substr(0, bar))),
              {key.ns, key.name.substr(bar + 1)}};
  auto known = find(place);
  if (!known) co_return controller::Result{};
  auto facts = *known;
  if (facts.deleting) {
    if (has(facts.finalizers, orphan)) co_await orphan_dependents(place, facts);
    if (has(facts.finalizers, foreground)) {
      auto result = co_await finish_foreground(place, facts);
      co_return result;
    }
    if (kinds_[place.kind]->plural == "namespaces") {
      auto result = co_await empty_namespace(place);
      co_return result;
    }
    co_return controller::Result{};
  }
  if (!facts.owners.empty()) co_await collect(place, facts);
  co_return controller::Result{};
}

// An owner counts as gone only when the server says so: a cache may be behind.
io::Task<GcLoop::Standing> GcLoop::standing_of(const Place& of, OwnedFacts::Owner owner) {
  if (auto at = by_uid_.find(owner.uid); at != by_uid_.end()) {
    auto facts = find(at->second);
    const bool waits = facts && waits_for_dependents(*facts);
    co_return waits ? Standing::waits : Standing::stays;
  }
  auto kind = objects::find_kind_of(owner.api_version, owner.kind);
  if (!kind) co_return Standing::stays;  // a kind that we do not know: not ours to judge
  const bool namespaced = kind->scope == schema::Scope::namespaced;
  if (namespaced && of.key.ns.empty()) co_return Standing::stays;  // names nothing: the same
  kube::Ref ref{kind, namespaced ? of.key.ns : "", owner.name, ""};
  kube::GetOptions options{kube::Detail::metadata};
  auto found = co_await kube::find(api_, ref, options);
  bool same = found && text_at(*found, {"metadata", "uid"}) == owner.uid;
  co_return same ? Standing::stays : Standing::gone;
}

io::Task<> GcLoop::collect(Place place, OwnedFacts facts) {
  std::vector<Standing> standings;
  for (const auto& owner : facts.owners) {
    auto standing = co_await standing_of(place, owner);
    standings.push_back(standing);
  }
  auto none = [&](Standing standing) { return std::ranges::count(standings, standing) == 0; };
  if (none(Standing::gone) && none(Standing::waits)) co_return;
  auto ref = ref_of(place);
  kube::GetOptions metadata{kube::Detail::metadata};
  auto object = co_await kube::find(api_, ref, metadata);
  // When it has changed since, the change is on its way here.
  if (!object || read_owned(*object) != facts) co_return;
  if (!none(Standing::stays)) {
    // Who waits for it would wait for ever: it is kept, and they are its owners no more.
    JsonArray kept;
    for (std::size_t i = 0; auto& owner : owners_of(*object))
      if (standings[i++] == Standing::stays) kept.push_back(std::move(owner));
    auto patch = owners_patch(*object, std::move(kept));
    co_await api_.patch(ref, std::move(patch), {});
    co_return;
  }
  kube::RemoveOptions options;
  options.uid = facts.uid;
  options.resource_version = text_at(*object, {"metadata", "resourceVersion"});
  // In a circle somebody must not be waited for.
  bool in_circle = false;
  for (const auto& dependent : dependents_of(place, facts))
    if (auto known = find(dependent)) in_circle |= waits_for_dependents(*known);
  if (!none(Standing::waits) && in_circle) {
    auto version = co_await unblock_owners(place, *object);
    options.resource_version = version;
  }
  // Who waits for this one waits for what it owns, too; what it says of its own end holds.
  options.propagation = has(facts.finalizers, orphan) ? kube::Propagation::orphan
                        : !none(Standing::waits) || has(facts.finalizers, foreground)
                            ? kube::Propagation::foreground
                            : kube::Propagation::background;
  co_await controller::remove_if_there(api_, ref, options);
}

std::vector<GcLoop::Place> GcLoop::dependents_of(const Place& place,
                                                 const OwnedFacts& facts) const {
  std::vector<Place> others;
  if (auto at = dependents_.find(facts.uid); at != dependents_.end())
    for (const auto& dependent : at->second)
      if (dependent != place) others.push_back(dependent);
  return others;
}

bool GcLoop::waits_for_dependents(const OwnedFacts& facts) {
  return facts.deleting && has(facts.finalizers, foreground);
}

io::Task<std::string> GcLoop::unblock_owners(Place place, Json object) {
  auto owners = owners_of(object);
  for (auto& owner : owners) owner.as_object()["blockOwnerDeletion"] = false;
  auto ref = ref_of(place);
  auto patch = owners_patch(object, std::move(owners));
  auto now = co_await api_.patch(ref, std::move(patch), {});
  co_return text_at(now, {"metadata", "resourceVersion"});
}

io::Task<controller::Result> GcLoop::finish_foreground(Place place, OwnedFacts facts) {
  bool blocked = false;
  for (const auto& dependent : dependents_of(place, facts)) {
    auto known = find(dependent);
    if (!known) continue;
    for (const auto& owner : known->owners)
      if (owner.uid == facts.uid && owner.blocks) blocked = true;
    if (!known->deleting) work_.add(queue_key(dependent));
  }
  if (!blocked) co_await drop_finalizer(place, std::string(foreground));
  co_return controller::Result{};
}

io::Task<> GcLoop::orphan_dependents(Place place, OwnedFacts facts) {
  auto dependents = dependents_of(place, facts);
  for (const auto& dependent : dependents) {
    auto ref = ref_of(dependent);
    auto object = co_await kube::find(api_, ref);
    if (!object) continue;
    JsonArray kept;
    for (auto& owner : owners_of(*object))
      if (text_at(owner, {"uid"}) != facts.uid) kept.push_back(std::move(owner));
    auto patch = owners_patch(*object, std::move(kept));
    co_await api_.patch(ref, std::move(patch), {});
  }
  co_await drop_finalizer(place, std::string(orphan));
}

io::Task<> GcLoop::drop_finalizer(Place place, std::string finalizer) {
  auto ref = ref_of(place);
  auto object = co_await kube::find(api_, ref);
  if (!object) co_return;
  auto patch = controller::plan_remove_finalizer(*object, finalizer);
  if (!patch) co_return;
  auto body = std::move(*patch);
  co_await api_.patch(ref, std::move(body), {});
}

io::Task<> GcLoop::run() {
  std::vector<std::unique_ptr<kube::Watcher>> watchers;
  io::TaskGroup group(loop_);
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    kube::WatchSettings settings;
    settings.collection.kind = kinds_[i];
    settings.detail = kube::Detail::metadata;
    watchers.push_back(
        std::make_unique<kube::Watcher>(clock_, random_, log_, api_, settings, *caches_[i]));
    group.spawn("watch", watchers.back()->run());
  }
  std::exception_ptr error;
  try {
    for (const auto& cache : caches_) co_await cache->synced();
    co_await work_.run();
  } catch (...) {
    error = std::current_exception();
  }
  group.stop();
  co_await group.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace loops
