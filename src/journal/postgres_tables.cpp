#include "journal/postgres_tables.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

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
using postgres::Result;
using postgres::Statement;
using postgres::Transaction;
using postgres::Value;
using Results = std::vector<Result>;

// The number of the last event. Divides by zero, which undoes it all, when it is another than $21:
// somebody else wrote before.
const Statement append_statement{
    "append",
    "SELECT seq / coalesce((seq = $21)::int, 1) FROM append_events($1, $2, $3, $4, $5, $6, $7,"
    " $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) AS seq"};
constexpr auto division_by_zero = "22012";
// In the order of their hashes, so that two that add the same contents wait in one direction only.
const Statement add_blobs{
    "add_blobs",
    "WITH fresh AS (SELECT * FROM unnest($2, $3, $4, $5) AS b(sha256, size, zstd, bytes)),"
    " added AS (INSERT INTO blobs(sha256, size, zstd, bytes) SELECT * FROM fresh"
    "  ON CONFLICT DO NOTHING)"
    " INSERT INTO blob_uses(run_uid, sha256) SELECT $1, sha256 FROM fresh ON CONFLICT DO NOTHING"};

const Statement share_contents{"share_contents",
                               "SELECT pg_advisory_xact_lock_shared(1400466762, 1)"};
const Statement import_state{
    "import_state",
    "INSERT INTO runs(run_uid, ns, name, attempt, execution, seq, link, ended, input_tokens,"
    " output_tokens, model_calls, tool_calls, imported)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true)"};
