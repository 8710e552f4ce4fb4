// What a run's status says, for people and for the shell.
#include "base/text.h"
#include "base/time.h"
#include "cli/follow.h"
#include "cli/render.h"
#include "objects/agent_run.h"
#include "reconcilers/agentrun/status.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

namespace {

const Json* find_condition(const Json& run, std::string_view type) {
  const Json* list = base::find(run, {"status", "conditions"});
  if (list && list->is_array())
    for (const Json& condition : list->get_array())
      if (text_at(condition, {"type"}) == type) return &condition;
  return nullptr;
}

objects::RunPhase phase_of(const Json& run) {
  return schema::parse_name<objects::RunPhase>(text_at(run, {"status", "phase"}))
      .value_or(objects::RunPhase::unset);
}

bool has_reason(const Json& run, std::string_view reason) {
  const Json* list = base::find(run, {"status", "conditions"});
  if (list && list->is_array())
    for (const Json& condition : list->get_array())
      if (text_at(condition, {"reason"}) == reason) return true;
  return false;
}

}  // namespace

bool is_over(const Json& run) { return objects::is_terminal(phase_of(run)); }

int exit_code_of(const Json& run) {
  if (phase_of(run) == objects::RunPhase::succeeded) return exit_ok;
  return has_reason(run, reconcilers::reason::timed_out) ? exit_timeout : exit_error;
}

std::string progress_of(const Json& run) {
  if (is_over(run)) return "";
  std::string phase = text_at(run, {"status", "phase"});
  if (phase.empty()) phase = "Pending";
  const Json* started = find_condition(run, reconcilers::condition::started);
  if (started && text_at(*started, {"status"}) != "True")
    if (const std::string message = text_at(*started, {"message"}); !message.empty())
      return cat(phase, ": ", printable(message));
  const std::string pod = text_at(run, {"status", "podName"});
  return pod.empty() ? phase : cat(phase, " in pod ", pod);
}

std::string summary_of(const Json& run) {
  const bool succeeded = phase_of(run) == objects::RunPhase::succeeded;
  std::string text = cat(succeeded ? "■ " : "✗ ", text_at(run, {"status", "phase"}));
  if (const std::string error = text_at(run, {"status", "error"}); !error.empty())
    text += ": " + printable(error);
  if (const Json* usage = base::find(run, {"status", "tokenUsage"}))
    text += cat(
        " (", base::find_int(*usage, {"inputTokens"}).value_or(0), " input and ",
        counted(base::find_int(*usage, {"outputTokens"}).value_or(0), "output token"), ", ",
        counted(base::find_int(*usage, {"toolCalls"}).value_or(0), "tool call"), ", ",
        base::format_duration(base::Duration(base::find_int(*usage, {"durationMs"}).value_or(0))),
        ")");
  return text;
}

}  // namespace cli
