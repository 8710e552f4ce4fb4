// A connection string, taken apart.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "io/task.h"

namespace postgres {

struct Conninfo {
  std::vector<std::pair<std::string, std::string>> words;  // the password may be among them
  std::string where;                                       // "db.example:5432/journal"
};

// With what we want of a connection unless it says otherwise. Error(invalid) without a word of it.
Conninfo parse_conninfo(const base::Secret<std::string>&);
// libpq would look up host names on the loop's thread: adds their addresses.
io::Task<> resolve_hosts(Conninfo&);

}  // namespace postgres
