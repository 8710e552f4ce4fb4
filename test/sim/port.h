// Where a process listens, and the next one when it has died: pipes in memory instead of sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "io/conn.h"
#include "io/http.h"
#include "io/loop.h"

namespace sim {

class Port {
 public:
  explicit Port(base::Clock&);
  ~Port();

  // Whoever dials says who it is: the listener sees it as its peer's address. Refused while nobody
  // listens.
  std::unique_ptr<io::Dialer> dialer(std::string who);
  // Connections are served in this group until shut().
  void open(io::HttpServer&, io::TaskGroup&);
  void shut();
  // Every connection breaks, for both its ends.
  void break_all();
  // How long bytes are on their way, asked for each write; none: no time.
  void delay(std::function<base::Duration()>);

 private:
  struct State;
  class Link;
  class LinkDialer;
  std::shared_ptr<State> state_;
};

}  // namespace sim
