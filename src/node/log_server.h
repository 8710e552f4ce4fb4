// The node's HTTPS server: what the API server asks of a kubelet for `kubectl logs`.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/blocking.h"
#include "io/http.h"
#include "io/loop.h"

namespace node {

// Where the logs of one container lie, and whether more may come.
struct LogSource {
  std::vector<std::string> files;  // oldest first, the last one grows; empty: there is none
  std::function<bool()> may_grow;
};

struct LogServerConfig {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string node_name;      // of our own certificate, which we sign ourselves: a stock API server
                              // does not verify it unless told to
  std::string client_ca_pem;  // signs the API server's client certificate
  std::string client_name = "kube-apiserver-kubelet-client";  // its CN; nobody else is served
};

class LogServer {
 public:
  // Error(not_found) when there is no such pod or container.
  using Find = std::function<LogSource(const std::string& ns, const std::string& pod,
                                       const std::string& container, bool previous)>;
  LogServer(io::Loop&, base::Clock&, base::Log&, io::BlockingPool&, LogServerConfig, Find);
  ~LogServer();
  std::uint16_t port() const;
  io::Task<> serve();  // until cancelled

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace node
