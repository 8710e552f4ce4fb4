// The Kubernetes API as this program uses it: JSON in, JSON out, eight verbs. Implementations:
// kube::Client; tests wrap it to make it fail. Nothing here retries; reconcilers do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "io/task.h"
#include "schema/kind.h"

namespace kube {

// The address of one object, of a subresource of it, or (without name) of a collection.
struct Ref {
  const schema::KindInfo* kind = nullptr;
  std::string ns;           // "" for cluster-scoped kinds, and for a collection over all namespaces
  std::string name;         // "" for a collection
  std::string subresource;  // "status", "token", "binding"; usually ""
};
// "Job demo/run-1", "Jobs in demo", for messages.
std::string describe(const Ref&);
// Where an object lives; `subresource` is left out.
Ref ref_of(const schema::KindInfo&, const base::Json& object);

// Whether to ask for whole objects, for PartialObjectMetadata (metadata alone, whatever the object
// holds), or for a meta.k8s.io/v1 Table: what the server shows of objects to people. `list` knows
// no tables: get the collection.
enum class Detail : std::uint8_t { object, metadata, table };

struct GetOptions {
  Detail detail = Detail::object;
  std::string label_selector = {}, field_selector = {};  // of a collection
};

// What a server does with fields that it does not know: drop them (and warn), or answer
// Error(invalid).
enum class UnknownFields : bool { drop, refuse };

struct ListOptions {
  std::string label_selector, field_selector;
  std::string resource_version;  // "" the newest; "0" whatever the server has at hand
  std::string continue_token;    // of the page before
  int limit = 0;                 // 0: all in one page
  Detail detail = Detail::object;
  bool skip_unreadable = false;  // else one item that cannot be parsed fails the whole page
};

// An object that cannot be parsed (nested too deep, say), as a value: others are not concerned.
struct Unreadable {
  base::Json object;  // {"metadata": …}, or {} when that cannot be parsed either
  std::string problem;
};

struct Page {
  base::JsonArray items;  // apiVersion and kind are set on each
  std::string resource_version;
  std::string continue_token;  // "" on the last page
  std::vector<Unreadable> unreadable;
};

struct WatchOptions {
  std::string label_selector, field_selector;
  std::string resource_version;
  base::Duration timeout{300'000};  // the server ends the watch after this
  Detail detail = Detail::object;
};

struct WatchEvent {
  enum class Type : std::uint8_t { added, modified, deleted, bookmark, unreadable, error };
  Type type = Type::error;
  base::Json object;         // error: a Status; unreadable: as in Unreadable
  std::string problem = {};  // of an unreadable one
};

// One connection's events. Bookmarks are always asked for.
class WatchStream {
 public:
  virtual ~WatchStream() = default;
  virtual io::Task<std::optional<WatchEvent>> next() = 0;  // nothing at the end
};

struct CreateOptions {
  bool dry_run = false;
  UnknownFields unknown = UnknownFields::drop;
};

struct PatchOptions {
  bool dry_run = false;
  UnknownFields unknown = UnknownFields::drop;
};

enum class Propagation : std::uint8_t { background, foreground, orphan };

struct RemoveOptions {
  std::string uid, resource_version;  // preconditions; Error(conflict) when they do not hold
  std::optional<Propagation> propagation;
  std::optional<std::int64_t> grace_period_seconds;
};

struct LogOptions {
  std::string container;
  bool follow = false, timestamps = false, previous = false;
  std::optional<std::int64_t> tail_lines, since_seconds, limit_bytes;
};

class LogStream {
 public:
  virtual ~LogStream() = default;
  virtual io::Task<std::optional<std::string>>
  next() = 0;  // a piece of the log; nothing at its end
};

// Errors are base::Error, kube::StatusError (kube/status.h) where the server answered with a
// Status.
class Api {
 public:
  virtual ~Api() = default;
  virtual io::Task<base::Json> get(Ref, GetOptions) = 0;
  virtual io::Task<Page> list(Ref, ListOptions) = 0;
  virtual io::Task<std::unique_ptr<WatchStream>> watch(Ref, WatchOptions) = 0;
  // POST to the collection; with a subresource, to <name>/<subresource> (token, binding).
  virtual io::Task<base::Json> create(Ref, base::Json object, CreateOptions) = 0;
  // JSON merge patch (RFC 7386). metadata.resourceVersion and metadata.uid in it are preconditions.
  virtual io::Task<base::Json> patch(Ref, base::Json patch, PatchOptions) = 0;
  // The object, or a Status when it is gone at once.
  virtual io::Task<base::Json> remove(Ref, RemoveOptions) = 0;
  virtual io::Task<std::unique_ptr<LogStream>> log(Ref pod, LogOptions) = 0;
  // GET of a path outside the resources: /version, /openid/v1/jwks, /apis.
  virtual io::Task<base::Json> get_path(std::string path) = 0;
};

// get, with nothing for not_found.
io::Task<std::optional<base::Json>> find(Api&, Ref, GetOptions = {});

}  // namespace kube
