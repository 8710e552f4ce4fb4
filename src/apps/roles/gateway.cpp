#include "apps/roles/gateway.h"

#include "base/text.h"
#include "gateway/journal_api.h"
#include "gateway/keeper.h"
#include "gateway/server.h"
#include "gateway/signer.h"
#include "home/aggregation.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/lockdown.h"
#include "io/tls.h"

namespace app {

namespace {

std::shared_ptr<io::TlsServerContext> read_journal_tls(const std::string& folder) {
  io::Identity identity{io::read_file(folder + "/journal.crt"),
                        base::Secret<std::string>(io::read_file(folder + "/journal.key"))};
  return io::make_context(
      io::TlsServer{std::move(identity), io::read_file(folder + "/front-proxy.crt")});
}

}  // namespace

std::vector<std::string> gateway_flags(std::string journal) {
  return {"kubeconfig", std::move(journal),  "audit-key",
          "aggregated", "front-proxy-names", "forget-after"};
}

int serve_gateway(Process& process, const Flags& flags, io::BlockingPool& pool,
                  journal::Journal& journal, journal::Archive& archive,
                  journal::Checkpoints& checkpoints, journal::Writers& writers) {
  std::optional<base::Duration> keep;
  if (const std::string age = flags.find("forget-after", ""); !age.empty())
    keep = parse_age("--forget-after", age);
  kube::Client api = process.connect(flags.get("kubeconfig"));
  gateway::Gateway gateway(process.loop, process.clock, process.random, process.log, journal, api,
                           gateway::Settings{}, &writers);
  auto listener = io::listen_fd(process.loop, listen_fd_named("gateway"));
  io::HttpServer server(process.loop, process.clock, process.log, {.connections_per_peer = 1024},
                        gateway.handler());
  gateway::JournalApi journal_api(process.loop, process.clock, process.log, pool, journal, archive,
                                  checkpoints, api, {.deltas = &gateway.deltas()});
  // In a cluster its API server is known by a certificate; in the embedded home the socket is its
  // alone.
  const std::string aggregated = flags.find("aggregated", "");
  std::shared_ptr<io::TlsServerContext> journal_tls;
  io::Handler journal_handler = journal_api.handler();
  if (!aggregated.empty()) {
    journal_tls = read_journal_tls(aggregated);
    journal_handler = gateway::behind_front_proxy(
        std::move(journal_handler), base::split(flags.find("front-proxy-names", ""), ','));
    process.at_stop([&api] { return home::unregister_journal(api); });
  }
  std::unique_ptr<io::Listener> journal_listener;
  io::HttpServer journal_server(process.loop, process.clock, process.log,
                                {.connections_per_peer = 1024}, std::move(journal_handler));
  if (find_listen_fd("journal")) {
    journal_listener = io::listen_fd(process.loop, listen_fd_named("journal"));
    process.group.spawn("journal", journal_server.serve(*journal_listener, journal_tls));
  }
  base::Secret<std::string> audit_key(io::read_file(flags.get("audit-key")));
  io::lock_down();
  process.group.spawn("gateway", gateway.run());
  process.group.spawn("signing", gateway::sign_checkpoints(process.clock, process.log, checkpoints,
                                                           std::move(audit_key)));
  if (keep)
    process.group.spawn(
        "retention", gateway::forget_old_runs(process.clock, process.log, journal, archive, *keep));
  process.group.spawn("bridges", server.serve(*listener, nullptr));
  return process.run();
}

}  // namespace app
