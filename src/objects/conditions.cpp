#include "objects/conditions.h"

#include <algorithm>

namespace objects {

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  auto at = std::ranges::find(conditions, type, &Condition::type);
  return at == conditions.end() ? nullptr : &*at;
}

bool is_true(const std::vector<Condition>& conditions, std::string_view type) {
  auto condition = find_condition(conditions, type);
  return condition && condition->status == ConditionStatus::is_true;
}

Changed set_condition(std::vector<Condition>& conditions, Condition wanted) {
  auto at = std::ranges::find(conditions, wanted.type, &Condition::type);
  if (at == conditions.end()) {
    conditions.push_back(std::move(wanted));
    return Changed::yes;
  }
  if (at->status == wanted.status) wanted.lastTransitionTime = at->lastTransitionTime;
  if (*at == wanted) return Changed::no;
  *at = std::move(wanted);
  return Changed::yes;
}

Changed remove_condition(std::vector<Condition>& conditions, std::string_view type) {
  return std::erase_if(conditions, [&](const Condition& c) { return c.type == type; })
             ? Changed::yes
             : Changed::no;
}

}  // namespace objects
