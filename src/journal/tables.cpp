#include "journal/tables.h"

#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/chain.h"
#include "journal/compression.h"

namespace journal {

namespace {

using base::cat;
using base::Code;
using base::Error;
using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;

// `runs` holds what follows from the events and is asked for often. Hashes are 32 raw bytes.
constexpr auto schema_1 = R"sql(
CREATE TABLE runs(
  run_uid TEXT PRIMARY KEY, ns TEXT NOT NULL, name TEXT NOT NULL,
  attempt INTEGER NOT NULL, execution INTEGER NOT NULL,
  seq INTEGER NOT NULL, link BLOB NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0,
  model_calls INTEGER NOT NULL DEFAULT 0, tool_calls INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE events(
  run_uid TEXT NOT NULL, seq INTEGER NOT NULL,
  attempt INTEGER NOT NULL, execution INTEGER NOT NULL,
  kind TEXT NOT NULL, version INTEGER NOT NULL, subject TEXT NOT NULL, at_ms INTEGER NOT NULL,
  prev BLOB NOT NULL, body_hash BLOB NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY(run_uid, seq)
) WITHOUT ROWID;
CREATE INDEX events_by_subject ON events(run_uid, kind, subject);
CREATE TABLE blobs(
  sha256 BLOB PRIMARY KEY, size INTEGER NOT NULL,
  zstd INTEGER NOT NULL, bytes BLOB NOT NULL
);
CREATE TABLE outbox(position INTEGER PRIMARY KEY AUTOINCREMENT, run_uid TEXT NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE consumers(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
)sql";

// Runs numbered as they came, and all their events in the order of their commits, for readers of a
// whole namespace. What was there before is put in the order of its times.
constexpr auto schema_2 = R"sql(
ALTER TABLE runs ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET number = begun.number FROM
  (SELECT run_uid, row_number() OVER (ORDER BY at_ms, run_uid) AS number FROM events WHERE seq = 0)
  AS begun WHERE begun.run_uid = runs.run_uid;
CREATE UNIQUE INDEX runs_by_number ON runs(number);
CREATE INDEX runs_by_name ON runs(ns, name, number);
CREATE INDEX runs_by_ns ON runs(ns, number);
CREATE TABLE history(
  position INTEGER PRIMARY KEY AUTOINCREMENT, ns TEXT NOT NULL,
  run_uid TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL
);
INSERT INTO history(ns, run_uid, seq, at_ms)
  SELECT r.ns, e.run_uid, e.seq, e.at_ms FROM events e JOIN runs r ON r.run_uid = e.run_uid
  ORDER BY e.at_ms, e.run_uid, e.seq;
CREATE INDEX history_by_ns ON history(ns, position);
)sql";

// Which runs use a content, for their retention. What was there before is found by the names that
// its events give.
constexpr auto schema_3 = R"sql(
CREATE TABLE blob_uses(
  run_uid TEXT NOT NULL, sha256 BLOB NOT NULL, PRIMARY KEY(run_uid, sha256)
) WITHOUT ROWID;
CREATE INDEX blob_uses_by_blob ON blob_uses(sha256);
CREATE INDEX history_by_run ON history(run_uid);
CREATE TABLE blob_names(name TEXT PRIMARY KEY, sha256 BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO blob_names SELECT lower(hex(sha256)), sha256 FROM blobs;
INSERT OR IGNORE INTO blob_uses SELECT e.run_uid, n.sha256
  FROM events e, json_tree(CASE WHEN json_valid(e.body) THEN e.body ELSE '{}' END) t
  JOIN blob_names n ON n.name = t.value WHERE t.type = 'text';
DROP TABLE blob_names;
)sql";

// Checkpoints. Triggers remember each head until a checkpoint holds it, and that a run was removed.
// (An upsert in a trigger gives way to the conflict clause of the statement that fires it.)
constexpr auto schema_4 = R"sql(
CREATE TABLE unsigned_heads(
  run_uid TEXT PRIMARY KEY, ns TEXT NOT NULL, seq INTEGER NOT NULL, link BLOB NOT NULL,
  forgotten INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX unsigned_heads_by_ns ON unsigned_heads(ns, run_uid);
INSERT INTO unsigned_heads SELECT run_uid, ns, seq, link, 0 FROM runs;
CREATE TRIGGER head_begins AFTER INSERT ON runs BEGIN
  DELETE FROM unsigned_heads WHERE run_uid = new.run_uid;
  INSERT INTO unsigned_heads VALUES (new.run_uid, new.ns, new.seq, new.link, 0);
END;
CREATE TRIGGER head_moves AFTER UPDATE OF seq, link ON runs BEGIN
  DELETE FROM unsigned_heads WHERE run_uid = new.run_uid;
  INSERT INTO unsigned_heads VALUES (new.run_uid, new.ns, new.seq, new.link, 0);
END;
CREATE TRIGGER head_is_forgotten AFTER DELETE ON runs BEGIN
  DELETE FROM unsigned_heads WHERE run_uid = old.run_uid;
  INSERT INTO unsigned_heads VALUES (old.run_uid, old.ns, old.seq, old.link, 1);
END;
CREATE TABLE audit_keys(id BLOB PRIMARY KEY, pem TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoints(
  ns TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, previous BLOB NOT NULL,
  size INTEGER NOT NULL, root BLOB NOT NULL, key_id BLOB NOT NULL, signature BLOB NOT NULL,
  PRIMARY KEY(ns, number)
) WITHOUT ROWID;
CREATE TABLE checkpoint_heads(
  ns TEXT NOT NULL, number INTEGER NOT NULL, run_uid TEXT NOT NULL, seq INTEGER NOT NULL,
  link BLOB NOT NULL, forgotten INTEGER NOT NULL, PRIMARY KEY(ns, number, run_uid)
) WITHOUT ROWID;
CREATE INDEX checkpoint_heads_by_run ON checkpoint_heads(ns, run_uid, number);
)sql";

// The ends of runs by their times, for retention.
constexpr auto schema_5 = R"sql(
CREATE INDEX events_of_ends ON events(at_ms, run_uid) WHERE kind = 'run.outcome';
)sql";

std::string raw(const std::string& hex) {
  auto bytes = base::parse_hex(hex);
  if (!bytes || bytes->size() != 32)
    throw Error(Code::invalid, cat("not the hex form of a SHA-256: ", base::clip(hex, 80)));
  return *bytes;
}

constexpr auto event_columns =
    " e.run_uid, e.seq, e.attempt, e.execution, e.kind, e.version, e.at_ms, e.prev, e.body_hash,"
    " e.body ";

Event event_from(const Statement& row) {
  const auto kind = schema::parse_name<Kind>(row.text(4));
  if (!kind)
    throw Error(Code::internal, cat("event ", row.text(0), "/", row.integer(1),
                                    " is of the unknown kind ", row.text(4)));
  return {.run = row.text(0),
          .seq = row.integer(1),
          .fence = {row.integer(2), row.integer(3)},
          .kind = *kind,
          .version = row.integer(5),
          .at = base::Time(std::chrono::milliseconds(row.integer(6))),
          .prev = base::hex(row.text(7)),
          .bodyHash = base::hex(row.text(8)),
          .body = row.text(9)};
}

void insert_blob(Database& database, const std::string& run, const Batch::Blob& blob) {
  const std::string name = raw(blob.sha256);
  database.run("INSERT OR IGNORE INTO blob_uses(run_uid, sha256) VALUES (?, ?)", run, Blob{name});
  if (database.query("SELECT 1 FROM blobs WHERE sha256 = ?", Blob{name}).step()) return;
  const auto compressed = compress(blob.bytes);
  database.run("INSERT INTO blobs(sha256, size, zstd, bytes) VALUES (?, ?, ?, ?)", Blob{name},
               blob.bytes.size(), compressed ? 1 : 0, Blob{compressed ? *compressed : blob.bytes});
}

void insert_event(Database& database, const Event& event, const std::string& subject) {
  database.run(
      "INSERT INTO events(run_uid, seq, attempt, execution, kind, version, subject, at_ms, prev,"
      " body_hash, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      event.run, event.seq, event.fence.attempt, event.fence.execution, schema::name(event.kind),
      event.version, subject, event.at.time_since_epoch().count(), Blob{raw(event.prev)},
      Blob{raw(event.bodyHash)}, event.body);
}

void publish(Database& database, const Event& event, const std::string& ns) {
  database.run("INSERT INTO history(ns, run_uid, seq, at_ms) VALUES (?, ?, ?, ?)", ns, event.run,
               event.seq, event.at.time_since_epoch().count());
  database.run(
      "INSERT INTO outbox(run_uid, seq) SELECT ?, ? WHERE EXISTS (SELECT 1 FROM consumers)",
      event.run, event.seq);
}

// Before the event itself is inserted.
void count(Database& database, RunState& state, const Event& event, const std::string& subject) {
  if (event.kind == Kind::model_intent) ++state.sums.modelCalls;
  if (event.kind == Kind::model_outcome) {
    const auto usage = read<ModelOutcome>(event).usage;
    state.sums.inputTokens += usage.inputTokens;
    state.sums.outputTokens += usage.outputTokens;
  }
  if (event.kind == Kind::tool_intent &&
      read<ToolIntent>(event).decision == protocol::Verdict::allow) {
    const auto before = find_event(database, event.run, Kind::tool_intent, subject);
    const bool again = before && read<ToolIntent>(*before).decision == protocol::Verdict::allow;
    if (!again) ++state.sums.toolCalls;
  }
}

// The state that the first event of the batch meets.
RunState admit(Database& database, const Batch& batch) {
  if (batch.run.empty() || batch.events.empty())
    throw Error(Code::invalid, "an append needs a run and an event");
  const bool begins = batch.events.front().kind == Kind::run_begun;
  auto state = find_state(database, batch.run);
  if (!state) {
    if (!begins)
      throw Error(Code::not_found, cat("run ", batch.run, " has not begun in this journal"));
    const auto begun = schema::read<RunBegun>(base::parse_json(batch.events.front().body));
    return {.ns = begun.ns, .name = begun.name, .seq = -1, .link = first_link()};
  }
  if (begins) throw Error(Code::exists, cat("run ", batch.run, " has begun already"));
  if (state->imported)
    throw Error(Code::conflict, cat("run ", batch.run, " was imported and is read-only"));
  if (batch.fence < state->fence)
    throw Error(Code::conflict, cat("execution ", batch.fence.attempt, ".", batch.fence.execution,
                                    " of run ", batch.run, " was overtaken by ",
                                    state->fence.attempt, ".", state->fence.execution));
  if (batch.after && *batch.after != state->seq)
    throw Error(Code::conflict, not_last(batch.run, *batch.after));
  return *state;
}

void save_state(Database& database, const std::string& run, const RunState& state) {
  database.run(
      "INSERT INTO runs(run_uid, ns, name, attempt, execution, seq, link, ended, input_tokens,"
      " output_tokens, model_calls, tool_calls, imported, number) VALUES"
      " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM runs))"
      " ON CONFLICT(run_uid) DO UPDATE SET attempt = excluded.attempt,"
      " execution = excluded.execution, seq = excluded.seq, link = excluded.link,"
      " ended = excluded.ended, input_tokens = excluded.input_tokens,"
      " output_tokens = excluded.output_tokens, model_calls = excluded.model_calls,"
      " tool_calls = excluded.tool_calls",
      run, state.ns, state.name, state.fence.attempt, state.fence.execution, state.seq,
      Blob{raw(state.link)}, state.ended ? 1 : 0, state.sums.inputTokens, state.sums.outputTokens,
      state.sums.modelCalls, state.sums.toolCalls, state.imported ? 1 : 0);
}

constexpr auto state_columns =
    " r.ns, r.name, r.attempt, r.execution, r.seq, r.link, r.ended, r.input_tokens,"
    " r.output_tokens, r.model_calls, r.tool_calls, r.imported ";

RunState state_from(const Statement& row) {
  return {.ns = row.text(0),
          .name = row.text(1),
          .fence = {row.integer(2), row.integer(3)},
          .seq = row.integer(4),
          .link = base::hex(row.text(5)),
          .sums = {row.integer(7), row.integer(8), row.integer(9), row.integer(10)},
          .ended = row.integer(6) != 0,
          .imported = row.integer(11) != 0};
}

}  // namespace

const sqlite::FileKind& file_kind() {
  static const sqlite::FileKind kind{
      "journal", 0x53796d4a /* SymJ */, {schema_1, schema_2, schema_3, schema_4, schema_5}};
  return kind;
}

std::int64_t append(Database& database, const Batch& batch, base::Time now) {
  RunState state = admit(database, batch);
  state.fence = batch.fence;
  for (const auto& blob : batch.blobs) insert_blob(database, batch.run, blob);
  for (const auto& fresh : batch.events) {
    if (fresh.kind == Kind::run_begun && state.seq >= 0)
      throw Error(Code::exists, cat("run ", batch.run, " has begun already"));
    if (fresh.kind == Kind::run_outcome && state.ended)
      throw Error(Code::exists, cat("run ", batch.run, " has its outcome already"));
    const Event event{.run = batch.run,
                      .seq = state.seq + 1,
                      .fence = batch.fence,
                      .kind = fresh.kind,
                      .version = fresh.version,
                      .at = now,
                      .prev = state.link,
                      .bodyHash = io::sha256_hex(fresh.body),
                      .body = fresh.body};
    count(database, state, event, fresh.subject);
    insert_event(database, event, fresh.subject);
    publish(database, event, state.ns);
    state.seq = event.seq;
    state.link = link_of(event);
    state.ended |= event.kind == Kind::run_outcome;
  }
  save_state(database, batch.run, state);
  return state.seq;
}

std::optional<RunState> find_state(Database& database, const std::string& run) {
  auto row = database.query(cat("SELECT", state_columns, "FROM runs r WHERE run_uid = ?"), run);
  if (!row.step()) return std::nullopt;
  return state_from(row);
}

std::vector<Event> list_events(Database& database, const std::string& run, std::int64_t after,
                               std::size_t limit) {
  std::vector<Event> events;
  auto rows = database.query(cat("SELECT", event_columns,
                                 "FROM events e WHERE run_uid = ? AND seq > ? ORDER BY seq"
                                 " LIMIT ?"),
                             run, after, limit);
  while (rows.step()) events.push_back(event_from(rows));
  return events;
}

std::optional<Event> find_event(Database& database, const std::string& run, Kind kind,
                                const std::string& subject) {
  // Named, because the planner would rather walk the whole run backwards.
  auto row = database.query(cat("SELECT", event_columns,
                                "FROM events e INDEXED BY events_by_subject WHERE run_uid = ? AND "
                                "kind = ? AND subject = ?"
                                " ORDER BY seq DESC LIMIT 1"),
                            run, schema::name(kind), subject);
  if (!row.step()) return std::nullopt;
  return event_from(row);
}

std::string get_blob(Database& database, const std::string& sha256_hex) {
  auto row =
      database.query("SELECT size, zstd, bytes FROM blobs WHERE sha256 = ?", Blob{raw(sha256_hex)});
  if (!row.step()) throw Error(Code::not_found, cat("no blob ", sha256_hex));
  std::string bytes = row.text(2);
  if (row.integer(1) != 0) bytes = decompress(bytes, static_cast<std::size_t>(row.integer(0)));
  if (io::sha256_hex(bytes) != sha256_hex)
    throw Error(Code::internal, cat("blob ", sha256_hex, " is damaged"));
  return bytes;
}

// ---- outbox ----

namespace {

// What nobody waits for any more.
void forget_delivered(Database& database) {
  database.run(
      "DELETE FROM outbox WHERE NOT EXISTS"
      " (SELECT 1 FROM consumers WHERE consumers.position < outbox.position)");
}

}  // namespace

void set_consumers(Database& database, const std::vector<std::string>& consumers) {
  for (const auto& name : consumers)
    database.run("INSERT OR IGNORE INTO consumers(name, position) VALUES (?, 0)", name);
  std::vector<std::string> left;
  for (auto rows = database.query("SELECT name FROM consumers"); rows.step();)
    if (std::ranges::find(consumers, rows.text(0)) == consumers.end()) left.push_back(rows.text(0));
  for (const auto& name : left) database.run("DELETE FROM consumers WHERE name = ?", name);
  if (!left.empty()) forget_delivered(database);
}

void acknowledge(Database& database, const std::string& consumer, std::int64_t position) {
  database.run("UPDATE consumers SET position = max(position, ?) WHERE name = ?", position,
               consumer);
  if (database.changes() == 0)
    throw Error(Code::not_found, "the outbox has no consumer " + consumer);
  database.run("DELETE FROM outbox WHERE position <= (SELECT min(position) FROM consumers)");
}

std::vector<Delivery> list_deliveries(Database& database, const std::string& consumer,
                                      std::optional<std::int64_t> after, std::size_t limit) {
  auto known = database.query("SELECT position FROM consumers WHERE name = ?", consumer);
  if (!known.step()) throw Error(Code::not_found, "the outbox has no consumer " + consumer);
  std::vector<Delivery> deliveries;
  auto rows = database.query(
      cat("SELECT", event_columns,
          ", o.position FROM outbox o JOIN events e ON e.run_uid = o.run_uid AND e.seq = o.seq"
          " WHERE o.position > ? ORDER BY o.position LIMIT ?"),
      after.value_or(known.integer(0)), limit);
  while (rows.step()) deliveries.push_back({rows.integer(10), event_from(rows)});
  return deliveries;
}

// ---- retention ----

namespace {

RunState get_state(Database& database, const std::string& run) {
  auto state = find_state(database, run);
  if (!state) throw Error(Code::not_found, cat("run ", run, " is not in this journal"));
  return *state;
}

// What is taken away meanwhile is overwritten, not only given free.
class Overwriting {
 public:
  explicit Overwriting(Database& database) : database_(database) {
    database_.execute("PRAGMA secure_delete = ON");
  }
  ~Overwriting() { database_.execute("PRAGMA secure_delete = OFF"); }
  Overwriting(const Overwriting&) = delete;

