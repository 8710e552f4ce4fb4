// What a watch has told about one kind, as facts that a function takes from each object.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/text.h"
#include "controller/key.h"
#include "io/sync.h"
#include "kube/watch.h"

namespace loops {

template <class Facts>
class Mirror final : public kube::WatchSink {
 public:
  using Ptr = std::shared_ptr<const Facts>;
  using Read = std::function<Facts(const base::Json&)>;
  // Called after each change; either may be null.
  using Handler =
      std::function<void(const controller::Key&, const Facts* before, const Facts* now)>;
  Mirror(Read read, Handler handler) : read_(std::move(read)), handler_(std::move(handler)) {}

  Ptr find(const controller::Key& key) const {
    auto at = entries_.find(key);
    return at == entries_.end() ? nullptr : at->second.facts;
  }
  const auto& entries() const { return entries_; }
  io::Task<> synced() { return synced_.wait(); }
  bool is_synced() const { return synced_.is_set(); }

  // Takes what a write of ours returned; older than what is known is ignored.
  void put(const base::Json& object) override {
    auto key = controller::key_of(object);
    auto version =
        base::parse_int(base::text_at(object, {"metadata", "resourceVersion"})).value_or(0);
    unseen_.erase(key);
    auto& entry = entries_[key];
    if (entry.facts && version <= entry.version) return;
    auto before = std::exchange(entry.facts, std::make_shared<const Facts>(read_(object)));
    entry.version = version;
    auto now = entry.facts;
    if (handler_) handler_(key, before.get(), now.get());
  }
  void gone(const base::Json& object) override { drop(controller::key_of(object)); }
  void list_begins() override {
    unseen_.clear();
    for (const auto& [key, entry] : entries_) unseen_.insert(key);
  }
  void listed() override {
    auto lost = std::exchange(unseen_, {});
    for (const auto& key : lost) drop(key);
    synced_.set();
  }

 private:
  struct Entry {
    std::int64_t version = 0;
    Ptr facts;
  };
  void drop(const controller::Key& key) {
    auto at = entries_.find(key);
    if (at == entries_.end()) return;
    auto before = at->second.facts;
    entries_.erase(at);
    if (handler_) handler_(key, before.get(), nullptr);
  }

  Read read_;
  Handler handler_;
  std::map<controller::Key, Entry> entries_;
  std::set<controller::Key> unseen_;
  io::Event synced_;
};

}  // namespace loops
