#include "faults/ledger.h"

#include <algorithm>
#include <iterator>

namespace faults {

using apiserver::Change;
using apiserver::ChangeType;
using apiserver::ObjectPtr;

Ledger::Ledger(apiserver::Store& store, const apiserver::Catalog& catalog)
    : store_(store), catalog_(catalog), first_version_(store.version()) {
  for (const auto& resource : catalog.resources()) {
    if (catalog.find_stored(resource.storage) != &resource) continue;
    store.observe(resource.storage, [this](const Change& change) {
      changes_.push_back(change);
      for (const auto& handler : handlers_) handler(change);
    });
  }
}

void Ledger::on_change(std::function<void(const Change&)> handler) {
  handlers_.push_back(std::move(handler));
}

const std::string& Ledger::storage_of(const kube::Ref& ref) const {
  return catalog_.find(ref.kind->group, ref.kind->version, ref.kind->plural)->storage;
}

kube::Page Ledger::list_at(std::int64_t version, const kube::Ref& collection,
                           const std::string& label_selector) const {
  const std::string& storage = storage_of(collection);
  std::map<apiserver::Key, ObjectPtr> then;
  for (const Change& change : changes_) {
    if (change.after->key.storage != storage || change.version > version) continue;
    if (change.type == ChangeType::deleted)
      then.erase(change.after->key);
    else
      then[change.after->key] = change.after;
  }
  const auto selector = apiserver::parse_label_selector(label_selector);
  kube::Page page{.resource_version = std::to_string(version)};
  for (const auto& [key, object] : then) {
    if (!collection.ns.empty() && key.ns != collection.ns) continue;
    if (selector.matches(object->labels)) page.items.push_back(object->tree());
  }
  return page;
}

base::Json Ledger::find(const kube::Ref& ref) const {
  const ObjectPtr found = store_.find({storage_of(ref), ref.ns, ref.name});
  return found ? found->tree() : base::Json();
}

std::vector<base::Json> Ledger::list(const kube::Ref& collection) const {
  std::vector<base::Json> all;
  for (const ObjectPtr& object : store_.list(storage_of(collection), collection.ns))
    all.push_back(object->tree());
  return all;
}

std::vector<ObjectPtr> Ledger::now() const {
  std::vector<ObjectPtr> all;
  for (const auto& resource : catalog_.resources())
    if (catalog_.find_stored(resource.storage) == &resource)
      std::ranges::move(store_.list(resource.storage, ""), std::back_inserter(all));
  return all;
}

}  // namespace faults
