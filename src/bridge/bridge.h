// The courier of a pod: between the agent, its tool sidecars and the gateway. It decides nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/conn.h"
#include "io/http.h"
#include "io/loop.h"

namespace bridge {

struct Config {
  std::string token_file;             // projected token, re-read for each request
  std::string ipc_root;               // <ipc_root>/<sidecar>/tools is shared with that sidecar
  std::string run_uid;                // tools learn their call as "<run uid>/<call>"
  std::vector<std::string> sidecars;  // container names, the default target first: "skill-tools"
  std::string instance;               // names this start of the bridge, as nobody can guess it
};

// Speaks protocol/gateway.h on both sides. A broken connection to the gateway is made anew and the
// request repeated with the same call id, which the gateway answers from its journal: for the agent
// that is a delay, not an error. An agent that asks again for a call under way waits for that one.
class Bridge {
 public:
  // Makes the tools folders of the sidecars. Error when one cannot be made; one that is no folder
  // any more makes its sidecar's tools fail, nothing else.
  Bridge(io::Loop&, base::Clock&, base::Log&, std::unique_ptr<io::Dialer> gateway, Config);
  ~Bridge();

  io::Handler handler();
  // Watches the sidecars' answers until cancelled.
  io::Task<> run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "unix:/path" or "https://ip:port" (with the PEM file of its CA).
std::unique_ptr<io::Dialer> gateway_dialer(const std::string& address, const std::string& ca_file);

}  // namespace bridge
