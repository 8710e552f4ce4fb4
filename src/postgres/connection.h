// One connection to a PostgreSQL server of ours: transactions in a pipeline, on the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "io/loop.h"
#include "postgres/error.h"
#include "postgres/value.h"

namespace postgres {

// The tables of one part of the program. Migration i brings them from version i to i + 1; they are
// never edited, only added.
struct Schema {
  std::string name;
  std::vector<std::string> migrations;  // any number of statements each
};

struct ConnectOptions {
  // As libpq reads it: "host=… dbname=… user=… passfile=…" or postgresql://…
  base::Secret<std::string> conninfo;
  base::Duration connect_limit{10'000};
  base::Duration answer_limit{30'000};  // beyond: the connection is given up as Lost
};

// Statements that are one transaction: one commit, all or nothing.
struct Transaction {
  struct Call {
    const Statement* statement;  // outlives the connection
    std::vector<Value> values;
  };
  std::vector<Call> calls;
  std::string key = {};  // see Pool

  Transaction& add(const Statement& statement, std::vector<Value> values = {}) {
    calls.push_back({&statement, std::move(values)});
    return *this;
  }
};

class Connection {
 public:
  // A server that can be written: PostgreSQL 14 or newer, no standby, not read-only, UTF-8. Our
  // session commits durably (synchronous_commit) and sees what was committed when each statement
  // begins (read committed), whatever the server's defaults are. Error: unavailable (nobody there,
  // starting up, a standby, read-only), denied, invalid (what the server is or was told to be);
  // each says what to do. No message has the password.
  static io::Task<std::unique_ptr<Connection>> connect(io::Loop&, base::Clock&,
                                                       const ConnectOptions&);
  ~Connection();
  Connection(const Connection&) = delete;

  // In the order of the calls, without waiting for the answers of those before: one round trip
  // each, and one that fails leaves the others alone. SqlError, or Lost. Cancellation abandons the
  // result, not the transaction.
  io::Task<std::vector<Result>> run(Transaction);
  // What somebody NOTIFYs; for connections that have run LISTEN.
  void on_notification(std::function<void(const std::string& payload)>);

  std::size_t under_way() const;  // transactions without answer
  bool has_under_way(const std::string& key) const;
  // Not to be used for anything more: broken, or its server has become read-only.
  bool is_spent() const;
  io::Task<> wait_spent();

 private:
  friend struct Migration;
  friend io::Task<> migrate(io::Loop&, base::Clock&, const ConnectOptions&, const Schema&);
  struct Impl;
  Connection(io::Loop&, std::shared_ptr<Impl>);
  std::shared_ptr<Impl> impl_;
  io::TaskGroup group_;
};

// Brings the tables to the newest version; of several processes one does it. Error(invalid) when
// they are of a newer version than this program knows.
io::Task<> migrate(io::Loop&, base::Clock&, const ConnectOptions&, const Schema&);

}  // namespace postgres
