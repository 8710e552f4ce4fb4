// The runner's side of protocol/gateway.h: typed calls to the bridge on the pod's loopback.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "io/http.h"
#include "io/loop.h"
#include "protocol/gateway.h"

namespace agent {

// The model call came to an end that repeating cannot change; `failure` says it in words.
struct TurnFailed {
  protocol::Failure failure;
};

class BridgeClient {
 public:
  BridgeClient(io::Loop&, base::Clock&, std::unique_ptr<io::Dialer>);

  // A bridge that is away (it may be restarting) is waited for; every request is safe to repeat.
  // Other errors: Error(denied): this pod is not the run's; Error(gone): a newer execution has
  // begun; Error(invalid): our fault.
  io::Task<protocol::Welcome> hello(protocol::Hello);
  io::Task<protocol::TurnResult> turn(protocol::Turn);  // throws TurnFailed
  io::Task<protocol::Decision> decide(protocol::ToolCall);
  io::Task<> report(protocol::ToolOutcome);
  io::Task<protocol::ToolResult> execute(protocol::ToolCall);  // in a sidecar
  io::Task<protocol::ToolResult> fetch(protocol::ToolCall);
  io::Task<> finish(protocol::Outcome);

 private:
  io::Task<std::string> post(std::string path, std::string body);
  io::Request request(const std::string& path, const std::string& body) const;

  base::Clock& clock_;
  io::HttpClient http_;
  std::string execution_;
};

}  // namespace agent
