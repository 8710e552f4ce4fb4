#include "postgres/connection.h"

#include <libpq-fe.h>

#include <algorithm>
#include <deque>
#include <map>

#include "base/text.h"
#include "io/readiness.h"
#include "io/sync.h"
#include "postgres/conninfo.h"

namespace postgres {

namespace {

using base::cat;
using base::Code;
using base::Error;

constexpr int oldest_server = 140000;
constexpr auto no_such_statement = "26000";

std::string first_line(std::string_view text) {
  return std::string(base::trim(text.substr(0, text.find('\n'))));
}

std::string field(const PGresult* result, int name) {
  const char* value = PQresultErrorField(result, name);
  return value ? value : "";
}

// Without its detail, which may quote a row.
SqlError sql_error(const PGresult* result, const std::string& where) {
  return {field(result, PG_DIAG_SQLSTATE),
          cat(where, ": ", field(result, PG_DIAG_MESSAGE_PRIMARY))};
}

struct Waiting {
  std::string key;
  std::vector<Result> results;
  std::exception_ptr error;
  io::Event done;
};

}  // namespace

struct Connection::Impl {
  Impl(base::Clock& c, base::Duration limit) : clock(c), answer_limit(limit) {}

  base::Clock& clock;
  const base::Duration answer_limit;
  PGconn* conn = nullptr;
  std::optional<io::Readiness> socket;
  std::string where;
  Backend backend;
  std::map<std::string, bool> prepared;
  std::exception_ptr prepare_error;                // what a statement that is not there failed from
  std::deque<std::shared_ptr<Waiting>> under_way;  // nobody waits for a preparation
  std::function<void(const std::string&)> on_notification;
  io::Event unsent, spent;

  Impl(const Impl&) = delete;
  ~Impl() { close(); }

  void close() {
    socket.reset();
    if (conn) PQfinish(conn);
    conn = nullptr;
  }

  // Idempotent. Whoever waits is told.
  void lose(const std::string& why) {
    spent.set();
    unsent.set();
    if (!conn) return;
    close();
    const auto error = std::make_exception_ptr(Lost(backend, cat(where, ": ", why)));
    for (auto& waiting : std::exchange(under_way, {})) {
      if (!waiting) continue;
      waiting->error = error;
      waiting->done.set();
    }
  }
  void lose() { lose(cat("the connection was lost: ", first_line(PQerrorMessage(conn)))); }

  // ---- sending ----

  void send(const Transaction& transaction, const std::shared_ptr<Waiting>& waiting) {
    for (const auto& call : transaction.calls) prepare(call);
    bool good = true;
    for (const auto& call : transaction.calls) good = good && send(call);
    good = good && PQpipelineSync(conn) == 1;
    under_way.push_back(waiting);
    if (!good) return lose();
    unsent.set();
  }

  // In a transaction of its own, which nothing else can make fail.
  void prepare(const Transaction::Call& call) {
    const Statement& statement = *call.statement;
    if (prepared[statement.name]) return;
    std::vector<Oid> types;
    for (const auto& value : call.values) types.push_back(value.type);
    if (PQsendPrepare(conn, statement.name.c_str(), statement.sql.c_str(),
                      static_cast<int>(types.size()), types.data()) != 1 ||
        PQpipelineSync(conn) != 1)
      return;  // the call behind it fails as well
    prepared[statement.name] = true;
    under_way.push_back(nullptr);
  }

  bool send(const Transaction::Call& call) {
    std::vector<const char*> values;
    std::vector<int> lengths, formats;
    for (const auto& value : call.values) {
      values.push_back(value.bytes ? value.bytes->data() : nullptr);
      lengths.push_back(value.bytes ? static_cast<int>(value.bytes->size()) : 0);
      formats.push_back(1);
    }
    return PQsendQueryPrepared(conn, call.statement->name.c_str(), static_cast<int>(values.size()),
                               values.data(), lengths.data(), formats.data(), 1) == 1;
  }

  static io::Task<> keep_sending(std::shared_ptr<Impl> self) {
    while (self->conn) {
      self->unsent.clear();
      int left = 0;
      while (self->conn && (left = PQflush(self->conn)) == 1) co_await self->socket->writable();
      if (left < 0) self->lose();
      co_await self->unsent.wait();
    }
  }

  // ---- receiving ----

  static io::Task<> keep_receiving(std::shared_ptr<Impl> self) {
    while (self->conn) {
      co_await self->socket->readable();
      if (!self->conn) break;
      if (PQconsumeInput(self->conn) != 1) {
        self->lose();
        break;
      }
      self->receive();
      self->unsent.set();  // there may be room to send now
    }
  }

  void receive() {
    while (conn && !under_way.empty() && !PQisBusy(conn)) {
      const std::shared_ptr<PGresult> result(PQgetResult(conn), PQclear);
      if (result)
        take(result);
      else if (PQstatus(conn) == CONNECTION_BAD)
        lose();
      // Else it was the end of a statement's results.
    }
    while (conn) {
      const std::unique_ptr<PGnotify, void (*)(void*)> news(PQnotifies(conn), PQfreemem);
      if (!news) break;
      if (on_notification) on_notification(news->extra);
    }
    if (conn && PQstatus(conn) == CONNECTION_BAD) lose();
  }

