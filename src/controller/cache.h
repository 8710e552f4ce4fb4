// What the world looks like, as far as a watch has told: typed projections of every object of one
// kind.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "controller/key.h"
#include "io/sync.h"
#include "kube/watch.h"
#include "schema/schema.h"

namespace controller {

// The answer of the API server as T, members that T does not have left out; Error(invalid) with
// every problem.
template <class T>
T decode(const base::Json& object) {
  T value;
  const base::Issues issues = schema::decode(value, object, schema::Unknown::ignore);
  if (!issues.empty()) throw base::Error(base::Code::invalid, base::format(issues));
  return value;
}

// True when `a` is known to be older than `b`: both are numbers (as Kubernetes' are since 1.35 by
// promise, and always were) and a < b.
bool is_older_revision(std::string_view a, std::string_view b);

// Fed by a kube::Watcher. An object that does not decode is reported once per revision and is
// absent; others are not concerned. Trees are dropped after decoding.
template <class T>
class Cache final : public kube::WatchSink {
 public:
  using Ptr = std::shared_ptr<const T>;  // stays valid across awaits, and may be old by then
  using Index = std::function<std::vector<std::string>(const Key&, const T&)>;
  // Called after each change; one of them may be null.
  using Handler = std::function<void(const Key&, const T* before, const T* now)>;
  // How an object becomes a T; base::Error when it cannot.
  using Read = std::function<T(const base::Json&)>;
  // Makes the projection smaller before it is kept.
  using Trim = std::function<void(T&)>;

  // Projections by the field table of T.
  explicit Cache(base::Log& log, Trim trim = {})
      : Cache(log, Read([trim = std::move(trim)](const base::Json& object) {
                T value = decode<T>(object);
                if (trim) trim(value);
                return value;
              })) {}
  Cache(base::Log& log, Read read) : log_(log), read_(std::move(read)) {}

  // Before the first object.
  void add_index(std::string name, Index index) { indexes_[std::move(name)].of = std::move(index); }
  void on_change(Handler handler) { handlers_.push_back(std::move(handler)); }

  Ptr find(const Key& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : found->second.value;
  }
  std::vector<std::pair<Key, Ptr>> list() const {
    std::vector<std::pair<Key, Ptr>> all;
    for (const auto& [key, entry] : entries_)
      if (entry.value) all.emplace_back(key, entry.value);
    return all;
  }
  std::vector<std::pair<Key, Ptr>> list_by(const std::string& index,
                                           const std::string& value) const {
    std::vector<std::pair<Key, Ptr>> some;
    const auto& keys = indexes_.at(index).keys;
    if (const auto found = keys.find(value); found != keys.end())
      for (const Key& key : found->second) some.emplace_back(key, find(key));
    return some;
  }
  std::size_t size() const { return entries_.size(); }

  // The first list is complete.
  bool is_synced() const { return synced_.is_set(); }
  io::Task<> synced() { co_await synced_.wait(); }

  // Takes an object that a write of ours returned, so that the next look sees it. Ignored when the
  // watch is further, or when the object may have gone again without a word to us.
  void assume(const base::Json& object) {
    const Key key = key_of(object);
    const bool is_known = entries_.contains(key);
    if (!is_known && (listing_ || !is_older_revision(reached_, revision_of(object)))) return;
    store(key, object);
  }

  void list_begins() override {
    listing_ = true;
    unseen_.clear();
    for (const auto& [key, entry] : entries_) unseen_.insert(key);
  }
  void put(const base::Json& object) override {
    const Key key = key_of(object);
    unseen_.erase(key);
    store(key, object);
  }
  void gone(const base::Json& object) override {
    const auto found = entries_.find(key_of(object));
    if (found == entries_.end()) return;
    if (is_older_revision(revision_of(object), found->second.revision)) return;  // made again
    drop(found->first);
  }
  void listed() override {
    const std::set<Key> lost = std::move(unseen_);
    unseen_.clear();
    for (const Key& key : lost) drop(key);
    listing_ = false;
    synced_.set();
  }
  void reached(const std::string& revision) override { reached_ = revision; }

 private:
  struct Entry {
    std::string revision;
    Ptr value;  // null: it exists and does not decode
  };
  struct Lookup {
    Index of;
    std::map<std::string, std::set<Key>> keys;
  };

  static std::string revision_of(const base::Json& object) {
    return base::text_at(object, {"metadata", "resourceVersion"});
  }
  void store(const Key& key, const base::Json& object) {
    std::string revision = revision_of(object);
    Entry& entry = entries_[key];
    if (entry.revision == revision || is_older_revision(revision, entry.revision)) return;
    Ptr now;
    try {
      now = std::make_shared<const T>(read_(object));
    } catch (const base::Error& error) {
      log_.error("object does not decode", {{"object", key.text()}, {"error", error.what()}});
    }
    entry.revision = std::move(revision);
    replace(key, entry, std::move(now));
  }
  void replace(const Key& key, Entry& entry, Ptr now) {
    const Ptr before = std::exchange(entry.value, now);
    for (auto& [name, index] : indexes_) {
      if (before)
        for (const auto& value : index.of(key, *before)) forget(index, value, key);
      if (now)
        for (const auto& value : index.of(key, *now)) index.keys[value].insert(key);
    }
    if (!before && !now) return;
    for (const Handler& handler : handlers_) handler(key, before.get(), now.get());
  }
  void drop(Key key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    Entry entry = std::move(found->second);
    entries_.erase(found);
    replace(key, entry, nullptr);
  }
  static void forget(Lookup& index, const std::string& value, const Key& key) {
    const auto found = index.keys.find(value);
    if (found == index.keys.end()) return;
    found->second.erase(key);
    if (found->second.empty()) index.keys.erase(found);
  }

  base::Log& log_;
  Read read_;
  std::map<Key, Entry> entries_;
  std::map<std::string, Lookup> indexes_;
  std::vector<Handler> handlers_;
  bool listing_ = true;   // until the list that is under way is complete
  std::set<Key> unseen_;  // known before that list, and not in it so far
  std::string reached_;   // the revision up to which the watch has told all
  io::Event synced_;
};

}  // namespace controller
