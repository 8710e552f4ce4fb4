// Log lines of an agent as the user wants them: for people with the time that has passed, or as
// they are.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace cli {

enum class StepForm : unsigned char { people, raw };

class StepWriter {
 public:
  StepWriter(const base::Clock& clock, StepForm form)
      : clock_(clock), form_(form), begun_(clock.steady()) {}
  // With its line break; "" for what is not shown. Lines of agents that write no steps stay as they
  // are.
  std::string write(std::string_view line) const;
  // The same stamp before words of our own.
  std::string stamped(std::string_view words) const;

 private:
  const base::Clock& clock_;
  StepForm form_;
  base::Instant begun_;
};

}  // namespace cli
