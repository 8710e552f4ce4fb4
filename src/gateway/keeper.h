// Retention by itself.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "journal/archive.h"

namespace gateway {

// Forgets each run that ended longer than `keep` ago, in all namespaces; imported runs stay. Looks
// 24 times in `keep`, at least once an hour and at most once a second; until cancelled. What cannot
// be forgotten now (a consumer has still to hear of it, the database is away) is left for the next
// time. Any number may do so on one journal.
io::Task<> forget_old_runs(base::Clock&, base::Log&, journal::Journal&, journal::Archive&,
                           base::Duration keep);

}  // namespace gateway
