// Role `gateway` on the journal of one SQLite file.
#include "apps/roles/gateway.h"

#include "gateway/server.h"
#include "io/crypto.h"
#include "journal/sqlite_journal.h"

namespace app {

int run_gateway(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, gateway_flags("journal"));
  Process process("gateway");
  io::BlockingPool pool;
  journal::SqliteJournal journal(process.loop, process.clock, pool, flags.get("journal"),
                                 {gateway::outbox_status});
  journal::SoleWriter writers;
  return serve_gateway(process, flags, pool, journal, journal, journal, writers);
}

}  // namespace app
