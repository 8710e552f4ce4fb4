// The garbage collector: what its owners left behind, and what a deleted namespace holds.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/cache.h"
#include "controller/controller.h"
#include "kube/api.h"

namespace loops {

struct OwnedFacts {
  std::string uid;
  struct Owner {
    std::string api_version, kind, name, uid;
    bool blocks = false;
  };
  std::vector<Owner> owners;
  std::vector<std::string> finalizers;
  bool deleting = false;
};
OwnedFacts read_owned(const base::Json&);

// Watches the metadata of `kinds` (all that may own or be owned, Namespaces among them).
class GcLoop {
 public:
  GcLoop(io::Loop&, base::Clock&, base::Random&, base::Log&, controller::Metrics&, kube::Api&,
         std::vector<const schema::KindInfo*> kinds);
  ~GcLoop();
  io::Task<> run();  // until cancelled

 private:
  using Key = controller::Key;
  struct Place {  // one object
    std::size_t kind;
    Key key;
    auto operator<=>(const Place&) const = default;
  };
  kube::Ref ref_of(const Place&) const;
  // A key of the queue names a place: "<kind index>|<name>" in its namespace.
  Key queue_key(const Place&) const;
  void changed(const Place&, const OwnedFacts* before, const OwnedFacts* now);
  io::Task<controller::Result> reconcile(Key);
  io::Task<> collect(Place, OwnedFacts);
  io::Task<bool> owner_exists(const Place& of, OwnedFacts::Owner);
  std::vector<Place> dependents_of(const Place&, const OwnedFacts&) const;
  // It is being deleted and goes when what it owns has gone.
  static bool waits_for_dependents(const OwnedFacts&);
  io::Task<> unblock_owners(Place);
  io::Task<controller::Result> finish_foreground(Place, OwnedFacts);
  io::Task<> orphan_dependents(Place, OwnedFacts);
  io::Task<controller::Result> empty_namespace(Place);
  io::Task<> drop_finalizer(Place, std::string finalizer);
  const OwnedFacts* find(const Place&) const;

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  std::vector<const schema::KindInfo*> kinds_;
  std::vector<std::unique_ptr<controller::Cache<OwnedFacts>>> caches_;
  std::map<std::string, Place> by_uid_;
  std::map<std::string, std::set<Place>> dependents_;  // by owner's uid
  controller::Controller work_;
};

}  // namespace loops
