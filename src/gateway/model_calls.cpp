#include "gateway/model_calls.h"

#include "protocol/codec.h"

namespace gateway {

using protocol::TurnEvent;

ModelCalls::ModelCalls(io::Loop& loop, base::Log& log, Providers& providers, Deltas& deltas,
                       std::string self)
    : log_(log), providers_(providers), deltas_(deltas), self_(std::move(self)), calls_(loop) {}

std::shared_ptr<ModelCall> ModelCalls::start(RunPtr run_, std::shared_ptr<Session> session,
                                             std::shared_ptr<ModelCall> call,
                                             io::Task<PlannedCall> plan) {
  session->calls[call->turn] = call;
  calls_.spawn("model call", run(std::move(run_), std::move(session), call, std::move(plan)));
  return call;
}

// Ends the call in every case but our own end.
io::Task<> ModelCalls::run(RunPtr run, std::shared_ptr<Session> session,
                           std::shared_ptr<ModelCall> call, io::Task<PlannedCall> plan) {
  End end;
  try {
    end = co_await call_and_record(*run, *session, *call, std::move(plan));
  } catch (const Outdated& outdated) {
    end = outdated;
  } catch (...) {
    // Nothing that goes wrong with one call may end the others.
    const auto error = std::current_exception();
    if (io::is_cancelled(error)) throw;
    const std::string why = io::describe(error);
    log_.warn("model call failed",
              {{"namespace", run->metadata.ns}, {"run", run->metadata.name}, {"error", why}});
    end = TurnEvent{.error = protocol::Failure{"internal", why}};
  }
  session->calls.erase(call->turn);
  std::visit([&](auto& last) { call->end(std::move(last)); }, end);
}

io::Task<ModelCalls::End> ModelCalls::call_and_record(const objects::AgentRun& run,
                                                      Session& session, ModelCall& call,
                                                      io::Task<PlannedCall> plan) {
  PlannedCall planned = co_await std::move(plan);
  planned.intent.gateway = self_;
  planned.intent.requestHash = blob_name(planned.passed ? planned.passed->body : planned.request);
  const std::int64_t intent =
      co_await session.append(std::move(planned.intent), std::move(planned.blobs));
  Deltas::Writer live(deltas_, {.ns = run.metadata.ns,
                                .name = run.metadata.name,
                                .run = run.metadata.uid,
                                .fence = session.fence(),
                                .turn = call.turn,
                                .intent = intent});

  const auto& model = run.spec.model;
  ProviderTarget target{run.metadata.ns, model.provider, model.baseURL, model.authSecretRef,
                        model.model};
  journal::ModelOutcome outcome{.turn = call.turn};
  std::vector<journal::Batch::Blob> blobs;
  auto keep = [&](std::string bytes) {
    outcome.message = blob_name(bytes);
    blobs.push_back({outcome.message, std::move(bytes)});
  };
  End end;
  try {
    if (planned.passed) {
      PassedSink sink{[&call](std::string_view type) { call.content_type = type; },
                      [&call](std::string_view bytes) { call.add(bytes); },
                      [&live](std::string_view text) { live.add(text); }};
      auto answer =
          co_await providers_.pass(std::move(target), std::move(*planned.passed), std::move(sink));
      outcome.usage = answer.usage;
      outcome.contentType = answer.content_type;
      keep(answer.bytes);
      end = ForeignAnswer{std::move(answer.content_type), std::move(answer.bytes)};
    } else {
      auto on_text = [&](std::string_view text) {
        call.add(text);
        live.add(text);
      };
      auto result = co_await providers_.call(std::move(target), std::move(planned.request),
                                             std::move(on_text));
      keep(protocol::to_text(result.message));
      outcome.usage = result.usage;
      outcome.finish = result.finish;
      end = TurnEvent{.result = std::move(result)};
    }
  } catch (const ProviderFailed& failed) {
    outcome.error = failed.failure;
    outcome.usage = failed.usage;
    end = TurnEvent{.error = failed.failure};
  } catch (...) {
    // Written down all the same: other gateways wait for the outcome as long as this one lives.
    const auto error = std::current_exception();
    if (io::is_cancelled(error)) throw;
    const std::string why = io::describe(error);
    log_.error("model call failed",
               {{"namespace", run.metadata.ns}, {"run", run.metadata.name}, {"error", why}});
    outcome.error = protocol::Failure{"internal", why};
    end = TurnEvent{.error = outcome.error};
  }
  const std::int64_t seq = co_await session.append_fact(std::move(outcome), std::move(blobs));
  live.end(seq);
  co_return end;
}

}  // namespace gateway
