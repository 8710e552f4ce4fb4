// Leader election by a Lease (coordination.k8s.io/v1), as client-go does it.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "kube/api.h"

namespace controller {

struct LeaseSettings {
  std::string ns, name;
  std::string identity;                // unique per process
  base::Duration duration{15'000};     // a holder that is silent for so long has lost it
  base::Duration renew_limit{10'000};  // a holder that could not renew for so long gives up
  base::Duration retry{2'000};
};

// Another's silence is measured by our own steady clock from the moment at which we saw its last
// renewal; two hosts' clocks are never compared.
class Leadership {
 public:
  Leadership(base::Clock&, base::Log&, kube::Api&, LeaseSettings);

  io::Task<> acquire();  // returns when we hold the lease
  io::Task<> hold();     // renews; returns when it is lost
  io::Task<> release();  // lets the next one begin at once; errors are ignored
  bool is_leader() const { return leader_; }

 private:
  io::Task<bool> attempt();
  io::Task<bool> try_attempt();
  bool is_free(const base::Json& lease);
  base::JsonObject claim(const base::Json* lease) const;

  base::Clock& clock_;
  base::Log& log_;
  kube::Api& api_;
  LeaseSettings settings_;
  bool leader_ = false;
  std::string seen_;  // holder and renewTime as last seen
  base::Instant seen_at_{};
};

}  // namespace controller
