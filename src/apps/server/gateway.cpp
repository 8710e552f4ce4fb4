// Role `gateway` on the journal of a PostgreSQL database; any number of processes may share it.
#include "apps/roles/gateway.h"

#include "database.h"
#include "io/crypto.h"

namespace app {

int run_gateway(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, gateway_flags("database"));
  Process process("gateway");
  io::BlockingPool pool;
  const auto journal = open_journal(process, pool, flags.get("database"));
  return serve_gateway(process, flags, pool, *journal, *journal, *journal, *journal);
}

}  // namespace app
