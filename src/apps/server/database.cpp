#include "database.h"

#include <cstdio>

#include "apps/roles/flags.h"
#include "base/text.h"
#include "gateway/server.h"
#include "io/crypto.h"
#include "io/file.h"
#include "postgres/error.h"

namespace app {

using base::cat;
using base::Code;
using base::Error;

namespace {

constexpr std::size_t conninfo_bytes_max = 64 * 1024;

// By its descriptor: what is handed over may not be ours to open.
std::string read_standard_input() {
  std::string text(conninfo_bytes_max, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  return text;
}

base::Secret<std::string> read_conninfo(const std::string& file) {
  const std::string text =
      file == "-" ? read_standard_input() : io::read_file(file, conninfo_bytes_max);
  std::string conninfo(base::trim(text));
  if (conninfo.empty())
    throw Error(Code::invalid,
                "is empty; write a connection string into it, such as \"host=db.example "
                "dbname=sympozium user=sympozium password=…\"");
  return base::Secret<std::string>(std::move(conninfo));
}

// By SQLSTATE; PostgreSQL's documentation, appendix A.
std::string_view advice_for(std::string_view state) {
  if (state == "28P01") return "correct user or password there";
  if (state.starts_with("28"))
    return "let this user in from this machine (pg_hba.conf), or name another user there";
  if (state == "3D000")
    return "correct dbname there, or make it: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0";
  if (state == "42501")
    return "let the user make and use its tables: let it own the database, or GRANT CREATE, USAGE "
           "ON "
           "SCHEMA public TO …";
  if (state == "08001") return "start the server, or correct host and port there";
  if (state.starts_with("08")) return "look at the server's log";
  return "";
}

std::string explain(const Error& error) {
  std::string words = error.what();
  const auto* refused = dynamic_cast<const postgres::SqlError*>(&error);
  const std::string_view advice = refused                         ? advice_for(refused->sqlstate())
                                  : error.code() == Code::timeout ? advice_for("08001")
                                                                  : "";
  return advice.empty() ? words : cat(words, ": ", advice);
}

}  // namespace

std::unique_ptr<journal::PostgresJournal> open_journal(Process& process, io::BlockingPool& pool,
                                                       const std::string& file) {
  const std::string where = file == "-" ? "" : cat("--database ", file, ": ");
  try {
    postgres::ConnectOptions how{.conninfo = read_conninfo(file)};
    std::vector<std::string> consumers{gateway::outbox_status};
    auto opening =
        journal::PostgresJournal::open(process.loop, process.clock, process.random, process.log,
                                       pool, std::move(how), std::move(consumers));
    return process.loop.run(std::move(opening));
  } catch (const Error& error) {
    throw Error(error.code(), where + explain(error));
  }
}

int run_migrate(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, {"database"});
  Process process("migrate");
  io::BlockingPool pool;
  const auto journal = open_journal(process, pool, flags.get("database"));
  std::puts("the journal's tables are there and up to date");
  return 0;
}

}  // namespace app
