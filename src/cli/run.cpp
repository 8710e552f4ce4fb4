// run: an AgentRun from an Agent and a task, watched to its end.
#include <algorithm>

#include "base/text.h"
#include "cli/follow.h"
#include "cli/live.h"
#include "cli/render.h"
#include "cli/start.h"
#include "cli/steps.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "policy/admission.h"
#include "protocol/names.h"
#include "reconcilers/agentrun/builder.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

namespace {

// The named Agent, or the only one of the namespace.
io::Task<Json> find_agent(Session& session, std::string name) {
  const schema::KindInfo& kind = objects::Agent::info;
  if (!name.empty()) {
    kube::Ref ref{&kind, session.ns, name, {}};
    std::optional<Json> agent = co_await kube::find(session.api, std::move(ref));
    if (agent) co_return std::move(*agent);
  }
  kube::Ref all{&kind, session.ns, {}, {}};
  kube::Page page = co_await session.api.list(std::move(all), kube::ListOptions{});
  if (name.empty() && page.items.size() == 1) co_return std::move(page.items.front());
  std::vector<std::string> names;
  for (const Json& agent : page.items) names.push_back(text_at(agent, {"metadata", "name"}));
  if (names.empty())
    throw base::Error(base::Code::not_found, cat("namespace ", session.ns,
                                                 " has no agent; apply one: sympozium apply -f "
                                                 "examples/first-run/agent.yaml"));
  if (name.empty())
    throw base::Error(base::Code::invalid,
                      cat("which agent? Namespace ", session.ns, " has ", base::join(names, ", "),
                          "; name it: sympozium run ", names.front(), " --task …"));
  throw base::Error(base::Code::not_found, cat("namespace ", session.ns, " has no agent \"", name,
                                               "\"; it has ", base::join(names, ", ")));
}

// The flag that sets a field, for messages; the field itself where there is none.
std::string flag_of(const std::string& path) {
  static constexpr std::pair<std::string_view, std::string_view> flags[]{
      {"metadata.name", "--name"},           {"spec.task", "--task"},
      {"spec.systemPrompt", "--system"},     {"spec.timeout", "--timeout"},
      {"spec.model.model", "--model"},       {"spec.model.baseURL", "--base-url"},
      {"spec.model.provider", "--provider"}, {"spec.model.authSecretRef", "--secret"}};
  const auto found = std::ranges::find(flags, path, [](const auto& flag) { return flag.first; });
  return found == std::end(flags) ? path : cat(found->second, " (", path, ")");
}

void check(const Json& run) {
  if (const std::string name = text_at(run, {"metadata", "name"});
      !name.empty() && !base::is_dns_subdomain(name))
    throw base::Error(
        base::Code::invalid,
        cat("--name: \"", name, "\" is no name; use lower-case letters, digits, '-' and '.'"));
  base::Issues issues = policy::check(objects::AgentRun::info.plural, run);
  for (base::Issue& issue : issues) issue.path = flag_of(issue.path);
  if (!issues.empty()) throw base::Error(base::Code::invalid, base::format(issues));
}

Json build(const Json& agent_object, const RunOptions& options, std::string task) {
  const auto agent = schema::read<objects::Agent>(agent_object);
  reconcilers::RunRequest request{std::move(task),
                                  options.name,
                                  options.model,
                                  options.base_url,
                                  options.timeout,
                                  options.system,
                                  {}};
  objects::AgentRun run = reconcilers::build_run(agent, {"cli", ""}, request);
  if (options.provider) run.spec.model.provider = *options.provider;
  if (options.secret) run.spec.model.authSecretRef = *options.secret;
  return schema::encode(run);
}

std::string with_break(std::string text) {
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return text;
}

// The live view, and the answer at its end.
io::Task<int> watch_run(Session& session, Json run) {
  const std::string name = text_at(run, {"metadata", "name"});
  const bool json = session.output == Output::json;
  const StepWriter writer(session.clock, json ? StepForm::raw : StepForm::people);
  LiveText live([&](std::string_view head) { return writer.stamped(head); });
  const auto note = [&](std::string_view words) {
    session.terminal.note(cat(live.close(), writer.stamped(words)));
  };
  std::string said;
  FollowSinks sinks;
  sinks.run = [&](const Json& now) {
    std::string progress = progress_of(now);
    if (progress.empty() || progress == said) return;
    note(progress);
    said = std::move(progress);
  };
  sinks.log_line = [&](const std::string& line) {
    if (json) {
      session.terminal.print(writer.write(line));
      return;
    }
    const std::string text = writer.write(live.rest_of(line));
    if (!text.empty()) note(base::trim(text));
  };
  if (!json && session.terminal.notes_are_on_terminal())
    sinks.delta = [&](const protocol::ModelDelta& delta) {
      session.terminal.note_piece(live.add(delta));
    };
  const Followed followed =
      co_await follow(session, std::move(run), std::string(protocol::container_agent), sinks);
  session.terminal.note_piece(live.close());
  const std::string where = session.ns_given ? cat(" -n ", session.ns) : "";
  if (followed.end == Followed::End::left) {
    session.terminal.note(cat("the run goes on; watch it with `sympozium logs -f ", name, where,
                              "`, stop it with `sympozium delete run ", name, where, "`"));
    co_return exit_interrupted;
  }
  if (followed.end == Followed::End::deleted) {
    session.terminal.note("the run was deleted");
    co_return exit_error;
  }
  session.terminal.note(writer.stamped(summary_of(followed.run)));
  if (session.output == Output::text) {
    const std::string result = with_break(text_at(followed.run, {"status", "result"}));
    session.terminal.print(session.terminal.output_is_terminal() ? printable(result) : result);
  } else {
    session.terminal.print(format_objects({followed.run}, session.output));
  }
  co_return exit_code_of(followed.run);
}

}  // namespace

std::string read_task(Session& session, const std::string& task) {
  std::string text = task == "-" ? session.terminal.read_input() : task;
  if (base::trim(text).empty())
    throw base::Error(base::Code::invalid, "--task: is empty; say what the agent shall do");
  if (!base::valid_utf8(text)) throw base::Error(base::Code::invalid, "--task: is not UTF-8 text");
  return text;
}

io::Task<int> start(Session& session, Json object, Attached attached) {
  check(object);
  kube::Ref ref{&objects::AgentRun::info, session.ns, text_at(object, {"metadata", "name"}), {}};
  Json run = co_await session.api.create(std::move(ref), std::move(object), kube::CreateOptions{});
  const std::string name = name_of(objects::AgentRun::info, text_at(run, {"metadata", "name"}));
  if (attached == Attached::no) {
    session.terminal.print(session.output == Output::text ? name + "\n"
                                                          : format_objects({run}, session.output));
    co_return exit_ok;
  }
  session.terminal.note(name + " created");
  const int code = co_await watch_run(session, std::move(run));
  co_return code;
}

io::Task<int> execute(Session& session, RunOptions options) {
  std::string task = read_task(session, options.task);
  const Json agent = co_await find_agent(session, options.agent);
  Json object = build(agent, options, std::move(task));
  const int code =
      co_await start(session, std::move(object), options.detach ? Attached::no : Attached::yes);
  co_return code;
}

}  // namespace cli
