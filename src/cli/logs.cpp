// logs: what a run's agent did.
#include "base/text.h"
#include "cli/follow.h"
#include "cli/live.h"
#include "cli/recorded.h"
#include "cli/steps.h"
#include "io/http.h"
#include "objects/agent_run.h"
#include "objects/pod.h"
#include "protocol/names.h"

namespace cli {

using base::cat;
using base::Json;

namespace {

constexpr std::size_t line_bytes_max = 1024 * 1024;

io::Task<int> follow_log(Session& session, Json run, std::string container, StepForm form) {
  const StepWriter writer(session.clock, form);
  LiveText live([](std::string_view head) { return std::string(head); });
  FollowSinks sinks;
  std::string said;
  sinks.run = [&](const Json& now) {
    std::string progress = progress_of(now);
    if (progress.empty() || progress == said) return;
    session.terminal.print(live.close());
    session.terminal.note(progress);
    said = std::move(progress);
  };
  sinks.log_line = [&](const std::string& line) {
    session.terminal.print(live.close());
    session.terminal.print(writer.write(form == StepForm::people ? live.rest_of(line) : line));
  };
  if (form == StepForm::people && session.terminal.output_is_terminal())
    sinks.delta = [&](const protocol::ModelDelta& delta) {
      session.terminal.print(live.add(delta));
    };
  const Followed followed =
      co_await follow(session, std::move(run), std::move(container), std::move(sinks));
  session.terminal.print(live.close());
  if (followed.end == Followed::End::left) co_return exit_interrupted;
  if (followed.end == Followed::End::deleted)
    session.terminal.note("the run was deleted");
  else
    session.terminal.note(summary_of(followed.run));
  co_return exit_ok;
}

io::Task<int> print_log(Session& session, Json run, std::string container, StepForm form) {
  const std::string name = base::text_at(run, {"metadata", "name"});
  const std::optional<Json> pod = co_await find_pod(session, run);
  if (!pod || !find_log(*pod, container)) {
    const std::string progress = is_over(run) ? summary_of(run) : progress_of(run);
    throw base::Error(base::Code::not_found,
                      cat("run ", name, " has no log of container ", container, ": ",
                          pod ? "it has not begun" : "there is no pod", " (", progress, ")",
                          is_over(run) ? "" : cat("; wait for it with -f")));
  }
  kube::Ref ref = kube::ref_of(objects::Pod::info, *pod);
  kube::LogOptions options;
  options.container = container;
  auto stream = co_await session.api.log(std::move(ref), std::move(options));
  const StepWriter writer(session.clock, form);
  io::LineSplitter lines(line_bytes_max);
  for (;;) {
    auto piece = co_await stream->next();
    if (!piece) break;
    lines.add(*piece);
    while (auto line = lines.next()) session.terminal.print(writer.write(*line));
  }
  if (auto rest = lines.rest(); !rest.empty()) session.terminal.print(writer.write(rest));
  co_return exit_ok;
}

}  // namespace

io::Task<int> execute(Session& session, LogsOptions options) {
  if (options.steps) {
    const int code = co_await print_transcript(session, options.run);
    co_return code;
  }
  kube::Ref ref{&objects::AgentRun::info, session.ns, options.run, {}};
  Json run = co_await session.api.get(std::move(ref), kube::GetOptions{});
  const bool agent = options.container.empty() || options.container == protocol::container_agent;
  std::string container = agent ? std::string(protocol::container_agent) : options.container;
  const StepForm form = agent && !options.raw ? StepForm::people : StepForm::raw;
  auto task = options.follow ? follow_log(session, std::move(run), std::move(container), form)
                             : print_log(session, std::move(run), std::move(container), form);
  const int code = co_await std::move(task);
  co_return code;
}

}  // namespace cli
