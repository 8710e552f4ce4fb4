// fork: a new run that shares the recorded beginning of another one.
#include <algorithm>

#include "base/text.h"
#include "cli/recorded.h"
#include "cli/start.h"
#include "journal/recall.h"
#include "objects/agent_run.h"
#include "protocol/codec.h"
#include "reconcilers/agentrun/builder.h"

namespace cli {

using base::cat;
using base::Code;
using base::Error;
using base::Json;

namespace {

class Source {
 public:
  explicit Source(journal::ExportedRun run) : run_(std::move(run)) {
    if (run_.events.front().body.empty())
      throw Error(Code::invalid, cat("the beginning of run ", uid(), " was erased"));
    begun_ = journal::read<journal::RunBegun>(run_.events.front());
  }

  const std::string& uid() const { return run_.events.front().run; }
  const std::string& name() const { return begun_.name; }

  // Nothing when the record does not hold it.
  std::optional<objects::AgentRunSpec> spec() const {
    const std::string* text = find(begun_.spec);
    if (!text) return {};
    return schema::read<objects::AgentRunSpec>(base::parse_json(*text));
  }

  // What a fork behind `step` shares can be shared, and there is something to do behind it.
  void check(std::int64_t step, bool has_task) const {
    const journal::Shared shared = journal::share(run_.events, step);
    for (const auto& name : shared.blobs)
      if (!find(name))
        throw Error(Code::invalid, cat("contents of the steps up to ", step, " were erased"));
    for (const auto& recalled : shared.events) {
      if (recalled.ofKind != journal::Kind::model_outcome ||
          recalled.about != std::to_string(step) || has_task)
        continue;
      const auto outcome = schema::read<journal::ModelOutcome>(recalled.body);
      if (!outcome.contentType.empty()) continue;  // a foreign agent knows itself how it goes on
      if (protocol::from_text<protocol::Message>(*find(outcome.message)).toolCalls.empty())
        throw Error(Code::invalid, cat("step ", step,
                                       " is a last answer: nothing follows from it by itself; say "
                                       "what the user says next with --task"));
    }
  }

 private:
  const std::string* find(const std::string& name) const {
    const auto at = std::ranges::find(run_.blobs, name, &journal::Batch::Blob::sha256);
    return at == run_.blobs.end() ? nullptr : &at->bytes;
  }

  journal::ExportedRun run_;
  journal::RunBegun begun_;
};

io::Task<objects::AgentRunSpec> find_spec(Session& session, const Source& source) {
  if (auto spec = source.spec()) co_return *std::move(spec);
  kube::Ref ref{&objects::AgentRun::info, session.ns, source.name(), {}};
  const std::optional<Json> object = co_await kube::find(session.api, std::move(ref));
  if (!object || base::text_at(*object, {"metadata", "uid"}) != source.uid())
    throw Error(Code::not_found,
                cat("the record of run ", source.name(),
                    " does not hold its spec (it was erased, or written before records had it), "
                    "and its AgentRun is gone: agent, key, skills, tools and limits are missing. "
                    "Make a new run instead: sympozium run AGENT --task …"));
  co_return schema::read<objects::AgentRun>(*object).spec;
}

}  // namespace

io::Task<int> execute(Session& session, ForkOptions options) {
  if (options.task) options.task = read_task(session, *options.task);
  auto recorded = co_await get_recorded(session, options.run);
  const Source source(std::move(recorded));
  try {
    source.check(options.at, options.task.has_value());
  } catch (const Error& error) {
    throw Error(error.code(), cat("--at: ", error.what()));
  }
  objects::AgentRunSpec spec = co_await find_spec(session, source);
  const reconcilers::ForkRequest request{.source = source.name(),
                                         .fork = {source.uid(), options.at},
                                         .name = options.name,
                                         .task = options.task,
                                         .model = options.model,
                                         .system_prompt = options.system};
  const objects::AgentRun run =
      reconcilers::build_fork(session.ns, std::move(spec), {"cli", ""}, request);
  const int code =
      co_await start(session, schema::encode(run), options.detach ? Attached::no : Attached::yes);
  co_return code;
}

}  // namespace cli