 private:
  Database& database_;
};

void remove_contents(Database& database, const std::string& run) {
  database.run(
      "DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blob_uses WHERE run_uid = ?1)"
      " AND NOT EXISTS (SELECT 1 FROM blob_uses u WHERE u.sha256 = blobs.sha256"
      " AND u.run_uid <> ?1)",
      run);
  database.run("DELETE FROM blob_uses WHERE run_uid = ?", run);
}

}  // namespace

void erase_run(Database& database, const std::string& run) {
  get_state(database, run);
  const Overwriting overwriting(database);
  remove_contents(database, run);
}

void forget_run(Database& database, const std::string& run) {
  const RunState state = get_state(database, run);
  if (!state.ended && !state.imported)
    throw Error(Code::conflict, cat("run ", run, " has not ended"));
  if (database
          .query("SELECT 1 FROM outbox o JOIN consumers c ON c.position < o.position"
                 " WHERE o.run_uid = ? LIMIT 1",
                 run)
          .step())
    throw Error(Code::conflict,
                cat("a consumer has not acknowledged all events of run ", run, " yet"));
  const Overwriting overwriting(database);
  remove_contents(database, run);
  for (const char* table : {"outbox", "history", "events", "runs"})
    database.run(cat("DELETE FROM ", table, " WHERE run_uid = ?"), run);
}

// ---- archive ----

void import_run(Database& database, const ImportedRun& run, const RunState& state) {
  const std::string& uid = run.events.front().run;
  if (find_state(database, uid))
    throw Error(Code::exists, cat("run ", uid, " is in this journal already"));
  for (const auto& blob : run.blobs) insert_blob(database, uid, blob);
  for (const auto& event : run.events) insert_event(database, event, subject_of(event));
  save_state(database, uid, state);
}

namespace {

constexpr auto entry_columns = ", r.run_uid, r.number, b.at_ms ";

std::vector<RunEntry> entries_from(Statement rows) {
  std::vector<RunEntry> runs;
  while (rows.step())
    runs.push_back({.run = rows.text(12),
                    .number = rows.integer(13),
                    .began = base::Time(std::chrono::milliseconds(rows.integer(14))),
                    .state = state_from(rows)});
  return runs;
}

}  // namespace

std::vector<RunEntry> list_runs(Database& database, const RunFilter& filter, std::size_t limit) {
  const std::int64_t before = filter.before.value_or(std::numeric_limits<std::int64_t>::max());
  const std::string columns = cat("SELECT", state_columns, entry_columns,
                                  "FROM runs r JOIN events b ON b.run_uid = r.run_uid AND b.seq = 0"
                                  " WHERE r.ns = ?");
  constexpr auto newest = " AND r.number < ? ORDER BY r.number DESC LIMIT ?";
  return entries_from(filter.name.empty()
                          ? database.query(columns + newest, filter.ns, before, limit)
                          : database.query(cat(columns, " AND r.name = ?", newest), filter.ns,
                                           filter.name, before, limit));
}

std::vector<RunEntry> list_ended(Database& database, base::Time before, std::size_t limit) {
  return entries_from(
      database.query(cat("SELECT", state_columns, entry_columns,
                         "FROM events e JOIN runs r ON r.run_uid = e.run_uid"
                         " JOIN events b ON b.run_uid = r.run_uid AND b.seq = 0"
                         " WHERE e.kind = 'run.outcome' AND e.at_ms < ? AND NOT r.imported"
                         " ORDER BY e.at_ms, e.run_uid LIMIT ?"),
                     before.time_since_epoch().count(), limit));
}

std::vector<Delivery> list_history(Database& database, const std::string& ns, std::int64_t after,
                                   std::size_t limit) {
  std::vector<Delivery> deliveries;
  auto rows = database.query(
      cat("SELECT", event_columns,
          ", h.position FROM history h JOIN events e ON e.run_uid = h.run_uid AND e.seq = h.seq"
          " WHERE h.ns = ? AND h.position > ? ORDER BY h.position LIMIT ?"),
      ns, after, limit);
  while (rows.step()) deliveries.push_back({rows.integer(10), event_from(rows)});
  return deliveries;
}

std::int64_t last_position(Database& database, const std::string& ns, base::Time before) {
  auto row = database.query(
      "SELECT position FROM history WHERE ns = ? AND at_ms < ? ORDER BY position DESC LIMIT 1", ns,
      before.time_since_epoch().count());
  return row.step() ? row.integer(0) : 0;
}

// ---- checkpoints ----

namespace {

// Columns run_uid, seq, link, forgotten.
std::vector<Head> heads_from(Statement rows) {
  std::vector<Head> heads;
  while (rows.step())
    heads.push_back({rows.text(0), rows.integer(1), base::hex(rows.text(2)), rows.integer(3) != 0});
  return heads;
}

std::vector<Checkpoint> checkpoints_from(Statement rows) {
  std::vector<Checkpoint> checkpoints;
  while (rows.step())
    checkpoints.push_back({.ns = rows.text(0),
                           .number = rows.integer(1),
                           .at = base::Time(std::chrono::milliseconds(rows.integer(2))),
                           .previous = base::hex(rows.text(3)),
                           .size = rows.integer(4),
                           .root = base::hex(rows.text(5)),
                           .key = base::hex(rows.text(6)),
                           .signature = base::hex(rows.text(7))});
  return checkpoints;
}

constexpr auto select_checkpoint =
    "SELECT ns, number, at_ms, previous, size, root, key_id, signature FROM checkpoints";

}  // namespace

std::vector<std::string> list_unsigned_namespaces(Database& database) {
  std::vector<std::string> names;
  auto rows = database.query("SELECT DISTINCT ns FROM unsigned_heads ORDER BY ns");
  while (rows.step()) names.push_back(rows.text(0));
  return names;
}

Checkpoints::Unsigned list_unsigned(Database& database, const std::string& ns, std::size_t limit) {
  auto latest = checkpoints_from(
      database.query(cat(select_checkpoint, " WHERE ns = ? ORDER BY number DESC LIMIT 1"), ns));
  return {.latest = latest.empty() ? std::nullopt : std::optional(std::move(latest.front())),
          .heads = heads_from(database.query("SELECT run_uid, seq, link, forgotten FROM"
                                             " unsigned_heads WHERE ns = ? ORDER BY run_uid"
                                             " LIMIT ?",
                                             ns, limit))};
}

void add_checkpoint(Database& database, const Checkpoint& checkpoint,
                    const std::vector<Head>& heads, const AuditKey& key) {
  const auto latest = list_unsigned(database, checkpoint.ns, 0).latest;
  if (checkpoint.number != (latest ? latest->number : 0) + 1)
    throw Error(Code::exists,
                cat("namespace ", checkpoint.ns, " has other checkpoints than number ",
                    checkpoint.number, " follows"));
  database.run("INSERT OR IGNORE INTO audit_keys(id, pem) VALUES (?, ?)", Blob{raw(key.id)},
               key.pem);
  database.run(
      "INSERT INTO checkpoints(ns, number, at_ms, previous, size, root, key_id, signature)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      checkpoint.ns, checkpoint.number, checkpoint.at.time_since_epoch().count(),
      Blob{raw(checkpoint.previous)}, checkpoint.size, Blob{raw(checkpoint.root)},
      Blob{raw(checkpoint.key)}, Blob{base::parse_hex(checkpoint.signature).value()});
  for (const Head& head : heads) {
    database.run(
        "INSERT INTO checkpoint_heads(ns, number, run_uid, seq, link, forgotten)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        checkpoint.ns, checkpoint.number, head.run, head.seq, Blob{raw(head.link)},
        head.forgotten ? 1 : 0);
    // It may have moved on since it was read.
    database.run("DELETE FROM unsigned_heads WHERE run_uid = ? AND seq = ? AND forgotten = ?",
                 head.run, head.seq, head.forgotten ? 1 : 0);
  }
}

std::vector<AuditKey> list_audit_keys(Database& database) {
  std::vector<AuditKey> keys;
  auto rows = database.query("SELECT id, pem FROM audit_keys ORDER BY id");
  while (rows.step()) keys.push_back({base::hex(rows.text(0)), rows.text(1)});
  return keys;
}

std::vector<Checkpoint> list_checkpoints(Database& database, const std::string& ns,
                                         std::int64_t after, std::size_t limit) {
  return checkpoints_from(
      database.query(cat(select_checkpoint, " WHERE ns = ? AND number > ? ORDER BY number LIMIT ?"),
                     ns, after, limit));
}

std::vector<Head> list_heads(Database& database, const std::string& ns, std::int64_t number) {
  return heads_from(
      database.query("SELECT run_uid, seq, link, forgotten FROM checkpoint_heads"
                     " WHERE ns = ? AND number = ? ORDER BY run_uid",
                     ns, number));
}

std::vector<std::int64_t> list_numbers(Database& database, const std::string& ns,
                                       const std::string& run) {
  std::vector<std::int64_t> numbers;
  auto rows = database.query(
      "SELECT number FROM checkpoint_heads WHERE ns = ? AND run_uid = ? ORDER BY number", ns, run);
  while (rows.step()) numbers.push_back(rows.integer(0));
  return numbers;
}

}  // namespace journal
