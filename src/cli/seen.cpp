// A recorded run seen again: its transcript, its replay, what another one did differently.
#include <cmath>

#include "base/text.h"
#include "cli/compare.h"
#include "cli/recorded.h"
#include "cli/transcript.h"

namespace cli {

using base::cat;

io::Task<int> print_transcript(Session& session, std::string run) {
  const auto recorded = co_await get_recorded(session, std::move(run));
  const Story story = tell(recorded);
  if (session.output == Output::json) {
    for (const auto& step : story.steps) print_json_line(session, base::to_text(step_json(step)));
    co_return exit_ok;
  }
  Transcript transcript(story.steps.front().at);
  session.terminal.print(format_heading(story));
  for (const auto& step : story.steps) session.terminal.print(transcript.add(step));
  session.terminal.print(format_totals(story));
  co_return exit_ok;
}

namespace {

// Where `--until` lies: behind the answer of a turn ("2"), behind the result of a call ("2.0").
std::size_t end_of(const Story& story, const std::string& until) {
  if (until.empty()) return story.steps.size();
  const bool call = until.find('.') != until.npos;
  const auto outcome = call ? StoryStep::Type::result : StoryStep::Type::answer;
  std::size_t end = 0;
  for (std::size_t i = 0; i < story.steps.size(); ++i) {
    const StoryStep& step = story.steps[i];
    const bool about =
        step.subject == until && (step.type == outcome || step.type == StoryStep::Type::tool ||
                                  step.type == StoryStep::Type::request);
    if (about) end = i + 1;
  }
  if (end == 0)
    throw base::Error(base::Code::not_found,
                      cat("--until: the run has no step \"", until, "\"; it has ",
                          story.turns.size(), " turns and ", story.calls.size(),
                          " tool calls: a turn is 1, 2, …, a call 1.0, 1.1, …"));
  return end;
}

io::Task<> play(Session& session, const Story& story, std::size_t end, double speed) {
  Transcript transcript(story.steps.front().at);
  std::int64_t input = 0, output = 0, turns = 0, tools = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const StoryStep& step = story.steps[i];
    if (i > 0 && std::isfinite(speed)) {
      const auto pause = static_cast<double>((step.at - story.steps[i - 1].at).count()) / speed;
      if (pause >= 1) co_await io::sleep(session.clock, base::Duration(std::llround(pause)));
    }
    if (step.recalled_from.empty()) {
      input += step.input_tokens;
      output += step.output_tokens;
    }
    turns += step.type == StoryStep::Type::answer;
    tools += step.type == StoryStep::Type::result;
    if (session.output == Output::json) {
      auto line = step_json(step).as_object();
      line["sums"] = base::JsonObject{{"inputTokens", input}, {"outputTokens", output}};
      print_json_line(session, base::to_text(line));
      continue;
    }
    session.terminal.print(transcript.add(step));
    if (step.type == StoryStep::Type::answer)
      session.terminal.print(cat("             so far ", input, " + ", output, " tokens, ", turns,
                                 " answers, ", tools, " tool results\n"));
  }
}

}  // namespace

io::Task<int> execute(Session& session, DiffOptions options) {
  const auto first = co_await get_recorded(session, options.first);
  const auto second = co_await get_recorded(session, options.second);
  const Story left = tell(first), right = tell(second);
  const auto found = compare(left, right);
  if (session.output == Output::json)
    print_json_line(session, base::to_text(comparison_json(left, right, found)));
  else
    session.terminal.print(format_comparison(left, right, found));
  co_return found.empty() ? exit_ok : exit_error;
}

io::Task<int> execute(Session& session, ReplayOptions options) {
  const auto recorded = co_await get_recorded(session, options.run);
  const Story story = tell(recorded);
  const std::size_t end = end_of(story, options.until);
  const bool json = session.output == Output::json;
  if (!json) session.terminal.print(format_heading(story));
  auto playing = play(session, story, end, options.speed);
  const Ended ended = co_await until_left(session, std::move(playing));
  if (ended == Ended::left) co_return exit_interrupted;
  if (!json)
    session.terminal.print(end == story.steps.size() ? format_totals(story)
                                                     : cat("stopped behind ", options.until, "\n"));
  co_return exit_ok;
}

}  // namespace cli
