#include "faults/brain.h"

namespace faults {

Brain::Process::Process(Brain& brain, std::optional<std::int64_t> view)
    : client(brain.server_.client("controller")),
      api(brain.clock_, *client, brain.plan_, brain.ledger_, view),
      manager(brain.loop_, brain.clock_, brain.random_, brain.log_, api, brain.config_),
      tasks(brain.loop_) {
  tasks.spawn("manager", manager.run());
}

Brain::Brain(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
             Server& server, const Ledger& ledger, reconcilers::Config config,
             std::vector<Fault> faults)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      server_(server),
      ledger_(ledger),
      config_(std::move(config)),
      plan_(std::move(faults)) {
  begin({});
}

Brain::~Brain() { kill(); }

void Brain::begin(std::optional<std::int64_t> view) {
  process_ = std::make_unique<Process>(*this, view);
}

// As SIGKILL does it: what was sent stays sent, nothing else is.
void Brain::kill() {
  process_->tasks.stop();
  loop_.run(process_->tasks.join());
  process_.reset();
}

bool Brain::revive() {
  if (!plan_.crashed()) return false;
  kill();
  begin(plan_.restart());
  return true;
}

}  // namespace faults
