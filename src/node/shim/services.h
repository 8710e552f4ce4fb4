// The programs that the shim keeps alive, and the sockets it holds for them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "node/shim/poller.h"
#include "node/shim/shim.h"

namespace node::shim {

// Starts each service and starts it again when it ends: 100 ms later, doubling to 5 s while it does
// not live for 3 s. Its sockets are opened once and outlive it; it gets them from number 3
// on, with LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID as sd_listen_fds(3) says.
class Services {
 public:
  Services(Poller&, const std::vector<Service>&);  // Error when a socket cannot be opened
  void start();
  void reaped(pid_t, int status);
  void signal_all(int signal);
  void stop();  // SIGTERM to all, no restarts
  bool all_ended() const;

 private:
  struct Kept {
    Service service;
    std::vector<Fd> sockets;
    pid_t pid = 0;
    std::int64_t started_ms = 0;
    std::int64_t delay_ms = 0;
  };
  void launch(Kept&);
  Poller& poller_;
  std::vector<Kept> kept_;
  bool stopping_ = false;
};

}  // namespace node::shim
