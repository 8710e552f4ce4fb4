#include "cli/transcript.h"

#include "base/text.h"
#include "cli/render.h"

namespace cli {

using base::cat;
using Type = StoryStep::Type;
using Fate = StoryStep::Fate;

namespace {

constexpr std::size_t text_bytes_max = 2000, argument_bytes_max = 400, lines_max = 20;
constexpr std::string_view margin = "           ";  // below a stamp

std::string stamp(base::Duration since) {
  const auto tenths = since.count() / 100;
  std::string passed = cat(tenths / 10, ".", tenths % 10, "s");
  if (passed.size() < 9) passed.insert(0, 9 - passed.size(), ' ');
  return passed + "  ";
}

// What was written, below its step: not too much of it.
std::string quoted(std::string_view text) {
  const std::string_view kept = base::clip(text, text_bytes_max);
  std::string out;
  std::size_t lines = 0, shown = 0;
  for (const auto& line : base::split(kept, '\n')) {
    if (++lines > lines_max) break;
    out += cat(margin, "  ", printable(line), "\n");
    shown += line.size() + 1;
  }
  if (shown < text.size())
    out += cat(margin, "  … (", text.size(), " bytes; the rest with -o json)\n");
  return out;
}

std::string one_line(std::string_view text) {
  std::string out = printable(base::clip(text, argument_bytes_max));
  for (char& c : out)
    if (c == '\n' || c == '\t') c = ' ';
  return text.size() > argument_bytes_max ? out + " …" : out;
}

std::string fate_of(const StoryStep& step) {
  if (step.fate == Fate::unknown) return "  ? outcome unknown: nobody wrote down what came of it";
  if (step.fate == Fate::under_way) return "  … under way";
  return "";
}

std::string recalled(const StoryStep& step) {
  return step.recalled_from.empty() ? "" : "  (recalled)";
}

std::string describe(const StoryStep& step) {
  switch (step.type) {
    case Type::begun:
      return step.text.empty() ? "▶ run begun\n" : cat("▶ run begun: ", one_line(step.text), "\n");
    case Type::execution:
      return cat("▶ execution ", step.fence.attempt, ".", step.fence.execution,
                 step.agent.empty() ? "" : ": ", one_line(step.agent),
                 step.pod.empty() ? "" : " in pod ", one_line(step.pod), "\n");
    case Type::request: {
      const std::string model = base::text_at(step.parameters, {"model"});
      std::string out = cat("→ turn ", step.subject, model.empty() ? "" : ": ", one_line(model),
                            fate_of(step), recalled(step), "\n");
      for (const auto& said : step.messages)
        out += cat(margin, said.role.empty() ? "message" : one_line(said.role), ":\n",
                   quoted(said.text));
      return out;
    }
    case Type::answer:
      if (step.failed) return cat("✗ turn ", step.subject, ": ", one_line(step.why), "\n");
      return cat("• turn ", step.subject, ": ", step.input_tokens, " + ", step.output_tokens,
                 " tokens", step.recalled_from.empty() ? "" : " that the recorded run paid",
                 step.finish.empty() ? "" : ", ", step.finish, recalled(step), "\n",
                 step.text.empty() ? "" : quoted(step.text));
    case Type::tool: {
      const std::string what =
          cat(step.subject, " ", one_line(step.tool), " ", one_line(step.arguments));
      if (!step.allowed)
        return cat("✗ ", what, recalled(step), "\n", margin, "  denied: ", one_line(step.why),
                   "\n");
      return cat("⚙ ", what, fate_of(step), recalled(step), "\n");
    }
    case Type::result:
      return cat(step.failed ? "✗ " : "✓ ", step.subject, " ", one_line(step.tool), recalled(step),
                 "\n", quoted(step.text));
    case Type::diverged: return cat("≠ ", one_line(step.text), "\n");
    case Type::end:
      return cat(step.failed ? "✗ failed" : "■ succeeded", step.why.empty() ? "" : ": ",
                 one_line(step.why), "\n", step.text.empty() ? "" : quoted(step.text));
  }
  return "";
}

}  // namespace

std::string format_heading(const Story& story) {
  return cat("run ", printable(story.name), ", namespace ", printable(story.ns), ", uid ",
             printable(story.uid), "\n");
}

std::string format_totals(const Story& story) {
  const base::Duration took =
      story.steps.empty() ? base::Duration(0) : story.steps.back().at - story.steps.front().at;
  return cat(story.input_tokens, " input and ", counted(story.output_tokens, "output token"), ", ",
             counted(story.model_calls, "model call"),
             story.recalled > 0 ? cat(" beside ", story.recalled, " recalled") : "", ", ",
             counted(story.tool_calls, "tool call"), ", ", base::format_duration(took),
             story.succeeded ? "" : "; the run has not ended", "\n");
}

std::string Transcript::add(const StoryStep& step) {
  return stamp(step.at - began_) + describe(step);
}

}  // namespace cli
