// One controller: a process, and the next one when it has died.
#pragma once

#include <memory>
#include <optional>

#include "faults/faulty_api.h"
#include "faults/server.h"
#include "reconcilers/manager.h"

namespace faults {

class Brain {
 public:
  Brain(io::Loop&, base::Clock&, base::Random&, base::Log&, Server&, const Ledger&,
        reconcilers::Config, std::vector<Fault>);
  ~Brain();

  // Makes a new process in place of one that died; false when none has.
  bool revive();
  bool is_ready() const { return process_ && process_->manager.is_ready(); }
  Plan& plan() { return plan_; }
  const Plan& plan() const { return plan_; }

 private:
  struct Process {
    Process(Brain&, std::optional<std::int64_t> view);
    std::unique_ptr<kube::Client> client;
    FaultyApi api;
    reconcilers::Manager manager;
    io::TaskGroup tasks;
  };
  void begin(std::optional<std::int64_t> view);
  void kill();

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  Server& server_;
  const Ledger& ledger_;
  reconcilers::Config config_;
  Plan plan_;
  std::unique_ptr<Process> process_;
};

}  // namespace faults
