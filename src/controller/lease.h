// Leader election by a Lease (coordination.k8s.io/v1), as client-go does it.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "kube/api.h"

namespace controller {

struct LeaseSettings {
  std::string ns, name;
  std::string identity;                // of one living process at a time
  base::Duration duration{15'000};     // a holder that is silent for so long has lost it
  base::Duration renew_limit{10'000};  // a holder that could not renew for so long has given up
  base::Duration retry{2'000};
};

// Another's silence is measured by our own steady clock from the moment at which we saw its last
// renewal; two hosts' clocks are never compared.
class Leadership {
 public:
  Leadership(base::Clock&, base::Log&, kube::Api&, LeaseSettings);

  io::Task<> acquire();  // returns when we hold the lease
  // Renews; returns when it is lost: before anybody else may begin, or as soon as another is seen
  // to hold it.
  io::Task<> hold();
  io::Task<> release();  // lets the next one begin at once; errors are ignored
  bool is_leader() const { return leader_; }

 private:
  enum class Outcome : unsigned char { held, taken, failed };
  io::Task<Outcome> attempt();
  io::Task<Outcome> try_attempt(base::Duration limit);
  base::Duration left() const;
  bool is_free(const base::Json& lease);
  base::JsonObject claim(const base::Json* lease) const;

  base::Clock& clock_;
  base::Log& log_;
  kube::Api& api_;
  LeaseSettings settings_;
  bool wanted_ = false;  // from acquire() to release()
  bool leader_ = false;
  base::Instant renewed_{};  // when the last renewal that succeeded was begun
  std::string seen_;         // holder and renewTime as last seen
  base::Instant seen_at_{};
};

}  // namespace controller
