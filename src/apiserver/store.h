// Objects, their versions and their history: what etcd is to kube-apiserver.
//
// All current objects are in memory as text; the log makes each write durable before it is visible
// or acknowledged. One number counts all writes (resourceVersion). Writes to one object happen one
// after the other; readers see exactly the committed ones, in version order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "apiserver/selector.h"
#include "base/json.h"
#include "io/loop.h"
#include "io/sync.h"

namespace apiserver {

struct Key {
  std::string storage;  // Resource::storage: "pods", "agentruns.sympozium.ai"
  std::string ns;       // "" for cluster-scoped
  std::string name;
  auto operator<=>(const Key&) const = default;
};

// One committed state of an object; never changes.
struct Object {
  Key key;
  std::int64_t version = 0;
  std::string uid;
  Pairs labels;
  Pairs fields;  // what field selectors see, by path
  std::string text;
  base::Json tree() const { return base::parse_json(text); }
};
using ObjectPtr = std::shared_ptr<const Object>;

enum class ChangeType : unsigned char { added, modified, deleted };

struct Change {
  ChangeType type;
  std::int64_t version;
  ObjectPtr before;  // null: added
  ObjectPtr after;   // deleted: the last state, with the version of the deletion
};

// A change as the log keeps it. Of `before` and `after` only the texts travel.
struct Record {
  Key key;
  std::int64_t version;
  ChangeType type;
  std::string before, after;
};

// What the log holds at start.
struct History {
  std::vector<Record> objects;  // current ones; only key and `after` are set
  std::vector<Record> changes;  // recent, by version; `after` only of deletions
  std::int64_t version = 0;     // the last one given out
  std::int64_t lost = 0;        // changes up to this one are not known any more
};

// Where changes become durable.
class ObjectLog {
 public:
  virtual ~ObjectLog() = default;
  virtual History load() = 0;
  // Returns when the record is on disk; records are kept in the order of the calls.
  virtual io::Task<> append(Record) = 0;
};

class Store {
 public:
  struct Limits {
    std::size_t changes = 8192;                   // kept per kind
    std::size_t change_bytes = 32 * 1024 * 1024;  // of texts kept per kind
  };
  using FieldsOf = std::function<std::vector<Selectable>(const std::string& storage)>;
  Store(io::Loop&, ObjectLog&, FieldsOf, Limits);
  ~Store();

  std::int64_t version() const { return visible_; }
  ObjectPtr find(const Key&) const;
  std::vector<ObjectPtr> list(const std::string& storage, const std::string& ns) const;
  // At most `limit` objects whose key is above `after`; for pages.
  std::vector<ObjectPtr> list_after(const std::string& storage, const std::string& ns,
                                    const Key& after, std::size_t limit) const;
  // The same as it was at a version; nothing when that is not known any more.
  std::optional<std::vector<ObjectPtr>> list_after_at(const std::string& storage,
                                                      const std::string& ns, std::int64_t version,
                                                      const Key& after, std::size_t limit) const;
  std::size_t count(const std::string& storage, const std::string& ns) const;

  // What a write makes of the current state (null: absent).
  struct Put {
    base::Json object;
  };
  struct Remove {
    base::Json last;  // the state that DELETED carries
  };
  struct Keep {};  // nothing to write
  using Outcome = std::variant<Put, Remove, Keep>;
  using Decide = std::function<Outcome(const ObjectPtr& current)>;
  // Lets `decide` look at the current state with no other write to this object in between; commits
  // its outcome and returns the new state (Keep: the current one, Remove: the last one). What
  // `decide` throws is thrown here.
  io::Task<ObjectPtr> write(Key, Decide);

  // Changes of one kind after a version, oldest first; nothing when some of them are lost.
  std::optional<std::vector<Change>> changes_after(const std::string& storage,
                                                   std::int64_t version) const;
  // Set at each change of the kind, while registered.
  void add_waiter(const std::string& storage, io::Event&);
  void remove_waiter(const std::string& storage, io::Event&);
  // Called for each change of a kind as it becomes visible, on the loop; also now, once for each
  // existing object.
  void observe(const std::string& storage, std::function<void(const Change&)>);

  io::Task<> stop();  // waits for writes under way

 private:
  struct Window {
    std::deque<Change> changes;
    std::size_t bytes = 0;
    std::int64_t lost = 0;
    std::set<io::Event*> waiters;
    std::vector<std::function<void(const Change&)>> observers;
  };
  struct Lock {
    io::Semaphore turn{1};
    int users = 0;
  };
  struct Pending;

  ObjectPtr make_object(Key, const base::Json& tree, std::int64_t version) const;
  Window& window(const std::string& storage);
  io::Task<> commit(std::shared_ptr<Pending>);
  void publish_ready();
  void publish(const Change&);
  void remember(Window&, const Change&);

  ObjectLog& log_;
  FieldsOf fields_of_;
  Limits limits_;
  std::map<Key, ObjectPtr> objects_;
  std::map<std::string, Window> windows_;
  std::int64_t lost_at_start_ = 0;
  std::int64_t given_ = 0;    // the last version given to a write
  std::int64_t visible_ = 0;  // the last one that readers see
  std::map<Key, Lock> locks_;
  std::deque<std::shared_ptr<Pending>> pending_;  // by version
  io::TaskGroup commits_;
};

}  // namespace apiserver
