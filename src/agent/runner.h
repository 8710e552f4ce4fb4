// The agent loop: ask the model, run the tools it asks for, until it answers. Everything goes
// through the bridge.
#pragma once

#include <functional>

#include "agent/bridge_client.h"
#include "agent/file_tools.h"
#include "protocol/steps.h"

namespace agent {

// Where the steps go: the container's log.
using StepSink = std::function<void(const protocol::Step&)>;

class Runner {
 public:
  Runner(io::Loop&, base::Clock&, BridgeClient&, FileTools, StepSink);

  // From hello to the committed outcome, success or failure: then the program ends with 0. Throws
  // when no outcome could be committed (the container is restarted and the run goes on from the
  // journal).
  io::Task<> run();

 private:
  struct Ended {
    protocol::RunStatus status;
    std::string text, error;
  };
  io::Task<Ended> converse(const protocol::Welcome&);
  io::Task<protocol::TurnResult> ask(class Conversation&,
                                     const std::vector<protocol::ToolDefinition>&);
  // Makes again what earlier pods wrote; what the model is to be told of the rest, or "".
  std::string restore_workspace(const protocol::Welcome&);
  io::Task<> run_tools(Conversation&, const protocol::Welcome&);
  io::Task<> run_tool(protocol::RequestedCall, std::string call, const protocol::Welcome&,
                      protocol::Message& out);
  io::Task<protocol::ToolResult> run_here(protocol::ToolCall);
  void note(protocol::Step);

  io::Loop& loop_;
  base::Clock& clock_;
  BridgeClient& bridge_;
  FileTools files_;
  StepSink sink_;
};

}  // namespace agent
