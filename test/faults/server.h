// Our API server in this process on virtual time: no thread, no socket, no disk.
#pragma once

#include <memory>
#include <string>

#include "apiserver/server.h"
#include "kube/client.h"

namespace faults {

// The real server behind real HTTP, over pipes in memory. Its storage port is given memory as well:
// what a disk does is for the server's own tests.
class Server {
 public:
  // Begins with what `known` holds.
  Server(io::Loop&, base::Clock&, base::Random&, base::Log&, apiserver::History known);
  ~Server();

  // A client of its own connections, as this user with every right.
  std::unique_ptr<kube::Client> client(const std::string& user);
  apiserver::Store& store();
  const apiserver::Catalog& catalog() const;
  // All objects as they are now, for another server to begin with.
  apiserver::History snapshot();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where a kind's objects are in the store.
const std::string& storage_of(const apiserver::Catalog&, const schema::KindInfo&);

}  // namespace faults
