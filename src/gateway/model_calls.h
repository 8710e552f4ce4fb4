// Model calls on behalf of runs: intent, provider, outcome.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gateway/deltas.h"
#include "gateway/provider.h"
#include "gateway/runs.h"
#include "gateway/session.h"

namespace gateway {

// What is committed before a call leaves, and what then leaves.
struct PlannedCall {
  journal::ModelIntent intent;
  std::vector<journal::Batch::Blob> blobs;
  std::string request;                    // of a turn, for Providers
  std::optional<PassedRequest> passed{};  // of a foreign agent
};

class ModelCalls {
 public:
  // `self`: whose calls these are, among gateways that share the journal. The answers' text is
  // published as it comes.
  ModelCalls(io::Loop&, base::Log&, Providers&, Deltas&, std::string self);

  // Begins the call and notes it in session->calls until it has ended. It goes on when its
  // listeners have left: what was paid for is written down. It ends as Outdated, and nothing has
  // left us, when another gateway wrote before its intent.
  std::shared_ptr<ModelCall> start(RunPtr, std::shared_ptr<Session>, std::shared_ptr<ModelCall>,
                                   io::Task<PlannedCall> plan);

 private:
  io::Task<> run(RunPtr, std::shared_ptr<Session>, std::shared_ptr<ModelCall>,
                 io::Task<PlannedCall> plan);
  using End = std::variant<protocol::TurnEvent, ForeignAnswer, Outdated>;
  io::Task<End> call_and_record(const objects::AgentRun&, Session&, ModelCall&,
                                io::Task<PlannedCall> plan);

  base::Log& log_;
  Providers& providers_;
  Deltas& deltas_;
  const std::string self_;
  io::TaskGroup calls_;
};

}  // namespace gateway
