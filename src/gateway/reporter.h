// What the journal says of a run, in its status: result, usage, policy, outcome. Sent from the
// outbox after the commit, at least once.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "journal/journal.h"
#include "kube/api.h"

namespace gateway {

inline constexpr std::size_t result_bytes_max =
    32 * 1024;  // of status.result; the whole is in the journal

class Reporter {
 public:
  Reporter(base::Clock&, base::Log&, journal::Journal&, kube::Api&);
  io::Task<> run();  // until cancelled

 private:
  io::Task<> report(journal::Event);
  io::Task<bool> is_gone(std::string uid, kube::Ref run);
  io::Task<base::Json> describe(journal::Event, journal::RunState);

  base::Clock& clock_;
  base::Log& log_;
  journal::Journal& journal_;
  kube::Api& api_;
};

}  // namespace gateway
