// The gateway: the one enforcement point and the one writer of the journal.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/fetch.h"
#include "gateway/provider.h"
#include "io/http.h"
#include "io/loop.h"
#include "journal/journal.h"
#include "journal/writers.h"
#include "kube/api.h"

namespace gateway {

struct Settings {
  ProviderSettings provider;
  FetchSettings fetch;
  std::int64_t iterations = 50;          // model turns of a run
  std::int64_t context_bytes = 400'000;  // at which the runner compacts
  std::size_t body_bytes = 32 * 1024 * 1024;
};

class Deltas;

// Its consumer of the journal's outbox.
inline constexpr char outbox_status[] = "status";

// Rights it needs: agents, agentruns, skillpacks: get list watch; agentruns/status: patch; the
// issuer's keys (system:service-account-issuer-discovery); one Secret each by a Role that the
// controller makes.
class Gateway {
 public:
  // `writers`: the gateways that share the journal; nothing: this one has it for itself.
  Gateway(io::Loop&, base::Clock&, base::Random&, base::Log&, journal::Journal&, kube::Api&,
          Settings, journal::Writers* writers = nullptr);
  ~Gateway();

  // protocol/gateway.h, for bridges.
  io::Handler handler();
  // The answers of model calls under way in this process.
  Deltas& deltas();
  // Watches runs, reports outcomes to their status, until cancelled.
  io::Task<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gateway