const Statement import_events{
    "import_events",
    "INSERT INTO events(run_uid, seq, attempt, execution, kind, version, subject, at_ms, prev,"
    " body_hash, body)"
    " SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};

// As events_in and its like read them.
#define EVENT_COLUMNS                                                                            \
  " e.run_uid, e.seq, e.attempt, e.execution, e.kind, e.version, e.at_ms, e.prev, e.body_hash, " \
  "e.body "
constexpr int event_columns = 10;
#define STATE_COLUMNS                                                               \
  " r.ns, r.name, r.attempt, r.execution, r.seq, r.link, r.ended, r.input_tokens, " \
  "r.output_tokens, r.model_calls, r.tool_calls, r.imported "
#define ENTRY_COLUMNS STATE_COLUMNS ", r.run_uid, r.number, b.at_ms "
#define JOIN_BEGIN " JOIN events b ON b.run_uid = r.run_uid AND b.seq = 0"

const Statement state_statement{"state", "SELECT" STATE_COLUMNS "FROM runs r WHERE run_uid = $1"};
const Statement events_statement{"events", "SELECT" EVENT_COLUMNS
                                           "FROM events e WHERE run_uid = $1 AND seq > $2"
                                           " ORDER BY seq LIMIT $3"};
const Statement event_statement{"event", "SELECT" EVENT_COLUMNS
                                         "FROM events e WHERE run_uid = $1 AND kind = $2"
                                         " AND subject = $3 ORDER BY seq DESC LIMIT 1"};
const Statement blobs_statement{
    "blobs", "SELECT sha256, size, zstd, bytes FROM blobs WHERE sha256 = ANY ($1)"};

const Statement consumers_statement{"consumers", "SELECT set_consumers($1)"};
const Statement positions_statement{"positions", "SELECT give_positions()"};
const Statement deliveries_statement{
    "deliveries",
    "SELECT" EVENT_COLUMNS
    ", h.position FROM consumers c"
    " LEFT JOIN LATERAL (SELECT * FROM history WHERE history.position > coalesce($2, c.position)"
    "  ORDER BY history.position LIMIT $3) h ON true"
    " LEFT JOIN events e ON e.run_uid = h.run_uid AND e.seq = h.seq"
    " WHERE c.name = $1 ORDER BY h.position"};
const Statement acknowledge_statement{
    "acknowledge", "UPDATE consumers SET position = greatest(position, $2) WHERE name = $1"};
const Statement erase_statement{"erase", "SELECT erase_run($1)"};
const Statement forget_statement{"forget", "SELECT forget_run($1)"};
const Statement listen_statement{"listen", cat("LISTEN ", news_channel)};
// A lock of the session's, of two halves: ours and the writer's number.
const Statement introduce_statement{"introduce",
                                    "SELECT pg_advisory_lock(1400466763, $1::bigint::integer)"};
const Statement writer_statement{
    "writer",
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1400466763 AND objid = $1::oid"
    " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"};
const Statement notify_statement{"notify", cat("SELECT pg_notify('", news_channel, "', $1)")};

const Statement runs_statement{
    "runs", "SELECT" ENTRY_COLUMNS "FROM runs r" JOIN_BEGIN
            " WHERE r.ns = $1 AND r.number < $2 ORDER BY r.number DESC LIMIT $3"};
const Statement named_runs_statement{"named_runs",
                                     "SELECT" ENTRY_COLUMNS "FROM runs r" JOIN_BEGIN
                                     " WHERE r.ns = $1 AND r.number < $2 AND r.name = $4"
                                     " ORDER BY r.number DESC LIMIT $3"};
const Statement ended_statement{
    "ended", "SELECT" ENTRY_COLUMNS "FROM events e JOIN runs r ON r.run_uid = e.run_uid" JOIN_BEGIN
             " WHERE e.kind = 'run.outcome' AND e.at_ms < $1 AND NOT r.imported"
             " ORDER BY e.at_ms, e.run_uid LIMIT $2"};
const Statement history_statement{
    "history", "SELECT" EVENT_COLUMNS
               ", h.position FROM history h"
               " JOIN events e ON e.run_uid = h.run_uid AND e.seq = h.seq"
               " WHERE h.ns = $1 AND h.position > $2 ORDER BY h.position LIMIT $3"};
const Statement position_statement{"position",
                                   "SELECT position FROM history WHERE ns = $1 AND at_ms < $2"
                                   " ORDER BY position DESC LIMIT 1"};

std::string raw(const std::string& hex) {
  auto bytes = base::parse_hex(hex);
  if (!bytes || bytes->size() != 32)
    throw Error(Code::invalid, cat("not the hex form of a SHA-256: ", base::clip(hex, 80)));
  return *bytes;
}

std::int64_t millis(base::Time time) { return time.time_since_epoch().count(); }
std::int64_t count(std::size_t number) { return static_cast<std::int64_t>(number); }

std::vector<Value> contents_of(const std::string& run, const std::vector<Batch::Blob>& blobs) {
  if (blobs.empty()) return {};
  std::map<std::string, const Batch::Blob*> by_name;
  for (const auto& blob : blobs) by_name.emplace(raw(blob.sha256), &blob);
  std::vector<std::string> names, contents;
  std::vector<std::int64_t> sizes;
  std::vector<bool> zstd;
  for (const auto& [name, blob] : by_name) {
    auto compressed = compress(blob->bytes);
    names.push_back(name);
    sizes.push_back(count(blob->bytes.size()));
    zstd.push_back(compressed.has_value());
    contents.push_back(compressed ? std::move(*compressed) : blob->bytes);
  }
  return {postgres::text(run), postgres::blobs(names), postgres::integers(sizes),
          postgres::booleans(zstd), postgres::blobs(contents)};
}

// What a batch adds to the sums; the server knows whether `calls` were allowed before.
struct Usage {
  Sums sums;
  std::map<std::string, bool> allowed;  // by call: the latest word of this batch
  std::vector<std::string> calls;
  std::vector<bool> allows;  // of each event

  void add(const Batch::NewEvent& fresh) {
    const Event event{.kind = fresh.kind, .version = fresh.version, .body = fresh.body};
    allows.push_back(false);
    if (fresh.kind == Kind::model_intent) ++sums.modelCalls;
    if (fresh.kind == Kind::model_outcome) {
      const auto usage = read<ModelOutcome>(event).usage;
      sums.inputTokens += usage.inputTokens;
      sums.outputTokens += usage.outputTokens;
    }
    if (fresh.kind != Kind::tool_intent) return;
    const bool allow = read<ToolIntent>(event).decision == protocol::Verdict::allow;
    const auto before = allowed.find(fresh.subject);
    if (allow && before == allowed.end())
      calls.push_back(fresh.subject);
    else if (allow && !before->second)
      ++sums.toolCalls;
    allowed[fresh.subject] = allow;
    allows.back() = allow;
  }
};

}  // namespace

