// The state folder of the embedded home: who owns what, one folder per user id.
//
//   admin.kubeconfig       0600, of the user who called
//   lock                   held by the running home
//   pki/       root        the certificate authority and what it signed last
//   control/   control     objects.db, the API server's keys, audit log
//   audit.pub              what the journal's signatures are verified with
//   gateway/   gateway     audit.key, journal.db; or `database`, the connection string of one
//   elsewhere node/      root        pods, images, shim run/                   sockets:
//   run/gateway/gateway.sock is what bridges see,
//                          run/journal.sock (of control) what the API server passes requests to
//   log/                   one file per process
#pragma once

#include <sys/types.h>

#include <string>

#include "io/file.h"

namespace home {

// Numeric users without a passwd entry; pods use other ones.
inline constexpr uid_t uid_control = 64101, uid_gateway = 64102;

struct Layout {
  std::string root = "/var/lib/sympozium";

  std::string path(std::string_view below) const { return root + "/" + std::string(below); }
  std::string admin_kubeconfig() const { return path("admin.kubeconfig"); }
  std::string gateway_socket_folder() const { return path("run/gateway"); }
  std::string gateway_socket() const { return path("run/gateway/gateway.sock"); }
  std::string images() const { return path("node/images"); }
  // Where the journal is: one of the two.
  std::string journal() const { return path("gateway/journal.db"); }
  std::string database() const { return path("gateway/database"); }
  std::string journal_socket() const { return path("run/journal.sock"); }
};

// Who asked: the user behind sudo, else root.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Makes the folders that are missing and sets modes and owners. Needs root.
void prepare(const Layout&);

// Held for as long as it lives. Error(exists) that names the other's process when the folder is in
// use.
class StateLock {
 public:
  explicit StateLock(const Layout&);
  void note_owner() const;  // writes this process' id: after a fork, the child that keeps the lock

 private:
  io::Fd fd_;
};

// Pid of the home that holds the lock; nothing when none runs.
std::optional<pid_t> running(const Layout&);

}  // namespace home
