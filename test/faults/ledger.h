// Everything that a server ever committed, so that a test can look back.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apiserver/resource.h"
#include "apiserver/store.h"
#include "kube/api.h"

namespace faults {

class Ledger {
 public:
  Ledger(apiserver::Store&, const apiserver::Catalog&);

  std::int64_t version() const { return store_.version(); }
  // Of the world at the beginning.
  std::int64_t first_version() const { return first_version_; }
  // In the order in which they became visible; first what was there at the beginning.
  const std::vector<apiserver::Change>& changes() const { return changes_; }
  // Called for each change from now on.
  void on_change(std::function<void(const apiserver::Change&)>);

  // The page that a list had been answered with at that version.
  kube::Page list_at(std::int64_t version, const kube::Ref& collection,
                     const std::string& label_selector) const;
  // As it is now; null when there is none.
  base::Json find(const kube::Ref&) const;
  std::vector<base::Json> list(const kube::Ref& collection) const;
  // Everything there is, of all kinds.
  std::vector<apiserver::ObjectPtr> now() const;

 private:
  const std::string& storage_of(const kube::Ref&) const;

  apiserver::Store& store_;
  const apiserver::Catalog& catalog_;
  const std::int64_t first_version_;
  std::vector<apiserver::Change> changes_;
  std::vector<std::function<void(const apiserver::Change&)>> handlers_;
};

}  // namespace faults
