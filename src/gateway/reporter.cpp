#include "gateway/reporter.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/server.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"

namespace gateway {

using base::Json;
using base::JsonObject;

namespace {

constexpr std::size_t batch = 100;
constexpr base::Duration first_pause{200}, longest_pause{30'000};

}  // namespace

Reporter::Reporter(base::Clock& clock, base::Log& log, journal::Journal& journal, kube::Api& api)
    : clock_(clock), log_(log), journal_(journal), api_(api) {}

io::Task<> Reporter::run() {
  std::optional<std::int64_t> after;
  for (;;) {
    auto deliveries = co_await journal_.next(outbox_status, after, batch);
    for (auto& delivery : deliveries) co_await report(std::move(delivery.event));
    after = deliveries.back().position;
    co_await journal_.ack(outbox_status, *after);
  }
}

// Ends when the status says it, or when there is nobody to tell.
io::Task<> Reporter::report(journal::Event event) {
  constexpr std::array told{journal::Kind::run_begun, journal::Kind::diverged,
                            journal::Kind::run_outcome};
  if (std::ranges::find(told, event.kind) == told.end()) co_return;
  const auto state = co_await journal_.state(event.run);
  if (!state) co_return;
  const Json patch = co_await describe(event, *state);
  kube::Ref status{&objects::kind_of<objects::AgentRun>(), state->ns, state->name, "status"};
  for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    try {
      co_await api_.patch(status, patch, {});
      co_return;
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      if (error.code() == base::Code::not_found || error.code() == base::Code::invalid) co_return;
      log_.warn("status not reported yet",
                {{"namespace", state->ns}, {"run", state->name}, {"error", error.what()}});
    }
    const bool gone = co_await is_gone(event.run, status);
    if (gone) co_return;
    co_await io::sleep(clock_, pause);
  }
}

// The run was deleted, or another one has its name: the patch has its uid, so that it is refused
// with a conflict, as it is when others write at the same time.
io::Task<bool> Reporter::is_gone(std::string uid, kube::Ref run) {
  run.subresource.clear();
  try {
    const auto object = co_await kube::find(api_, run);
    co_return !object || base::text_at(*object, {"metadata", "uid"}) != uid;
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    co_return false;
  }
}

io::Task<Json> Reporter::describe(journal::Event event, journal::RunState state) {
  JsonObject status;
  if (event.kind == journal::Kind::run_begun) {
    status["policyHash"] = journal::read<journal::RunBegun>(event).policyHash;
  } else if (event.kind == journal::Kind::diverged) {
    const auto diverged = journal::read<journal::Diverged>(event);
    status["divergence"] = schema::encode(objects::Divergence{.attempt = event.fence.attempt,
                                                              .execution = event.fence.execution,
                                                              .turn = diverged.turn,
                                                              .recorded = diverged.recorded,
                                                              .pointer = diverged.pointer});
  } else {
    const auto outcome = journal::read<journal::RunOutcome>(event);
    if (!outcome.text.empty()) {
      std::vector<std::string> names{outcome.text};
      auto contents = co_await journal_.blobs(std::move(names));
      status["result"] = base::clip(contents.front(), result_bytes_max);
    }
    const auto first = co_await journal_.events(event.run, -1, 1);
    objects::TokenUsage usage;
    usage.inputTokens = state.sums.inputTokens;
    usage.outputTokens = state.sums.outputTokens;
    usage.totalTokens = usage.inputTokens + usage.outputTokens;
    usage.toolCalls = state.sums.toolCalls;
    usage.durationMs = first.empty() ? 0 : (event.at - first.front().at).count();
    status["tokenUsage"] = schema::encode(usage);
    objects::RunOutcome said;
    said.status = outcome.status == protocol::RunStatus::success ? objects::OutcomeStatus::success
                                                                 : objects::OutcomeStatus::error;
    said.error = outcome.error;
    said.attempt = event.fence.attempt;
    said.execution = event.fence.execution;
    said.committedAt = event.at;
    status["outcome"] = schema::encode(said);
  }
  co_return JsonObject{{"metadata", JsonObject{{"uid", event.run}}}, {"status", std::move(status)}};
}

}  // namespace gateway
