// Role `control`: the reconcilers; in the embedded home also the API server and the job, binder and
// garbage loops.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "apiserver/object_log.h"
#include "apiserver/server.h"
#include "apiserver/status.h"
#include "apps/roles/flags.h"
#include "apps/roles/role.h"
#include "base/text.h"
#include "home/manifests.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/http.h"
#include "io/tls.h"
#include "loops/binder.h"
#include "loops/gc_loop.h"
#include "loops/job_loop.h"
#include "objects/kinds.h"
#include "policy/admission.h"
#include "protocol/journal_api.h"
#include "reconcilers/manager.h"

namespace app {

namespace {

io::Identity read_identity(const std::string& folder, const std::string& name) {
  return {io::read_file(folder + "/" + name + ".crt"),
          base::Secret<std::string>(io::read_file(folder + "/" + name + ".key"))};
}

// Appends lines to the audit log; its loss is reported once, not fatal.
apiserver::AuditSink audit_to(const std::string& path, base::Log& log) {
  auto file = std::make_shared<io::Fd>(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!*file) log.warn("no audit log", {{"path", path}});
  return [file](std::string_view line) {
    std::string text(line);
    text += '\n';
    [[maybe_unused]] auto written = ::write(file->get(), text.data(), text.size());
  };
}

// A fork continues what another run's record says: who makes it must be allowed to read that. A
// cluster is given the same rule by home/manifests.h.
void check_fork(const apiserver::Attributes& write, const apiserver::Rbac& rbac) {
  const base::Json* fork = base::find(*write.object, {"spec", "fork"});
  if (!fork || write.before) return;  // a spec that is there cannot be changed
  const apiserver::RequestInfo reading{.is_resource = true,
                                       .verb = "get",
                                       .group = std::string(protocol::journal_group),
                                       .version = std::string(protocol::journal_version),
                                       .ns = write.ns,
                                       .resource = "runrecords",
                                       .subresource = "export",
                                       .name = base::text_at(*fork, {"run"})};
  if (!rbac.allows(write.user, reading))
    throw apiserver::forbidden(write.resource.subject(), write.name,
                               base::cat("spec.fork: ", describe_refusal(write.user, reading)));
}

// The rules that a cluster's webhook applies: when an object is made, and when what it asks for
// changes. Never in the way of finalizers and deletes.
void admit(apiserver::Attributes& write, const apiserver::Rbac& rbac) {
  if (write.resource.group != "sympozium.ai" || !write.subresource.empty() || !write.object) return;
  if (write.before) {
    const base::Json* now = base::find(*write.object, {"spec"});
    const base::Json* old = base::find(*write.before, {"spec"});
    if ((now && old && *now == *old) || (!now && !old)) return;
  }
  const base::Issues issues = policy::check(write.resource.plural, *write.object);
  if (!issues.empty()) throw apiserver::invalid(write.resource.subject(), write.name, issues);
  if (write.resource.plural == "agentruns") check_fork(write, rbac);
}

// The embedded API server with everything it stands on.
struct Server {
  Server(Process& process, const std::string& folder, const std::string& journal_socket)
      : client(make_client(folder)),
        objects(process.loop, process.clock, folder + "/objects.db"),
        api(process.loop, process.clock, process.random, process.log, objects, tokens(folder),
            settings(folder, journal_socket), admit, audit_to(folder + "/audit.log", process.log)),
        http(process.loop, process.clock, process.log, io::ServerLimits{}, api.handler()),
        tls(io::make_context(
            io::TlsServer{read_identity(folder, "server"), io::read_file(folder + "/ca.crt")})) {}

  static apiserver::TokenSettings tokens(const std::string& folder) {
    return {.key_pem = base::Secret<std::string>(io::read_file(folder + "/sa.key"))};
  }
  // Nodes serve logs with a certificate of their own making; who we are is what matters to them.
  static std::shared_ptr<io::TlsClientContext> make_client(const std::string& folder) {
    io::TlsClient tls;
    tls.insecure_skip_verify = true;
    tls.identity = read_identity(folder, "kubelet-client");
    return io::make_context(tls);
  }
  apiserver::ServerSettings settings(const std::string& folder, const std::string& journal_socket) {
    apiserver::ServerSettings out;
    out.ca_pem = io::read_file(folder + "/ca.crt");
    out.manifests = home::rbac_manifests(home::WithLoops::yes);
    if (!journal_socket.empty())
      out.journal_dialer = [journal_socket] { return io::unix_dialer(journal_socket); };
    out.node_dialer = [context = client](const std::string& host, std::uint16_t port) {
      return io::tls_dialer(io::tcp_dialer(host, port), context);
    };
    return out;
  }

  io::Task<> run(io::Listener& listener) {
    co_await api.bootstrap();
    co_await http.serve(listener, tls);
  }

