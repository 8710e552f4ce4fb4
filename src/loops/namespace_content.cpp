#include "loops/namespace_content.h"

#include <algorithm>

#include "base/text.h"

namespace loops {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

struct Condition {
  std::string_view type, status, reason;
  std::string message;
};

// "a. has 1 resource instances, b.c has 2 resource instances"
std::string list_counts(const std::map<std::string, int>& counts, std::string_view verb) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(cat(name, " ", verb, " ", count, " resource instances"));
  return base::join(parts, ", ");
}

std::vector<Condition> conditions_of(const Leftovers& left) {
  std::vector<Condition> all{
      {"NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
       "All resources successfully discovered"},
      {"NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
       "All legacy kube types successfully parsed"},
      {"NamespaceDeletionContentFailure", "False", "ContentDeleted",
       "All content successfully deleted, may be waiting on finalization"},
      {"NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"},
      {"NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
       "All content-preserving finalizers finished"}};
  if (!left.objects.empty())
    all[3] = {"NamespaceContentRemaining", "True", "SomeResourcesRemain",
              cat("Some resources are remaining: ", list_counts(left.objects, "has"))};
  if (!left.finalizers.empty())
    all[4] = {"NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
              cat("Some content in the namespace has finalizers remaining: ",
                  list_counts(left.finalizers, "in"))};
  return all;
}

}  // namespace

void count_leftover(Leftovers& left, const schema::KindInfo& kind, const Json& object) {
  ++left.objects[cat(kind.plural, ".", kind.group)];
  if (auto list = base::find(object, {"metadata", "finalizers"}); list && list->is_array())
    for (const auto& finalizer : list->get_array())
      if (finalizer.is_string()) ++left.finalizers[std::string(finalizer.get_string())];
}

std::optional<JsonArray> plan_conditions(const Json& ns, const Leftovers& left, base::Time now) {
  auto there = base::find(ns, {"status", "conditions"});
  JsonArray list = there && there->is_array() ? there->get_array() : JsonArray{};
  bool changed = false;
  for (const auto& wanted : conditions_of(left)) {
    auto at = std::ranges::find_if(
        list, [&](const Json& one) { return text_at(one, {"type"}) == wanted.type; });
    bool turned = at == list.end() || text_at(*at, {"status"}) != wanted.status;
    if (!turned && text_at(*at, {"reason"}) == wanted.reason &&
        text_at(*at, {"message"}) == wanted.message)
      continue;
    JsonObject condition{{"type", wanted.type},
                         {"status", wanted.status},
                         {"reason", wanted.reason},
                         {"message", wanted.message},
                         {"lastTransitionTime",
                          turned ? base::format_time(now) : text_at(*at, {"lastTransitionTime"})}};
    if (at == list.end()) {
      list.push_back(std::move(condition));
    } else {
      *at = std::move(condition);
    }
    changed = true;
  }
  if (!changed) return {};
  return list;
}

}  // namespace loops
