// Tells a story under many circumstances and holds each telling against the undisturbed one.
#pragma once

#include <cstdint>
#include <vector>

#include "faults/telling.h"

namespace faults {

// Two at a time, each in a world of its own. The first few that went wrong are shown whole.
void check(const Story&, const Told& undisturbed, const std::vector<Circumstances>&);

// FAULTS_CASE="crash_after@7 delay@3": instead of all others.
std::vector<Fault> chosen_faults();
// FAULTS_SEED=5: instead of 1 to `count`.
std::vector<std::uint64_t> chosen_seeds(std::size_t count);

}  // namespace faults
