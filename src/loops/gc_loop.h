// The garbage collector: what its owners left behind, and what a deleted namespace holds.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/cache.h"
#include "controller/controller.h"
#include "kube/api.h"
#include "loops/namespace_content.h"

namespace loops {

struct OwnedFacts {
  std::string uid;
  struct Owner {
    std::string api_version, kind, name, uid;
    bool blocks = false;
    bool operator==(const Owner&) const = default;
  };
  std::vector<Owner> owners;
  std::vector<std::string> finalizers;
  bool deleting = false;
  bool operator==(const OwnedFacts&) const = default;
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
  // Of an owner: it is gone, waits for what it owns to go, or stays.
  enum class Standing : unsigned char { gone, waits, stays };
  io::Task<Standing> standing_of(const Place& of, OwnedFacts::Owner);
  std::vector<Place> dependents_of(const Place&, const OwnedFacts&) const;
  // It is being deleted and goes when what it owns has gone.
  static bool waits_for_dependents(const OwnedFacts&);
  io::Task<std::string> unblock_owners(Place, base::Json object);  // its version then
  io::Task<controller::Result> finish_foreground(Place, OwnedFacts);
  io::Task<> orphan_dependents(Place, OwnedFacts);
  io::Task<controller::Result> empty_namespace(Place);
  io::Task<> empty_kind(std::size_t kind, std::string ns, Leftovers&);
  void look_at_namespace_of(const Place&);  // when it waits for its contents to go
  io::Task<> drop_finalizer(Place, std::string finalizer);
  const OwnedFacts* find(const Place&) const;

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  std::vector<const schema::KindInfo*> kinds_;
  std::optional<std::size_t> namespaces_;  // among kinds_
  std::vector<std::size_t> contents_;      // kinds_ that live in namespaces, pods first
  std::vector<std::unique_ptr<controller::Cache<OwnedFacts>>> caches_;
  std::map<std::string, Place> by_uid_;
  std::map<std::string, std::set<Place>> dependents_;  // by owner's uid
  controller::Controller work_;
};

}  // namespace loops
