// Everything the controller process runs, wired.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controller/lease.h"
#include "controller/metrics.h"
#include "reconcilers/agentrun/reconciler.h"
#include "reconcilers/caches.h"

namespace reconcilers {

struct Config {
  std::string ns;    // watch this namespace only; "" all
  RunSettings runs;  // how pods reach the gateway, images, retention
  std::size_t workers = 8;
  std::optional<controller::LeaseSettings> lease;  // leader election; without it we act at once
};

// Watches from the beginning, also as a standby; acts as the leader only.
class Manager {
 public:
  Manager(io::Loop&, base::Clock&, base::Random&, base::Log&, kube::Api&, Config);
  ~Manager();

  // Until stop(), or throws Error(unavailable) when leadership is lost: end the process then.
  io::Task<> run();
  // Finishes what is in hand, gives the lease back; run() returns.
  void stop();

  bool is_ready() const;           // caches are complete
  controller::Metrics& metrics();  // others may add theirs
  const Caches& caches() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reconcilers
