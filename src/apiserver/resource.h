// What this server serves: one entry per kind and version, with everything the generic request
// handlers need to know about it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/selector.h"
#include "apiserver/status.h"
#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace apiserver {

enum class Scope : unsigned char { cluster, namespaced };

struct Subresource {
  std::string name;            // "status"
  std::string kind;            // of its bodies
  std::string group, version;  // of its bodies, when other than the resource's
  std::vector<std::string> verbs;
};

// Columns of a Table (`kubectl get`); priority > 0 shows with -o wide only.
struct Column {
  std::string name;
  std::string type = "string";  // string, integer, date, boolean, number
  std::string format;           // "name" for the first one
  std::string description;
  int priority = 0;
};

// Which part of an object a request may change.
enum class Part : unsigned char { main, status };

struct Resource {
  std::string group, version, plural, singular, kind;
  Scope scope = Scope::namespaced;
  std::vector<std::string> short_names, categories, verbs;
  std::vector<Subresource> subresources;
  std::string storage;                 // objects of two served versions may be one in the store
  std::vector<Selectable> selectable;  // by field, beyond metadata.name and .namespace

  bool has_status = false;           // spec and status are written by different requests
  bool counts_generation = false;    // metadata.generation rises with what is not status
  bool unconditional_update = true;  // PUT without resourceVersion is allowed
  bool returns_deleted = false;      // DELETE answers the object, not a Status
  bool graceful = false;             // DELETE waits for a confirmation (pods)
  bool custom = false;               // one of our kinds: no strategic merge patch
  bool path_segment_names = false;   // names as RBAC objects have them
  bool label_names = false;          // names are DNS labels (namespaces)
  bool aggregated = false;           // served by another program; nothing is stored here

  // Each may be empty. `before` is null on create.
  std::function<void(base::Json& object)> defaults;
  std::function<void(base::Json& object, const base::Json* before, Part)> prepare;
  std::function<base::Issues(const base::Json& object, const base::Json* before, Part)> validate;
  // Fields that the kind does not have, as paths; `prune` also takes them out.
  std::function<base::Issues(const base::Json& object)> unknown_fields;
  std::function<base::Issues(const base::Json& object)> inert_fields;  // kept, without effect
  std::function<void(base::Json& object)> prune;
  // Between the served and the stored version.
  std::function<base::Json(const base::Json&)> to_served, to_stored;

  std::vector<Column> columns;
  std::function<base::JsonArray(const base::Json& object, base::Time now)> cells;
  std::function<base::Json()> openapi;  // components.schemas entry; empty: free-form object

  Subject subject() const { return {group, plural, kind}; }
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  const Subresource* find_subresource(std::string_view name) const;
  bool can(std::string_view verb) const;
};

// All of them, in the order of discovery.
class Catalog {
 public:
  explicit Catalog(std::vector<Resource> resources) : resources_(std::move(resources)) {}
  const Resource* find(std::string_view group, std::string_view version,
                       std::string_view plural) const;
  const Resource* find_kind(std::string_view api_version, std::string_view kind) const;
  // The entry whose version is the stored one.
  const Resource* find_stored(std::string_view storage) const;
  const std::vector<Resource>& resources() const { return resources_; }

 private:
  std::vector<Resource> resources_;
};

// The kinds of this product: the slice of Kubernetes' own and sympozium.ai; with the journal's, the
// aggregated ones of journal.sympozium.ai, too.
enum class WithJournal : bool { no, yes };
Catalog make_catalog(WithJournal = WithJournal::no);

}  // namespace apiserver
