// The simulator as an HTTP server, and as a command.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/http.h"
#include "llm/family.h"
#include "modelsim/format.h"
#include "modelsim/script.h"

namespace modelsim {

struct Stats {
  std::int64_t requests = 0;     // that asked the model for something
  std::int64_t completions = 0;  // answered whole
  std::int64_t errors = 0;       // answered with an error of the script
  std::int64_t halves = 0;       // broken off
  std::int64_t unmatched = 0;    // no step fits, or the request makes no sense: 400
  std::map<std::string, std::int64_t> endpoints;  // requests by the end of their path
};

class Simulator {
 public:
  // A JSON line per request.
  using Sink = std::function<void(std::string_view line)>;

  Simulator(base::Clock&, Script, Sink);
  // POST …/chat/completions, …/responses, …/embeddings, …/messages; GET …/models, GET /stats.
  io::Handler handler();
  const Stats& stats() const { return stats_; }

 private:
  io::Task<> handle(io::Exchange&);
  io::Task<> complete(io::Exchange&, llm::Endpoint);
  io::Task<> embed(io::Exchange&);
  enum class End : std::uint8_t { whole, error, broken_off };
  io::Task<> stream(io::Exchange&, std::vector<std::string> events, End);
  io::Task<> refuse(io::Exchange&, llm::Endpoint, const Question&, std::string why);
  io::Task<> answer_error(io::Exchange&, llm::Endpoint, const Question&, SimError);
  io::Task<> wait(std::string delay);
  void note(const Question&, std::string_view what);

  base::Clock& clock_;
  Script script_;
  Sink sink_;
  Stats stats_;
  std::map<std::pair<const Step*, std::string>, std::size_t> asked_;  // by step and task
  std::size_t embeddings_asked_ = 0;
};

// `sympozium model-sim`: args without the program's and the command's name. Exit code: 0 at SIGTERM
// or SIGINT, 1 error, 2 usage.
int run(const std::vector<std::string>& args);

}  // namespace modelsim