  void take(const std::shared_ptr<PGresult>& result) {
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC: finish(); break;
      case PGRES_PIPELINE_ABORTED: break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (auto& waiting = under_way.front()) waiting->results.emplace_back(result);
        break;
      default: refuse(result.get());
    }
  }

  void refuse(const PGresult* result) {
    const std::string state = field(result, PG_DIAG_SQLSTATE);
    // The end of the session, which does not say what became of the transaction.
    if (state.empty() || state.starts_with("57P0")) return;
    const auto error = std::make_exception_ptr(sql_error(result, where));
    if (state == read_only_transaction) spent.set();
    auto& waiting = under_way.front();
    if (!waiting)
      prepare_error = error;
    else if (!waiting->error)
      waiting->error = state == no_such_statement && prepare_error ? prepare_error : error;
  }

  void finish() {
    const auto waiting = std::move(under_way.front());
    under_way.pop_front();
    if (waiting) waiting->done.set();
  }

  // ---- before the pipeline ----

  // Any number of statements, by the simple protocol.
  io::Task<std::vector<Result>> script(std::string sql) {
    if (PQsendQuery(conn, sql.c_str()) != 1) fail();
    int left = 0;
    while ((left = PQflush(conn)) == 1) co_await socket->writable();
    if (left < 0) fail();
    std::vector<Result> results;
    std::exception_ptr error;
    for (;;) {
      while (PQisBusy(conn) != 0) {
        co_await socket->readable();
        if (PQconsumeInput(conn) != 1) fail();
      }
      const std::shared_ptr<PGresult> result(PQgetResult(conn), PQclear);
      if (!result) break;
      if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
        error = std::make_exception_ptr(sql_error(result.get(), where));
      results.emplace_back(result);
    }
    if (PQstatus(conn) == CONNECTION_BAD) fail();
    if (error) std::rethrow_exception(error);
    co_return results;
  }
  [[noreturn]] void fail() {
    throw Lost(backend,
               cat(where, ": the connection was lost: ", first_line(PQerrorMessage(conn))));
  }

  io::Task<> open(io::Loop& loop, const ConnectOptions& options) {
    Conninfo info = parse_conninfo(options.conninfo);
    where = "PostgreSQL at " + info.where;
    co_await resolve_hosts(info);
    std::vector<const char*> names, values;
    for (const auto& [name, value] : info.words) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    conn = PQconnectStartParams(names.data(), values.data(), 0);
    if (!conn) throw std::bad_alloc();
    PQsetNoticeProcessor(conn, [](void*, const char*) {}, nullptr);
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);  // with the SQLSTATE
    if (PQstatus(conn) == CONNECTION_BAD) refuse_connection();
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
      {  // libpq may change the socket at each step
        io::Readiness step(loop, PQsocket(conn));
        if (next == PGRES_POLLING_READING)
          co_await step.readable();
        else
          co_await step.writable();
      }
      next = PQconnectPoll(conn);
      if (next == PGRES_POLLING_FAILED) refuse_connection();
    }
    PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    PQsetnonblocking(conn, 1);
    socket.emplace(loop, PQsocket(conn));
    co_await prepare_session();
  }

  // "… FATAL:  28P01: password authentication failed …"
  [[noreturn]] void refuse_connection() {
    const std::string words = first_line(PQerrorMessage(conn));
    std::string state = "08001";  // cannot connect
    if (const auto at = words.find("FATAL:  "); at != std::string::npos)
      state = words.substr(at + 8, 5);
    throw SqlError(state, cat(where, ": ", words));
  }

  io::Task<> prepare_session() {
    if (PQserverVersion(conn) < oldest_server)
      throw Error(Code::invalid, cat(where, ": the server is PostgreSQL ",
                                     PQparameterStatus(conn, "server_version"),
                                     "; 14 is the oldest that can be used: upgrade it"));
    const auto results = co_await script(R"sql(
      SET default_transaction_isolation = 'read committed'; SET jit = off;
      SELECT set_config('synchronous_commit', 'on', false)
       WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');
      SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
             current_setting('server_encoding'),
             pid, (extract(epoch FROM backend_start) * 1000000)::bigint
        FROM pg_stat_activity WHERE pid = pg_backend_pid())sql");
    const Result& facts = results.back();
    backend = {facts.integer(0, 3), facts.integer(0, 4)};
    if (facts.boolean(0, 0))
      throw Error(
          Code::unavailable,
          cat(where,
              ": the server is a standby (pg_is_in_recovery() is true): name the primary, or "
              "all servers as host=a,b with target_session_attrs=read-write"));
    if (facts.boolean(0, 1))
      throw Error(
          Code::unavailable,
          cat(where,
              ": the server is read-only (default_transaction_read_only is on): turn it off "
              "for this database and role, or name the server that is written"));
    if (facts.text(0, 2) != "UTF8")
      throw Error(Code::invalid, cat(where, ": the database's encoding is ", facts.text(0, 2),
                                     ": make one with ENCODING 'UTF8' TEMPLATE template0"));
  }
};

