// The containers of this machine: started through the OCI runtime, adopted as children, their pipes
// copied to logs, their ends remembered until the node has taken note.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "node/shim/log_writer.h"
#include "node/shim/orders.h"
#include "node/shim/poller.h"

namespace node::shim {

class Containers {
 public:
  struct Config {
    std::string runtime;    // "/usr/bin/crun"
    std::string directory;  // for the runtime's state, pid files and error texts
  };
  Containers(Poller&, Config, std::function<void(const Record&)> changed);

  void obey(const Order&);
  void reaped(pid_t, int status);  // any child of the process; foreign ones are no matter
  std::vector<Record> list() const;

 private:
  struct Container {
    Record record;
    pid_t launch = 0;   // of the runtime starting it
    pid_t removal = 0;  // of the runtime removing it
    bool unwanted = false;
    Fd out, err;
    std::unique_ptr<LogWriter> log;
  };
  void start(const Run&);
  void launched(Container&, int status);
  void ended(Container&, int status);
  void remove(Container&);
  void removed(const std::string& id);
  void copy(const std::string& id, Stream);
  std::string file(const std::string& id, std::string_view suffix) const;
  std::vector<std::string> command(const std::string& id, std::vector<std::string> rest) const;

  Poller& poller_;
  Config config_;
  std::function<void(const Record&)> changed_;
  std::map<std::string, Container> containers_;
  std::map<pid_t, int> early_;  // ended before its launch was over
};

}  // namespace node::shim
