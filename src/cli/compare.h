// What two recorded runs did differently. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/story.h"

namespace cli {

// A place where two values differ: an RFC 6901 pointer, and what stands there; nothing where one of
// them has no such place.
struct Difference {
  std::string pointer;
  std::optional<base::Json> left, right;
};
// In the order of the left value, at most `limit`.
std::vector<Difference> differences(const base::Json& left, const base::Json& right,
                                    std::size_t limit);

// One step that is not the same in both.
struct StepDifference {
  enum class What : unsigned char { request, answer, tool, arguments, result, end } what;
  std::string step;  // "2" of a turn, "2.0" of a call, "" of the end
  enum class In : unsigned char { both, left, right } in = In::both;
  std::vector<Difference> places;  // of requests, answers and arguments that are JSON: at most ten
  std::string left, right;         // of others: the texts
};

// In the order in which the runs did it.
std::vector<StepDifference> compare(const Story& left, const Story& right);

// For people, fit for a terminal: the first differing step, then everything by kind, then the sums.
std::string format_comparison(const Story& left, const Story& right,
                              const std::vector<StepDifference>&);
base::Json comparison_json(const Story& left, const Story& right,
                           const std::vector<StepDifference>&);

}  // namespace cli
