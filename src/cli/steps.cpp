#include "cli/steps.h"

#include "base/text.h"
#include "cli/render.h"

namespace cli {

std::string StepWriter::stamped(std::string_view words) const {
  const auto tenths = (clock_.steady() - begun_).count() / 100;
  std::string passed = base::cat(tenths / 10, ".", tenths % 10, "s");
  if (passed.size() < 7) passed.insert(0, 7 - passed.size(), ' ');
  return base::cat(passed, "  ", words);
}

std::string StepWriter::write(std::string_view line) const {
  if (form_ == StepForm::raw) return base::cat(line, "\n");
  if (!line.starts_with('{')) return printable(line) + "\n";
  const std::string text = format_step(line);
  return text.empty() ? "" : text + "\n";
}

}  // namespace cli
