// What a PostgreSQL server refuses, and what it leaves unknown.
#pragma once

#include <string>

#include "base/error.h"

namespace postgres {

// The server's refusal: nothing of the transaction was done. Codes by SQLSTATE: exists (a key is
// taken), conflict (40001), not_found (P0002), denied, invalid, unavailable (disk full, shutting
// down, read-only, too many connections, deadlock: try again later), internal.
class SqlError : public base::Error {
 public:
  SqlError(std::string sqlstate, const std::string& what);
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  std::string sqlstate_;
};

inline constexpr auto read_only_transaction = "25006";

// The process that serves a connection. A pid alone may be somebody else's by now.
struct Backend {
  std::int64_t pid = 0;
  std::int64_t started = 0;  // µs since 1970, the server's clock
};

// The connection broke before the answer came: whether the transaction was done is unknown, and the
// backend may yet do it.
class Lost : public base::Error {
 public:
  Lost(Backend backend, const std::string& what)
      : Error(base::Code::unavailable, what), backend_(backend) {}
  const Backend& backend() const { return backend_; }

 private:
  Backend backend_;
};

}  // namespace postgres
