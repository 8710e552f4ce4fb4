// Role `control`: the API server (embedded home), the reconcilers, the job, binder and garbage
// loops.
#include <fcntl.h>
#include <unistd.h>

#include "apiserver/object_log.h"
#include "apiserver/server.h"
#include "flags.h"
#include "home/manifests.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/http.h"
#include "io/tls.h"
#include "role.h"

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

// The embedded API server with everything it stands on.
struct Server {
  Server(Process& process, const std::string& folder)
      : client(make_client(folder)),
        objects(process.loop, process.clock, folder + "/objects.db"),
        api(process.loop, process.clock, process.random, process.log, objects, tokens(folder),
            settings(folder), {}, audit_to(folder + "/audit.log", process.log)),
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
  apiserver::ServerSettings settings(const std::string& folder) {
    apiserver::ServerSettings out;
    out.ca_pem = io::read_file(folder + "/ca.crt");
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

}  // namespace

int run_control(int argc, char** argv) {
  io::init_crypto();
  const Flags flags(argc, argv, {"serve", "kubeconfig", "loops"});
  Process process("control");
  std::unique_ptr<Server> server;
  std::unique_ptr<io::Listener> listener;
  if (const std::string folder = flags.find("serve", ""); !folder.empty()) {
    server = std::make_unique<Server>(process, folder);
    listener = io::listen_fd(process.loop, listen_fd_named("apiserver"));
    process.group.spawn("API server", server->run(*listener));
  }
  return process.run();
}

}  // namespace app
