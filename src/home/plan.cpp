#include "home/plan.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "home/aggregation.h"
#include "home/credentials.h"
#include "home/enroll.h"
#include "home/manifests.h"
#include "io/crypto.h"
#include "io/file.h"

namespace home {

using base::cat;

namespace {

constexpr mode_t secret_mode = 0600;

void hand_over(const std::string& path, std::string_view bytes, uid_t uid, gid_t gid) {
  if (io::find_file(path) != bytes) io::write_file(path, bytes, secret_mode);
  if (::chown(path.c_str(), uid, gid) != 0) io::throw_errno("giving away", path);
}

void hand_over(const std::string& folder, const std::string& name, const Credential& credential,
               uid_t uid) {
  hand_over(cat(folder, "/", name, ".crt"), credential.certificate_pem, uid, uid);
  hand_over(cat(folder, "/", name, ".key"), credential.key_pem, uid, uid);
}

// The key that the journal's checkpoints are signed with, of the gateway alone. To change it,
// remove it and start anew: audit.pub has the public keys of all that there were, the latest last.
void keep_audit_key(const Layout& layout, const std::string& path) {
  if (!io::find_file(path)) {
    const auto key = io::make_ed25519_key();
    const std::string known = layout.path("audit.pub");
    io::write_file(known, io::find_file(known).value_or("") + io::public_key_pem(key), 0644,
                   io::Durable::yes);
    io::write_file(path, key.reveal(), secret_mode, io::Durable::yes);
  }
  if (::chown(path.c_str(), uid_gateway, uid_gateway) != 0) io::throw_errno("giving away", path);
}

// Whether nobody listens there; the kernel chooses when asked for port 0.
std::optional<std::uint16_t> free_port(std::uint16_t wanted) {
  io::Fd probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int reuse = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(wanted);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
  if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return ntohs(address.sin_port);
}

// The port of last time, so that old kubeconfigs stay true.
std::uint16_t choose_port(const Layout& layout, const std::string& name, std::uint16_t wanted) {
  const std::string memory = layout.path(name);
  std::uint16_t port = wanted;
  if (port == 0)
    if (auto last = base::parse_int(base::trim(io::find_file(memory, 16).value_or(""))))
      port = free_port(static_cast<std::uint16_t>(*last)).value_or(0);
  auto chosen = free_port(port);
  if (!chosen)
    throw base::Error(base::Code::unavailable,
                      cat("port ", port, " is in use; choose another one with --port"));
  io::write_file(memory, cat(*chosen, "\n"), 0644);
  return *chosen;
}

node::shim::Service service(const UpOptions& options, std::string name,
                            std::vector<std::string> flags) {
  node::shim::Service out;
  out.name = name;
  out.argv = {options.program, std::move(name)};
  out.argv.insert(out.argv.end(), flags.begin(), flags.end());
  return out;
}

// Who the programs are to the API server, and the CA whose clients may read logs from the node.
struct Identities {
  Credential controller, gateway, node;
  std::string client_ca_pem;
};

// The three programs that every home has. `control` flags differ: who serves the API, which loops.
void add_services(Plan& plan, const UpOptions& options, const std::string& server_ca_pem,
                  const Identities& who, std::vector<std::string> control_flags) {
  const Layout& layout = options.layout;
  const std::string control = layout.path("control"), gateway = layout.path("gateway"),
                    nodes = layout.path("node"), node = node_name(options);
  auto kubeconfig = [&](const Credential& credential) {
    return format_kubeconfig(plan.server, server_ca_pem, credential);
  };
  hand_over(control + "/kubeconfig", kubeconfig(who.controller), uid_control, uid_control);
  hand_over(gateway + "/kubeconfig", kubeconfig(who.gateway), uid_gateway, uid_gateway);
  hand_over(nodes + "/kubeconfig", kubeconfig(who.node), 0, 0);
  keep_audit_key(layout, gateway + "/audit.key");
  hand_over(nodes + "/ca.crt", who.client_ca_pem, 0, 0);

  control_flags.insert(control_flags.end(), {"--kubeconfig", control + "/kubeconfig"});
  auto control_service = service(options, "control", std::move(control_flags));
  control_service.user = {{uid_control, uid_control}};
  if (options.metrics_port != 0)
    control_service.listens.push_back(
        {.name = "metrics", .address = cat("tcp:127.0.0.1:", options.metrics_port), .owner = {}});
  auto gateway_service =
      service(options, "gateway",
              {"--kubeconfig", gateway + "/kubeconfig", "--audit-key", gateway + "/audit.key"});
  if (options.database) {
    hand_over(layout.database(), options.database->conninfo.reveal(), uid_gateway, uid_gateway);
    gateway_service.argv.front() = options.database->program;
    gateway_service.argv.insert(gateway_service.argv.end(), {"--database", layout.database()});
  } else {
    gateway_service.argv.insert(gateway_service.argv.end(), {"--journal", layout.journal()});
  }
  if (options.forget_after) {
    gateway_service.argv.emplace_back("--forget-after");
    gateway_service.argv.push_back(base::format_duration(*options.forget_after));
  }
  gateway_service.user = {{uid_gateway, uid_gateway}};
  // Who connects is known by its token, not by the socket.
  gateway_service.listens = {
      {.name = "gateway", .address = "unix:" + layout.gateway_socket(), .mode = 0666, .owner = {}}};
  plan.shim.directory = nodes + "/shim";
  plan.shim.socket = nodes + "/shim.sock";
  // Of this home alone: what a start finds in it is left from the last time, and is killed.
  plan.shim.cgroup = cat("/sympozium/", node, "/", io::sha256_hex(layout.root).substr(0, 8));
  auto node_service = service(
      options, "node",
      {"--kubeconfig", nodes + "/kubeconfig", "--name", node, "--directory", nodes, "--shim",
       plan.shim.socket, "--gateway", layout.gateway_socket_folder(), "--cgroup", plan.shim.cgroup,
       "--client-ca", nodes + "/ca.crt", "--host-image", options.host_image ? "yes" : "no"});
  plan.shim.services = {std::move(control_service), std::move(gateway_service),
                        std::move(node_service)};
}

node::shim::Service& service_of(Plan& plan, std::string_view name) {
  return *std::ranges::find(plan.shim.services, name, &node::shim::Service::name);
}

bool is_on_this_machine(std::string_view server) {
  for (std::string_view host : {"https://127.0.0.1", "https://localhost", "https://[::1]"})
    if (server.starts_with(host) &&
        (server.size() == host.size() || server[host.size()] == ':' || server[host.size()] == '/'))
      return true;
  return false;
}

// The journal by way of a stock API server, which shows who it is with its front proxy certificate.
// One on another machine could not reach us: a group that is not served would only disturb it.
io::Task<> aggregate_journal(Plan& plan, const UpOptions& options, base::Clock& clock,
                             kube::Api& api) {
  if (!is_on_this_machine(plan.server)) co_return;
  const std::optional<FrontProxy> proxy = co_await find_front_proxy(api);
  if (!proxy) co_return;
  const Layout& layout = options.layout;
  Authority authority(layout, clock);
  const std::uint16_t port = choose_port(layout, "journal-port", 0);
  const std::string folder = layout.path("gateway");
  hand_over(folder, "journal", authority.server("journal", {journal_host()}), uid_gateway);
  hand_over(folder + "/front-proxy.crt", proxy->ca_pem, uid_gateway, uid_gateway);
  auto& gateway = service_of(plan, "gateway");
  for (std::string word : {std::string("--aggregated"), folder, std::string("--front-proxy-names"),
                           base::join(proxy->names, ",")})
    gateway.argv.push_back(std::move(word));
  gateway.listens.push_back(
      {.name = "journal", .address = cat("tcp:127.0.0.1:", port), .owner = {}});
  std::string ca_pem = authority.certificate_pem();
  co_await register_journal(api, port, std::move(ca_pem));
}

}  // namespace

std::string node_name(const UpOptions& options) {
  if (!options.node_name.empty()) return options.node_name;
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  std::string name = base::lower(host);
  return base::is_dns_subdomain(name) ? name : "node";
}

Plan prepare_embedded(const UpOptions& options, base::Clock& clock) {
  const Layout& layout = options.layout;
  prepare(layout);
  Authority authority(layout, clock);
  const std::uint16_t port = choose_port(layout, "port", options.port);
  const std::string node = node_name(options), control = layout.path("control");
  Plan plan;
  plan.server = cat("https://127.0.0.1:", port);
  plan.admin_kubeconfig = layout.admin_kubeconfig();
  hand_over(plan.admin_kubeconfig,
            format_kubeconfig(plan.server, authority.certificate_pem(),
                              authority.client("admin", "admin", {"system:masters"})),
            options.owner.uid, options.owner.gid);
  hand_over(control + "/ca.crt", authority.certificate_pem(), uid_control, uid_control);
  hand_over(
      control, "server",
      authority.server("server", {"kubernetes", "kubernetes.default", "kubernetes.default.svc"}),
      uid_control);
  hand_over(control, "kubelet-client",
            authority.client("kubelet-client", "kube-apiserver-kubelet-client", {"system:masters"}),
            uid_control);
  hand_over(control + "/sa.key", authority.signing_key("sa"), uid_control, uid_control);

  const Identities who{
      .controller = authority.client("controller", user_controller, {}),
      .gateway = authority.client("gateway", user_gateway, {}),
      .node = authority.client("node-" + node, "system:node:" + node, {"system:nodes"}),
      .client_ca_pem = authority.certificate_pem()};
  add_services(plan, options, authority.certificate_pem(), who,
               {"--serve", control, "--journal", layout.journal_socket(), "--loops",
                options.loops.value_or("jobs,binder,garbage")});
  service_of(plan, "control")
      .listens.push_back(
          {.name = "apiserver", .address = cat("tcp:127.0.0.1:", port), .owner = {}});
  // Who connects there is believed in what it says about users: the API server alone may.
  service_of(plan, "gateway")
      .listens.push_back({.name = "journal",
                          .address = "unix:" + layout.journal_socket(),
                          .mode = 0600,
                          .owner = {{uid_control, uid_control}}});
  return plan;
}

io::Task<Plan> prepare_cluster(UpOptions options, base::Clock& clock, std::string kubeconfig,
                               kube::Config config, kube::Api& api) {
  const Layout& layout = options.layout;
  prepare(layout);
  co_await check_installed(api);
  Plan plan;
  plan.server = config.server;
  plan.admin_kubeconfig = std::move(kubeconfig);
  // Another cluster's certificates are of no use: its server is part of the file's name.
  const std::string prefix =
      cat("cluster-", io::sha256_hex(config.server + config.tls.ca_pem).substr(0, 12), "-");
  constexpr std::string_view client_signer = "kubernetes.io/kube-apiserver-client",
                             node_signer = "kubernetes.io/kube-apiserver-client-kubelet";
  const std::string node = node_name(options);
  struct Wanted {
    std::string name;
    Enrolment who;
    Credential Identities::* room;
  };
  const std::vector<Wanted> all{
      {"controller", {user_controller, {}, std::string(client_signer)}, &Identities::controller},
      {"gateway", {user_gateway, {}, std::string(client_signer)}, &Identities::gateway},
      {"node-" + node,
       {"system:node:" + node, {"system:nodes"}, std::string(node_signer)},
       &Identities::node}};
  Identities who;
  who.client_ca_pem = co_await client_ca(api);
  for (const auto& wanted : all) {
    std::optional<Credential> known = find_credential(layout, clock, prefix + wanted.name);
    if (!known) {
      known = co_await enroll(clock, api, wanted.who);
      write_credential(layout, prefix + wanted.name, *known);
    }
    who.*wanted.room = std::move(*known);
  }
  // One identity for as long as the home is up: a controller that died is followed at once by the
  // next one, which the keeper starts when it has seen the end of the first.
  io::SystemRandom random;
  add_services(
      plan, options, config.tls.ca_pem, who,
      {"--lease", cat(ns_system, "/sympozium-controller"), "--identity",
       cat(node, "_", base::random_suffix(random, 12)), "--loops", options.loops.value_or("")});
  co_await aggregate_journal(plan, options, clock, api);
  co_return plan;
}

}  // namespace home
