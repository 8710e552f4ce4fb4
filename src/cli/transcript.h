// The steps of a recorded run as text for people. Pure; fit for a terminal whatever a model or a
// tool wrote.
#pragma once

#include <string>

#include "cli/story.h"

namespace cli {

// Who the run was.
std::string format_heading(const Story&);
// What it used, and how it ended: the last line.
std::string format_totals(const Story&);

// Steps one after the other, with the time since the first.
class Transcript {
 public:
  explicit Transcript(base::Time began) : began_(began) {}
  // With its line breaks.
  std::string add(const StoryStep&);

 private:
  base::Time began_;
};

}  // namespace cli
