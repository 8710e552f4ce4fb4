// A run's pod: the real bridge, the real runner or a foreign agent, a tool sidecar; each may die
// and come again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner.h"
#include "base/log.h"
#include "bridge/bridge.h"
#include "sim/port.h"
#include "support/temp_directory.h"

namespace sim {

// What a sidecar was asked to do.
struct Executed {
  std::string run, call;  // of its call id: "<run uid>/<call>"
  std::string tool;       // the first word of its command
};
// The sidecars of all pods write down what they do.
struct ToolBox {
  std::vector<Executed> executed;
  std::function<void(const Executed&)> on_executed;
  std::function<base::Duration()> delay;  // how long a command takes; none: no time
};

enum class Agent : std::uint8_t {
  runner,
  chat,       // foreign, with a client of OpenAI's chat completions
  responses,  // likewise, of its responses
  messages,   // likewise, of Anthropic's messages
};

struct PodFacts {
  std::string run;  // uid
  std::string token;
  std::string task;
  Agent agent = Agent::runner;
};

// Its processes are started and killed while the loop stands still.
class Pod {
 public:
  // `exited`: the agent's process has ended by itself.
  Pod(io::Loop&, base::Clock&, base::Random&, base::Log&, Port& gateway, ToolBox&, PodFacts,
      std::function<void(int code)> exited);
  ~Pod();

  void start_bridge();
  void kill_bridge();
  void start_agent();  // beside one that runs already, too
  void kill_agent();   // all there are
  // The agent's connections to its bridge break.
  void break_connections() { port_.break_all(); }
  const PodFacts& facts() const { return facts_; }

 private:
  struct BridgeProcess;
  struct AgentProcess;
  io::Task<> serve_tools();
  io::Task<> answer(std::string file);
  io::Task<> run_agent(agent::BridgeClient&);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  Port& gateway_;
  ToolBox& tools_;
  const PodFacts facts_;
  std::function<void(int)> exited_;
  test::TempDirectory folder_;
  Port port_;  // the bridge's
  std::unique_ptr<BridgeProcess> bridge_;
  std::vector<std::unique_ptr<AgentProcess>> agents_;
  io::TaskGroup sidecar_;
};

// A foreign agent's life, from hello to its outcome; Error(unavailable) when it gives up, as a
// program that ends with an exception.
io::Task<> run_foreign(io::Loop&, base::Clock&, agent::BridgeClient&, std::unique_ptr<io::Dialer>,
                       Agent);

// Where what only tests keep is put.
std::string memory_place();

}  // namespace sim
