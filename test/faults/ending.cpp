#include "faults/ending.h"

#include <set>

#include "base/text.h"
#include "base/time.h"
#include "protocol/names.h"

namespace faults {

using apiserver::ChangeType;
using base::cat;
using base::Json;
using base::text_at;

namespace {

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

void forget_times(Json& tree) {
  if (tree.is_object())
    for (auto& member : tree.get_object()) forget_times(member.value());
  if (tree.is_array())
    for (Json& element : tree.get_array()) forget_times(element);
  if (tree.is_string() && base::parse_time(tree.get_string())) tree = "(a time)";
}

std::string place_of(const apiserver::Key& key) {
  return cat(key.storage, " ", key.ns, "/", key.name);
}

// Pods are named by the uid of their Job: after it, counted in the order in which they came.
class Names {
 public:
  explicit Names(const Ledger& ledger) {
    for (const auto& change : ledger.changes()) {
      if (change.type != ChangeType::added || change.version <= ledger.first_version()) continue;
      const auto& [storage, ns, name] = change.after->key;
      std::string as = name;
      if (const auto dash = name.rfind('-'); storage == "pods" && dash != std::string::npos) {
        as = cat(name.substr(0, dash), "-(pod ", ++pods_[name.substr(0, dash)], ")");
        names_[name] = as;
      }
      uids_[change.after->uid] = cat("(uid of ", storage, " ", as, " ", ++born_[storage + as], ")");
    }
  }
  std::string apply(std::string text) const {
    for (const auto& [uid, as] : uids_) replace_all(text, uid, as);
    for (const auto& [name, as] : names_) replace_all(text, name, as);
    return text;
  }

 private:
  std::map<std::string, int> pods_, born_;
  std::map<std::string, std::string> uids_, names_;
};

bool counts(const apiserver::Key& key) {
  return key.storage != "events" && !key.ns.empty() && !key.ns.starts_with("kube-");
}

}  // namespace

Ending ending_of(const Ledger& ledger) {
  const Names names(ledger);
  Ending ending;
  for (const auto& object : ledger.now()) {
    if (!counts(object->key)) continue;
    Json tree = object->tree();
    tree.at("metadata").as_object().erase("resourceVersion");
    forget_times(tree);
    ending.objects[names.apply(place_of(object->key))] =
        base::parse_json(names.apply(base::to_text(tree)));
  }
  std::set<std::string> alive;
  for (const auto& change : ledger.changes()) {
    const bool is_gone = change.type == ChangeType::deleted;
    is_gone ? alive.erase(change.after->uid) : alive.insert(change.after->uid).second;
    if (change.type != ChangeType::added || !counts(change.after->key)) continue;
    const std::string* run = apiserver::find_value(change.after->labels, protocol::label_run_uid);
    if (!run || alive.contains(*run)) ++ending.creations[names.apply(place_of(change.after->key))];
  }
  return ending;
}

std::string differences(const Ending& wanted, const Ending& got) {
  std::string lines;
  for (const auto& [place, tree] : wanted.objects) {
    const auto found = got.objects.find(place);
    if (found == got.objects.end())
      lines += cat("  missing: ", place, "\n");
    else if (found->second != tree)
      lines += cat("  ", place, "\n    is    ", base::to_text(found->second), "\n    not   ",
                   base::to_text(tree), "\n    patch ",
                   base::to_text(base::merge_diff(found->second, tree)), "\n");
  }
  for (const auto& [place, tree] : got.objects)
    if (!wanted.objects.contains(place)) lines += cat("  left over: ", place, "\n");
  for (const auto& [place, times] : got.creations) {
    const auto known = wanted.creations.find(place);
    const int most = known == wanted.creations.end() ? 0 : known->second;
    if (times > most) lines += cat("  ", place, " was made ", times, " times, not ", most, "\n");
  }
  return lines;
}

std::map<std::string, int> events_of(const Ledger& ledger) {
  std::map<std::string, int> events;
  for (const auto& object : ledger.now()) {
    if (object->key.storage != "events") continue;
    const Json event = object->tree();
    const std::string reason = text_at(event, {"reason"});
    if (text_at(event, {"source", "component"}) != "sympozium-controller" || reason == "JobCreated")
      continue;
    events[cat(text_at(event, {"involvedObject", "name"}), " ", reason)] +=
        static_cast<int>(base::find_int(event, {"count"}).value_or(1));
  }
  return events;
}

}  // namespace faults
