// The provider of a world: what it says follows from the question alone, how it says it is planned.
// It writes down what it was asked and what it bills.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/http.h"
#include "modelsim/format.h"
#include "modelsim/question.h"
#include "protocol/gateway.h"
#include "sim/port.h"

namespace sim {

// What a model answers to turn `turn` of a task of these words:
//   "work 0"    notes, looks and writes at once; then a command and a tool that is not there; done
//   "work N"    up to four turns of tools by chance from N
//   "ask"       looks once, and is done
//   "chat N"    calls of a foreign agent, which runs its tools itself, for N turns; asks more aside
modelsim::Reply reply_to(const modelsim::Question&, const base::Json& request);
// The first two words of a task, the second one as a number.
std::pair<std::string, std::int64_t> parse_task(const std::string&);

struct Asked {
  std::string hash;          // hex SHA-256 of the body
  int gateway = 0;           // that asked
  protocol::Usage billed;    // once the model has begun to answer
  protocol::Usage told;      // of it, as far as the answer told it
  protocol::Usage may_know;  // likewise, with an event whose last bytes are missing
  bool whole = false;
};

// How one request is answered.
struct Treatment {
  std::int64_t status = 200;
  base::Duration think{0}, pause{0};  // before the first byte; before each event
  std::optional<std::size_t> halt;    // so many bytes of the answer: a millisecond's rest, then …
  std::function<void()> then;         // … this, another rest …
  bool breaks = false;                // … and the end of the connection
};

class Model {
 public:
  Model(io::Loop&, base::Clock&, base::Log&);
  ~Model();

  Port port;  // those who dial name their gateway's number
  std::function<Treatment(const Asked&, std::size_t length)> treat;
  // Called with each request as it comes, and its place in asked().
  std::function<void(const Asked&, std::size_t number)> on_asked;
  const std::vector<Asked>& asked() const { return asked_; }

 private:
  io::Task<> answer(io::Exchange&);
  io::Task<> stream(io::Exchange&, std::size_t number, std::vector<std::string> pieces, Treatment);

  io::Loop& loop_;
  base::Clock& clock_;
  std::vector<Asked> asked_;
  io::HttpServer http_;
  io::TaskGroup tasks_;
};

}  // namespace sim