PreparedBatch prepare(const Batch& batch, base::Time now, std::string batch_id) {
  if (batch.run.empty() || batch.events.empty())
    throw Error(Code::invalid, "an append needs a run and an event");
  RunBegun begun;
  if (batch.events.front().kind == Kind::run_begun)
    begun = schema::read<RunBegun>(base::parse_json(batch.events.front().body));
  std::vector<std::string> kinds, subjects, bodies, hashes;
  std::vector<std::int64_t> versions;
  Usage usage;
  for (const auto& fresh : batch.events) {
    kinds.emplace_back(schema::name(fresh.kind));
    versions.push_back(fresh.version);
    subjects.push_back(fresh.subject);
    bodies.push_back(fresh.body);
    hashes.push_back(io::sha256(fresh.body));
    usage.add(fresh);
  }
  using namespace postgres;
  return {
      .run = batch.run,
      .fixed = {text(batch.run), text(base::canonical(base::Json(std::string_view(batch.run)))),
                text(begun.ns), text(begun.name), integer(batch.fence.attempt),
                integer(batch.fence.execution), integer(millis(now)), blob(std::move(batch_id))},
      .events = {texts(kinds), integers(versions), texts(subjects), texts(bodies),
                 postgres::blobs(hashes), booleans(usage.allows), integer(usage.sums.inputTokens),
                 integer(usage.sums.outputTokens), integer(usage.sums.modelCalls),
                 integer(usage.sums.toolCalls), texts(usage.calls)},
      .last = integer(batch.after ? std::optional(*batch.after + count(batch.events.size()))
                                  : std::nullopt),
      .contents = contents_of(batch.run, batch.blobs)};
}

Transaction append_to(const PreparedBatch& batch, Try which) {
  std::vector<Value> values = batch.fixed;
  values.insert(values.end(), batch.events.begin(), batch.events.end());
  values.push_back(postgres::boolean(which == Try::again));
  values.push_back(batch.last);
  Transaction transaction{.key = batch.run};
  transaction.add(append_statement, std::move(values));
  if (!batch.contents.empty()) transaction.add(add_blobs, batch.contents);
  return transaction;
}

std::int64_t appended(const Results& results) { return results.front().integer(0, 0); }

bool is_not_last(const postgres::SqlError& error) { return error.sqlstate() == division_by_zero; }

Transaction import_to(const ImportedRun& run, const RunState& state) {
  using namespace postgres;
  const std::string& uid = run.events.front().run;
  std::vector<std::int64_t> seqs, attempts, executions, versions, times;
  std::vector<std::string> kinds, subjects, links, hashes, bodies;
  for (const Event& event : run.events) {
    seqs.push_back(event.seq);
    attempts.push_back(event.fence.attempt);
    executions.push_back(event.fence.execution);
    kinds.emplace_back(schema::name(event.kind));
    versions.push_back(event.version);
    subjects.push_back(subject_of(event));
    times.push_back(millis(event.at));
    links.push_back(raw(event.prev));
    hashes.push_back(raw(event.bodyHash));
    bodies.push_back(event.body);
  }
  Transaction transaction;
  transaction.add(share_contents)
      .add(import_state,
           {text(uid), text(state.ns), text(state.name), integer(state.fence.attempt),
            integer(state.fence.execution), integer(state.seq), blob(raw(state.link)),
            boolean(state.ended), integer(state.sums.inputTokens), integer(state.sums.outputTokens),
            integer(state.sums.modelCalls), integer(state.sums.toolCalls)})
      .add(import_events, {text(uid), integers(seqs), integers(attempts), integers(executions),
                           texts(kinds), integers(versions), texts(subjects), integers(times),
                           postgres::blobs(links), postgres::blobs(hashes), texts(bodies)});
  auto contents = contents_of(uid, run.blobs);
  if (!contents.empty()) transaction.add(add_blobs, std::move(contents));
  return transaction;
}

