// Tool calls of runs: whether they may be made, and what came of them.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "gateway/fetch.h"
#include "gateway/runs.h"
#include "gateway/session.h"
#include "policy/tools.h"
#include "protocol/gateway.h"

namespace gateway {

class ToolCalls {
 public:
  ToolCalls(io::Loop&, base::Clock&, Runs&, FetchSettings);

  // Who asks about a call.
  struct Asker {
    std::string fence, bridge;  // its headers
  };
  // The verdict on a call that the model asked for is committed before it is given. A call that was
  // decided before is answered from the record: done, with its result; unknown, when it may have
  // run and must not run twice. Error(invalid): another call has this name.
  io::Task<protocol::Decision> decide(RunPtr, std::shared_ptr<Session>, protocol::ToolCall, Asker);
  // Error(invalid) for a call that was not allowed. The first outcome of a call stays.
  io::Task<> record_outcome(std::shared_ptr<Session>, std::string fence, protocol::ToolOutcome);
  // Decides about a call of fetch_url, makes it and records its outcome.
  io::Task<protocol::ToolResult> fetch(RunPtr, std::shared_ptr<Session>, protocol::ToolCall, Asker);

 private:
  io::Task<protocol::Decision> decide_once(RunPtr, std::shared_ptr<Session>, protocol::ToolCall,
                                           Asker);
  io::Task<> record_once(std::shared_ptr<Session>, std::string fence, protocol::ToolOutcome);
  protocol::Decision granted(const protocol::ToolCall&, const std::string& hash,
                             const policy::DeclaredTool&) const;

  io::Loop& loop_;
  base::Clock& clock_;
  Runs& runs_;
  const FetchSettings fetch_;
};

}  // namespace gateway