Connection::Connection(io::Loop& loop, std::shared_ptr<Impl> impl)
    : impl_(std::move(impl)), group_(loop) {
  PQenterPipelineMode(impl_->conn);
  group_.spawn("sending to PostgreSQL", Impl::keep_sending(impl_));
  group_.spawn("receiving from PostgreSQL", Impl::keep_receiving(impl_));
}

Connection::~Connection() { impl_->lose("closed"); }

io::Task<std::unique_ptr<Connection>> Connection::connect(io::Loop& loop, base::Clock& clock,
                                                          const ConnectOptions& options) {
  auto impl = std::make_shared<Impl>(clock, options.answer_limit);
  io::Task<> opening = impl->open(loop, options);
  co_await io::within(clock, options.connect_limit, "connecting to PostgreSQL", std::move(opening));
  co_return std::unique_ptr<Connection>(new Connection(loop, std::move(impl)));
}

io::Task<std::vector<Result>> Connection::run(Transaction transaction) {
  auto impl = impl_;
  if (impl->spent.is_set()) throw Error(Code::unavailable, impl->where + ": not connected");
  auto waiting = std::make_shared<Waiting>();
  waiting->key = transaction.key;
  impl->send(transaction, waiting);
  bool late = false;
  try {
    io::Task<> answered = waiting->done.wait();
    co_await io::within(impl->clock, impl->answer_limit, "waiting", std::move(answered));
  } catch (const Error& error) {
    if (error.code() != Code::timeout) throw;
    late = true;
  }
  if (late) impl->lose("no answer after " + base::format_duration(impl->answer_limit));
  if (waiting->error) std::rethrow_exception(waiting->error);
  co_return std::move(waiting->results);
}

void Connection::on_notification(std::function<void(const std::string&)> call) {
  impl_->on_notification = std::move(call);
}

std::size_t Connection::under_way() const { return impl_->under_way.size(); }

bool Connection::has_under_way(const std::string& key) const {
  return std::ranges::any_of(impl_->under_way,
                             [&](const auto& one) { return one && one->key == key; });
}

bool Connection::is_spent() const { return impl_->spent.is_set(); }

io::Task<> Connection::wait_spent() { return impl_->spent.wait(); }

// ---- migrations ----

namespace {

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace

struct Migration {
  Connection::Impl& impl;
  const Schema& schema;
  const std::int64_t newest = static_cast<std::int64_t>(schema.migrations.size());

  io::Task<std::int64_t> version() {
    const auto there = co_await impl.script("SELECT to_regclass('schema_versions') IS NOT NULL");
    if (!there.front().boolean(0, 0)) co_return 0;
    const auto rows = co_await impl.script("SELECT version FROM schema_versions WHERE name = " +
                                           quoted(schema.name));
    const std::int64_t found = rows.front().rows() == 0 ? 0 : rows.front().integer(0, 0);
    if (found > newest)
      throw Error(Code::invalid, cat(impl.where, ": the ", schema.name, " has schema version ",
                                     found, ", this program knows ", newest,
                                     " at most: use the program that wrote it or a newer one"));
    co_return found;
  }

  io::Task<> run() {
    // Looked at without a right to change anything first.
    if (const auto found = co_await version(); found == newest) co_return;
    // The session's, before the transaction begins: one that waited inside would look with what it
    // remembers of the catalogue from before. It ends with the connection.
    co_await impl.script(
        cat("SELECT pg_advisory_lock(hashtext(", quoted("migrating " + schema.name), "))"));
    co_await impl.script("BEGIN");
    const std::int64_t found = co_await version();  // somebody else may have come first
    if (found == 0)
      co_await impl.script(
          "CREATE TABLE IF NOT EXISTS schema_versions(name TEXT PRIMARY KEY, version BIGINT NOT "
          "NULL)");
    for (auto at = found; at < newest; ++at)
      co_await impl.script(schema.migrations[static_cast<std::size_t>(at)]);
    co_await impl.script(
        cat("INSERT INTO schema_versions(name, version) VALUES (", quoted(schema.name), ", ",
            newest, ") ON CONFLICT (name) DO UPDATE SET version = excluded.version; COMMIT"));
  }
};

io::Task<> migrate(io::Loop& loop, base::Clock& clock, const ConnectOptions& options,
                   const Schema& schema) {
  auto impl = std::make_shared<Connection::Impl>(clock, options.answer_limit);
  io::Task<> opening = impl->open(loop, options);
  co_await io::within(clock, options.connect_limit, "connecting to PostgreSQL", std::move(opening));
  Migration migration{*impl, schema};
  co_await migration.run();
}

}  // namespace postgres