// ---- one run ----

namespace {

Event event_at(const Result& rows, std::size_t row) {
  const auto kind = schema::parse_name<Kind>(rows.text(row, 4));
  if (!kind)
    throw Error(Code::internal, cat("event ", rows.text(row, 0), "/", rows.integer(row, 1),
                                    " is of the unknown kind ", rows.text(row, 4)));
  return {.run = rows.text(row, 0),
          .seq = rows.integer(row, 1),
          .fence = {rows.integer(row, 2), rows.integer(row, 3)},
          .kind = *kind,
          .version = rows.integer(row, 5),
          .at = base::Time(std::chrono::milliseconds(rows.integer(row, 6))),
          .prev = base::hex(rows.text(row, 7)),
          .bodyHash = base::hex(rows.text(row, 8)),
          .body = rows.text(row, 9)};
}

RunState state_at(const Result& rows, std::size_t row) {
  return {.ns = rows.text(row, 0),
          .name = rows.text(row, 1),
          .fence = {rows.integer(row, 2), rows.integer(row, 3)},
          .seq = rows.integer(row, 4),
          .link = base::hex(rows.text(row, 5)),
          .sums = {rows.integer(row, 7), rows.integer(row, 8), rows.integer(row, 9),
                   rows.integer(row, 10)},
          .ended = rows.boolean(row, 6),
          .imported = rows.boolean(row, 11)};
}

}  // namespace

Transaction select_state(const std::string& run) {
  return Transaction().add(state_statement, {postgres::text(run)});
}

std::optional<RunState> state_in(const Results& results) {
  if (results.front().rows() == 0) return std::nullopt;
  return state_at(results.front(), 0);
}

Transaction select_events(const std::string& run, std::int64_t after, std::size_t limit) {
  return Transaction().add(events_statement, {postgres::text(run), postgres::integer(after),
                                              postgres::integer(count(limit))});
}

Transaction select_event(const std::string& run, Kind kind, const std::string& subject) {
  return Transaction().add(event_statement,
                           {postgres::text(run), postgres::text(std::string(schema::name(kind))),
                            postgres::text(subject)});
}

std::vector<Event> events_in(const Results& results) {
  std::vector<Event> events;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    events.push_back(event_at(results.front(), row));
  return events;
}

Transaction select_blobs(const std::vector<std::string>& sha256_hex) {
  std::vector<std::string> names;
  for (const auto& hex : sha256_hex) names.push_back(raw(hex));
  return Transaction().add(blobs_statement, {postgres::blobs(names)});
}

std::vector<std::string> blobs_in(const Results& results,
                                  const std::vector<std::string>& sha256_hex) {
  const Result& rows = results.front();
  std::map<std::string, std::string> by_name;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    std::string name = base::hex(rows.text(row, 0)), bytes = rows.text(row, 3);
    if (rows.boolean(row, 2))
      bytes = decompress(bytes, static_cast<std::size_t>(rows.integer(row, 1)));
    if (io::sha256_hex(bytes) != name)
      throw Error(Code::internal, cat("blob ", name, " is damaged"));
    by_name.emplace(std::move(name), std::move(bytes));
  }
  std::vector<std::string> contents;
  for (const auto& name : sha256_hex) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) throw Error(Code::not_found, cat("no blob ", name));
    contents.push_back(found->second);
  }
  return contents;
}

