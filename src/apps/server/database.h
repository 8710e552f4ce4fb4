// The PostgreSQL database of the journal: whether it can be used, in words for who set it up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/roles/role.h"
#include "io/blocking.h"
#include "journal/postgres_journal.h"

namespace app {

// `file` holds the connection string ("-": standard input), so that no password is on a command
// line. Makes or migrates the tables. Error that says what to do: invalid (the file, what is in it,
// or a server that cannot be used), else denied, unavailable or timeout.
std::unique_ptr<journal::PostgresJournal> open_journal(Process&, io::BlockingPool&,
                                                       const std::string& file);

// `sympozium-server migrate`: no more than that.
int run_migrate(const std::vector<std::string>& arguments);

}  // namespace app
