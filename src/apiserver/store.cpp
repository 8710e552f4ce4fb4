#include "apiserver/store.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"

namespace apiserver {

namespace {

// The value at a dot path as a field selector compares it.
std::string text_of(const base::Json& tree, std::string_view path) {
  const base::Json* at = &tree;
  for (const auto& key : base::split(path, '.')) {
    auto object = at->if_object();
    at = object ? object->if_contains(key) : nullptr;
    if (!at) return "";
  }
  if (at->is_string()) return std::string(at->get_string());
  return at->is_null() || at->is_structured() ? "" : base::to_text(*at);
}

std::string selectable_text(const base::Json& tree, const Selectable& field) {
  for (const auto& path : base::split(field.path, '|'))
    if (auto text = text_of(tree, path); !text.empty()) return text;
  return field.absent;
}

}  // namespace

struct Store::Pending {
  Change change;
  Record record;
  bool done = false;
  std::exception_ptr error;
  io::Event finished;
  io::Semaphore::Permit turn;
};

Store::Store(io::Loop& loop, ObjectLog& log, FieldsOf fields_of, Limits limits)
    : log_(log), fields_of_(std::move(fields_of)), limits_(limits), commits_(loop) {
  auto history = log_.load();
  given_ = visible_ = history.version;
  lost_at_start_ = history.lost;
  std::map<Key, ObjectPtr> later;  // the state after the change being read, newest first
  for (auto& row : history.objects) {
    auto tree = base::parse_json(row.after);
    auto version = base::parse_int(base::text_at(tree, {"metadata", "resourceVersion"}));
    later[row.key] = objects_[row.key] = make_object(row.key, tree, version.value_or(0));
  }
  std::vector<Change> changes;
  for (auto& row : history.changes | std::views::reverse) {
    Change change{row.type, row.version, nullptr, nullptr};
    if (row.type == ChangeType::deleted) {
      change.after = make_object(row.key, base::parse_json(row.after), row.version);
    } else {
      change.after = later[row.key];
    }
    if (!row.before.empty()) {
      auto tree = base::parse_json(row.before);
      auto version = base::parse_int(base::text_at(tree, {"metadata", "resourceVersion"}));
      change.before = make_object(row.key, tree, version.value_or(0));
    }
    later[row.key] = change.before;
    if (change.after) changes.push_back(std::move(change));
  }
  for (auto& change : changes | std::views::reverse)
    remember(window(change.after->key.storage), change);
}

Store::~Store() = default;

ObjectPtr Store::make_object(Key key, const base::Json& tree, std::int64_t version) const {
  auto object = std::make_shared<Object>();
  object->version = version;
  object->uid = base::text_at(tree, {"metadata", "uid"});
  if (auto labels = base::find(tree, {"metadata", "labels"}); labels && labels->is_object())
    for (const auto& [name, value] : labels->get_object())
      if (value.is_string()) object->labels.emplace_back(name, value.get_string());
  object->fields.emplace_back("metadata.name", key.name);
  object->fields.emplace_back("metadata.namespace", key.ns);
  for (const auto& field : fields_of_(key.storage))
    object->fields.emplace_back(field.path, selectable_text(tree, field));
  object->key = std::move(key);
  object->text = base::to_text(tree);
  return object;
}

Store::Window& Store::window(const std::string& storage) {
  auto [at, fresh] = windows_.try_emplace(storage);
  if (fresh) at->second.lost = lost_at_start_;
  return at->second;
}

ObjectPtr Store::find(const Key& key) const {
  auto at = objects_.find(key);
  return at == objects_.end() ? nullptr : at->second;
}

std::vector<ObjectPtr> Store::list(const std::string& storage, const std::string& ns) const {
  return list_after(storage, ns, Key{storage, ns, ""}, objects_.size());
}

std::vector<ObjectPtr> Store::list_after(const std::string& storage, const std::string& ns,
                                         const Key& after, std::size_t limit) const {
  std::vector<ObjectPtr> found;
  auto at = objects_.lower_bound(Key{storage, ns, ""});
  if (Key first{storage, ns, ""}; first < after) at = objects_.upper_bound(after);
  for (; at != objects_.end() && found.size() < limit; ++at) {
    if (at->first.storage != storage || (!ns.empty() && at->first.ns != ns)) break;
    found.push_back(at->second);
  }
  return found;
}

std::optional<std::vector<ObjectPtr>> Store::list_after_at(const std::string& storage,
                                                           const std::string& ns,
                                                           std::int64_t version, const Key& after,
                                                           std::size_t limit) const {
  auto changes = changes_after(storage, version);
  if (!changes) return {};
  // What has changed since, as it was: the first change of each object tells. Null: it was not.
  std::map<Key, ObjectPtr> then;
  for (const auto& change : *changes)
    if (const auto& key = change.after->key; after < key && (ns.empty() || key.ns == ns))
      then.try_emplace(key, change.before);
  std::vector<ObjectPtr> found;
  auto old = then.begin();
  auto take_old_before = [&](const Key* end) {
    for (; old != then.end() && found.size() < limit && (!end || old->first < *end); ++old)
      if (old->second) found.push_back(old->second);
  };
  // As many current objects may be other than they were as there are changes.
  auto most = std::min(limit, objects_.size()) + then.size();
  for (auto& object : list_after(storage, ns, after, most)) {
    take_old_before(&object->key);
    if (found.size() == limit) return found;
    if (!then.contains(object->key)) found.push_back(std::move(object));
  }
  take_old_before(nullptr);
  return found;
}

std::size_t Store::count(const std::string& storage, const std::string& ns) const {
  return list(storage, ns).size();
}

io::Task<ObjectPtr> Store::write(Key key, Decide decide) {
  // The lock lives as long as somebody uses it; its turn passes on when the commit has ended.
  struct Use {
    std::map<Key, Lock>& locks;
    std::map<Key, Lock>::iterator at;
    ~Use() {
      if (--at->second.users == 0) locks.erase(at);
    }
  };
  auto at = locks_.try_emplace(key).first;
  ++at->second.users;
  auto use = std::make_shared<Use>(locks_, at);
  auto turn = co_await at->second.turn.acquire();

  auto current = find(key);
  auto outcome = decide(current);
  if (std::holds_alternative<Keep>(outcome)) co_return current;
  bool removes = std::holds_alternative<Remove>(outcome);
  if (removes && !current) co_return nullptr;
  auto version = ++given_;
  base::Json& tree = removes ? std::get<Remove>(outcome).last : std::get<Put>(outcome).object;
  base::ensure(tree, {"metadata", "resourceVersion"}) = std::to_string(version);

  auto pending = std::make_shared<Pending>();
  pending->change = {removes   ? ChangeType::deleted
                     : current ? ChangeType::modified
                               : ChangeType::added,
                     version, current, make_object(key, tree, version)};
  pending->record = {key, version, pending->change.type, current ? current->text : "",
                     pending->change.after->text};
  pending->turn = std::move(turn);
  pending_.push_back(pending);
  // In a task of its own: a caller that goes away must not leave a durable write unseen.
  auto work = [](Store& store, std::shared_ptr<Pending> write,
                 std::shared_ptr<Use> held) -> io::Task<> {
    co_await store.commit(write);
    write->turn = {};
    held.reset();
  };
  commits_.spawn("commit", work(*this, pending, use));
  use.reset();
  co_await pending->finished.wait();
  if (pending->error) std::rethrow_exception(pending->error);
  co_return pending->change.after;
}

io::Task<> Store::commit(std::shared_ptr<Pending> pending) {
  try {
    auto record = std::move(pending->record);
    co_await log_.append(std::move(record));
  } catch (...) {
    pending->error = std::current_exception();
  }
  pending->done = true;
  publish_ready();
}

void Store::publish_ready() {
  while (!pending_.empty() && pending_.front()->done) {
    auto pending = std::move(pending_.front());
    pending_.pop_front();
    if (!pending->error) publish(pending->change);
    pending->finished.set();
  }
}

void Store::publish(const Change& change) {
  visible_ = change.version;
  const auto& key = change.after->key;
  if (change.type == ChangeType::deleted) {
    objects_.erase(key);
  } else {
    objects_[key] = change.after;
  }
  auto& kind = window(key.storage);
  remember(kind, change);
  for (auto waiter : kind.waiters) waiter->set();
  for (const auto& observer : kind.observers) observer(change);
}

void Store::remember(Window& kind, const Change& change) {
  kind.changes.push_back(change);
  kind.bytes += change.after->text.size();
  while (kind.changes.size() > limits_.changes || kind.bytes > limits_.change_bytes) {
    kind.lost = kind.changes.front().version;
    kind.bytes -= kind.changes.front().after->text.size();
    kind.changes.pop_front();
  }
}

std::optional<std::vector<Change>> Store::changes_after(const std::string& storage,
                                                        std::int64_t version) const {
  auto at = windows_.find(storage);
  if (version < (at == windows_.end() ? lost_at_start_ : at->second.lost)) return {};
  if (at == windows_.end()) return std::vector<Change>{};
  const auto& changes = at->second.changes;
  auto first = std::ranges::upper_bound(changes, version, {}, &Change::version);
  return std::vector<Change>(first, changes.end());
}

void Store::add_waiter(const std::string& storage, io::Event& waiter) {
  window(storage).waiters.insert(&waiter);
}

void Store::remove_waiter(const std::string& storage, io::Event& waiter) {
  window(storage).waiters.erase(&waiter);
}

void Store::observe(const std::string& storage, std::function<void(const Change&)> observer) {
  for (const auto& object : list(storage, ""))
    observer({ChangeType::added, object->version, nullptr, object});
  window(storage).observers.push_back(std::move(observer));
}

io::Task<> Store::stop() { return commits_.join(); }

}  // namespace apiserver
