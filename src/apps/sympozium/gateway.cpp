// Role `gateway`: the one enforcement point. Its own user, no capabilities, few system calls.
#include "flags.h"
#include "gateway/journal_api.h"
#include "gateway/server.h"
#include "io/blocking.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "io/lockdown.h"
#include "journal/sqlite_journal.h"
#include "role.h"

namespace app {

int run_gateway(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, {"kubeconfig", "journal"});
  Process process("gateway");
  kube::Client api = process.connect(flags.get("kubeconfig"));
  io::BlockingPool pool;
  journal::SqliteJournal journal(process.loop, process.clock, pool, flags.get("journal"),
                                 {gateway::outbox_status});
  gateway::Gateway gateway(process.loop, process.clock, process.random, process.log, journal, api,
                           gateway::Settings{});
  auto listener = io::listen_fd(process.loop, listen_fd_named("gateway"));
  io::HttpServer server(process.loop, process.clock, process.log, {.connections_per_peer = 1024},
                        gateway.handler());
  gateway::JournalApi journal_api(process.loop, process.clock, process.log, pool, journal, journal,
                                  api);
  std::unique_ptr<io::Listener> journal_listener;
  io::HttpServer journal_server(process.loop, process.clock, process.log,
                                {.connections_per_peer = 1024}, journal_api.handler());
  if (find_listen_fd("journal")) {
    journal_listener = io::listen_fd(process.loop, listen_fd_named("journal"));
    process.group.spawn("journal", journal_server.serve(*journal_listener, nullptr));
  }
  io::lock_down();
  process.group.spawn("gateway", gateway.run());
  process.group.spawn("bridges", server.serve(*listener, nullptr));
  return process.run();
}

}  // namespace app
