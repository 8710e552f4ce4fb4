// The journal over HTTP, for people: protocol/journal_api.h. Whoever lets a request in has
// authorised it; nothing is decided here but that a namespace shows its own runs only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/deltas.h"
#include "io/blocking.h"
#include "io/http.h"
#include "io/loop.h"
#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "kube/api.h"

namespace gateway {

struct JournalApiSettings {
  std::size_t import_bytes = 32 * 1024 * 1024;
  base::Duration watch_most{30 * 60'000};  // of a watch that names no timeoutSeconds
  Deltas* deltas = nullptr;                // of the gateway in this process; null: there is none
};

class JournalApi {
 public:
  // Rights it needs: agentruns: get list.
  JournalApi(io::Loop&, base::Clock&, base::Log&, io::BlockingPool&, journal::Journal&,
             journal::Archive&, journal::Checkpoints&, kube::Api&, JournalApiSettings = {});
  ~JournalApi();

  io::Handler handler();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For a TLS listener: lets in who shows a verified client certificate with one of these common
// names (empty: any), which is an API server that speaks for its users.
io::Handler behind_front_proxy(io::Handler, std::vector<std::string> names);

}  // namespace gateway
