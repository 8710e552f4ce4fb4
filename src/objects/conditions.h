// Conditions as kstatus reads them: Ready, Reconciling, Stalled, with observedGeneration.
#pragma once

#include <string_view>
#include <vector>

#include "objects/meta.h"

namespace objects {

const Condition* find_condition(const std::vector<Condition>&, std::string_view type);
bool is_true(const std::vector<Condition>&, std::string_view type);

enum class Changed : bool { no, yes };
// Puts `wanted` in its place by type. lastTransitionTime is taken from `wanted` only when the
// status differs from what was there; otherwise the old one stays. Says whether anything is
// different now.
Changed set_condition(std::vector<Condition>&, Condition wanted);
Changed remove_condition(std::vector<Condition>&, std::string_view type);

}  // namespace objects
