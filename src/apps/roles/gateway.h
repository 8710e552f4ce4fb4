// Role `gateway`: the one enforcement point. Its own user, no capabilities, few system calls.
#pragma once

#include "apps/roles/flags.h"
#include "apps/roles/role.h"
#include "io/blocking.h"
#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "journal/journal.h"
#include "journal/writers.h"

namespace app {

// The flags of a gateway; `journal` is the one that says where its journal is.
std::vector<std::string> gateway_flags(std::string journal);
// Until the process is told to stop; its exit code. The journal was opened for the consumer
// gateway::outbox_status.
int serve_gateway(Process&, const Flags&, io::BlockingPool&, journal::Journal&, journal::Archive&,
                  journal::Checkpoints&, journal::Writers&);

}  // namespace app