// ---- outbox ----

namespace {

std::vector<Delivery> deliveries_at(const Result& rows) {
  std::vector<Delivery> deliveries;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    if (!rows.is_null(row, event_columns))
      deliveries.push_back({rows.integer(row, event_columns), event_at(rows, row)});
  return deliveries;
}

}  // namespace

Transaction set_consumers(const std::vector<std::string>& consumers) {
  return Transaction().add(consumers_statement, {postgres::texts(consumers)});
}

Transaction select_deliveries(const std::string& consumer, std::optional<std::int64_t> after,
                              std::size_t limit) {
  return Transaction()
      .add(positions_statement)
      .add(deliveries_statement,
           {postgres::text(consumer), postgres::integer(after), postgres::integer(count(limit))});
}

std::vector<Delivery> deliveries_in(const Results& results, const std::string& consumer) {
  if (results.at(1).rows() == 0)
    throw Error(Code::not_found, "the outbox has no consumer " + consumer);
  return deliveries_at(results.at(1));
}

Transaction acknowledge_in(const std::string& consumer, std::int64_t position) {
  return Transaction().add(acknowledge_statement,
                           {postgres::text(consumer), postgres::integer(position)});
}

Transaction erase_in(const std::string& run) {
  return Transaction().add(erase_statement, {postgres::text(run)});
}

Transaction forget_in(const std::string& run) {
  return Transaction().add(forget_statement, {postgres::text(run)});
}

Transaction listen_for_news(std::int64_t writer) {
  return Transaction().add(listen_statement).add(introduce_statement, {postgres::integer(writer)});
}

Transaction look_for_writer(std::int64_t writer) {
  return Transaction().add(writer_statement, {postgres::integer(writer)});
}

bool is_at_work(const Results& results) { return results.front().rows() > 0; }

Transaction tell_news(const std::string& writer) {
  return Transaction().add(notify_statement, {postgres::text(writer)});
}

// ---- archive ----

Transaction select_runs(const RunFilter& filter, std::size_t limit) {
  const auto before = filter.before.value_or(std::numeric_limits<std::int64_t>::max());
  std::vector<Value> values{postgres::text(filter.ns), postgres::integer(before),
                            postgres::integer(count(limit))};
  if (filter.name.empty()) return Transaction().add(runs_statement, std::move(values));
  values.push_back(postgres::text(filter.name));
  return Transaction().add(named_runs_statement, std::move(values));
}

Transaction select_ended(base::Time before, std::size_t limit) {
  return Transaction().add(ended_statement,
                           {postgres::integer(millis(before)), postgres::integer(count(limit))});
}

std::vector<RunEntry> runs_in(const Results& results) {
  const Result& rows = results.front();
  std::vector<RunEntry> runs;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    runs.push_back({.run = rows.text(row, 12),
                    .number = rows.integer(row, 13),
                    .began = base::Time(std::chrono::milliseconds(rows.integer(row, 14))),
                    .state = state_at(rows, row)});
  return runs;
}

Transaction select_history(const std::string& ns, std::int64_t after, std::size_t limit) {
  return Transaction()
      .add(positions_statement)
      .add(history_statement,
           {postgres::text(ns), postgres::integer(after), postgres::integer(count(limit))});
}

std::vector<Delivery> history_in(const Results& results) { return deliveries_at(results.at(1)); }

Transaction select_position(const std::string& ns, base::Time before) {
  return Transaction()
      .add(positions_statement)
      .add(position_statement, {postgres::text(ns), postgres::integer(millis(before))});
}

std::int64_t position_in(const Results& results) {
  return results.at(1).rows() == 0 ? 0 : results.at(1).integer(0, 0);
}

}  // namespace journal