  std::shared_ptr<io::TlsClientContext> client;
  apiserver::SqliteObjectLog objects;
  apiserver::ApiServer api;
  io::HttpServer http;
  std::shared_ptr<io::TlsServerContext> tls;
};

std::vector<const schema::KindInfo*> kinds_with_owners() {
  std::vector<const schema::KindInfo*> kinds;
  for (const auto* own : objects::own_kinds()) kinds.push_back(own);
  for (auto [group, plural] : {std::pair{"", "namespaces"},
                               {"", "pods"},
                               {"", "secrets"},
                               {"", "configmaps"},
                               {"", "serviceaccounts"},
                               {"", "events"},
                               {"batch", "jobs"},
                               {"coordination.k8s.io", "leases"},
                               {"rbac.authorization.k8s.io", "roles"},
                               {"rbac.authorization.k8s.io", "rolebindings"}})
    if (const auto* kind = objects::find_kind(group, plural)) kinds.push_back(kind);
  return kinds;
}

// What kube-controller-manager and kube-scheduler do elsewhere.
struct Loops {
  Loops(Process& p, kube::Api& api, controller::Metrics& metrics,
        const std::vector<std::string>& wanted) {
    auto want = [&](std::string_view name) {
      return std::ranges::find(wanted, name) != wanted.end();
    };
    if (want("jobs")) {
      jobs.emplace(p.loop, p.clock, p.random, p.log, metrics, api);
      p.group.spawn("jobs", jobs->run());
    }
    if (want("binder")) {
      binder.emplace(p.loop, p.clock, p.random, p.log, metrics, api);
      p.group.spawn("binder", binder->run());
    }
    if (want("garbage")) {
      garbage.emplace(p.loop, p.clock, p.random, p.log, metrics, api, kinds_with_owners());
      p.group.spawn("garbage", garbage->run());
    }
  }
  std::optional<loops::JobLoop> jobs;
  std::optional<loops::Binder> binder;
  std::optional<loops::GcLoop> garbage;
};

// The reconcilers with their end: what is in hand is finished.
struct Reconcilers {
  Reconcilers(Process& p, kube::Api& api, reconcilers::Config config)
      : manager(p.loop, p.clock, p.random, p.log, api, std::move(config)) {
    p.group.spawn("reconcilers", run());
    p.at_stop([this] { return stop(); });
  }
  io::Task<> run() {
    co_await manager.run();
    ended.set();
  }
  io::Task<> stop() {
    manager.stop();
    co_await ended.wait();
  }
  reconcilers::Manager manager;
  io::Event ended;
};

// Since the start of the process.
void show_store(controller::Metrics& metrics, const apiserver::SqliteObjectLog& objects) {
  metrics.describe("sympozium_store_commits", "Transactions of the object store made durable.");
  metrics.watch("sympozium_store_commits", {},
                [&objects] { return static_cast<double>(objects.counters().commits); });
  metrics.describe("sympozium_store_writes", "Writes of objects made durable by them.");
  metrics.watch("sympozium_store_writes", {},
                [&objects] { return static_cast<double>(objects.counters().jobs); });
}

io::Task<> answer_metrics(io::Exchange& exchange, const controller::Metrics& metrics) {
  if (exchange.target() == "/metrics") {
    std::string text = metrics.format();
    co_await exchange.respond(
        {200, {{"Content-Type", "text/plain; version=0.0.4"}}, std::move(text)});
  } else if (exchange.target() == "/healthz") {
    co_await exchange.respond({200, {{"Content-Type", "text/plain"}}, "ok\n"});
  } else {
    co_await exchange.respond({404, {{"Content-Type", "text/plain"}}, "not found\n"});
  }
}

}  // namespace

int run_control(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, {"serve", "journal", "kubeconfig", "loops", "lease", "identity"});
  Process process("control");
  std::unique_ptr<Server> server;
  std::unique_ptr<io::Listener> listener;
  if (const std::string folder = flags.find("serve", ""); !folder.empty()) {
    server = std::make_unique<Server>(process, folder, flags.find("journal", ""));
    listener = io::listen_fd(process.loop, listen_fd_named("apiserver"));
    process.group.spawn("API server", server->run(*listener));
  }
  kube::Client api = process.connect(flags.get("kubeconfig"));
  reconcilers::Config config;
  if (const std::string lease = flags.find("lease", ""); !lease.empty())  // "namespace/name"
    config.lease = {.ns = lease.substr(0, lease.find('/')),
                    .name = lease.substr(lease.find('/') + 1),
                    .identity = flags.find("identity", base::random_suffix(process.random, 12))};
  Reconcilers reconcilers(process, api, std::move(config));
  controller::Metrics& metrics = reconcilers.manager.metrics();
  Loops loops(process, api, metrics, base::split(flags.find("loops", ""), ','));
  if (server) {
    show_store(metrics, server->objects);
    process.at_stop([&server] { return server->api.stop(); });
  }

  std::unique_ptr<io::Listener> metrics_listener;
  io::HttpServer metrics_server(
      process.loop, process.clock, process.log, io::ServerLimits{},
      [&](io::Exchange& exchange) { return answer_metrics(exchange, metrics); });
  if (find_listen_fd("metrics")) {
    metrics_listener = io::listen_fd(process.loop, listen_fd_named("metrics"));
    process.group.spawn("metrics", metrics_server.serve(*metrics_listener, nullptr));
  }
  return process.run();
}

}  // namespace app
