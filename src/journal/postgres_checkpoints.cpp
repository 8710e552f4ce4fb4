#include "base/encoding.h"
#include "base/text.h"
#include "journal/postgres_tables.h"

namespace journal {

namespace {

using base::cat;
using postgres::Result;
using postgres::Statement;
using postgres::Transaction;
using Results = std::vector<Result>;

#define CHECKPOINT_COLUMNS " ns, number, at_ms, previous, size, root, key_id, signature "
#define HEAD_COLUMNS " run_uid, seq, link, forgotten "

const Statement namespaces_statement{"unsigned_namespaces",
                                     "SELECT DISTINCT ns FROM unsigned_heads ORDER BY ns"};
const Statement latest_statement{"latest_checkpoint",
                                 "SELECT" CHECKPOINT_COLUMNS
                                 "FROM checkpoints WHERE ns = $1 ORDER BY number DESC LIMIT 1"};
const Statement unsigned_statement{"unsigned_heads",
                                   "SELECT" HEAD_COLUMNS
                                   "FROM unsigned_heads WHERE ns = $1 ORDER BY run_uid LIMIT $2"};
const Statement add_key_statement{
    "add_key", "INSERT INTO audit_keys(id, pem) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
// Of two signers the second one finds the number taken.
const Statement add_checkpoint_statement{"add_checkpoint",
                                         "INSERT INTO checkpoints(" CHECKPOINT_COLUMNS
                                         ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
const Statement add_heads_statement{
    "add_heads",
    "WITH signed AS (SELECT * FROM unnest($3, $4, $5, $6) AS h(run_uid, seq, link, forgotten)),"
    " done AS (DELETE FROM unsigned_heads u USING signed s WHERE u.run_uid = s.run_uid"
    "  AND u.seq = s.seq AND u.forgotten = s.forgotten)"
    " INSERT INTO checkpoint_heads(ns, number," HEAD_COLUMNS ") SELECT $1, $2, * FROM signed"};
const Statement keys_statement{"audit_keys", "SELECT id, pem FROM audit_keys ORDER BY id"};
const Statement checkpoints_statement{
    "checkpoints", "SELECT" CHECKPOINT_COLUMNS
                   "FROM checkpoints WHERE ns = $1 AND number > $2 ORDER BY number LIMIT $3"};
const Statement heads_statement{"heads", "SELECT" HEAD_COLUMNS
                                         "FROM checkpoint_heads WHERE ns = $1 AND number = $2"
                                         " ORDER BY run_uid"};
const Statement numbers_statement{"numbers",
                                  "SELECT number FROM checkpoint_heads WHERE ns = $1"
                                  " AND run_uid = $2 ORDER BY number"};

std::string raw(const std::string& hex) { return base::parse_hex(hex).value(); }
std::int64_t count(std::size_t number) { return static_cast<std::int64_t>(number); }

std::vector<Checkpoint> checkpoints_at(const Result& rows) {
  std::vector<Checkpoint> checkpoints;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    checkpoints.push_back({.ns = rows.text(row, 0),
                           .number = rows.integer(row, 1),
                           .at = base::Time(std::chrono::milliseconds(rows.integer(row, 2))),
                           .previous = base::hex(rows.text(row, 3)),
                           .size = rows.integer(row, 4),
                           .root = base::hex(rows.text(row, 5)),
                           .key = base::hex(rows.text(row, 6)),
                           .signature = base::hex(rows.text(row, 7))});
  return checkpoints;
}

std::vector<Head> heads_at(const Result& rows) {
  std::vector<Head> heads;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    heads.push_back({rows.text(row, 0), rows.integer(row, 1), base::hex(rows.text(row, 2)),
                     rows.boolean(row, 3)});
  return heads;
}

}  // namespace

Transaction select_unsigned_namespaces() { return Transaction().add(namespaces_statement); }

std::vector<std::string> namespaces_in(const Results& results) {
  std::vector<std::string> names;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    names.push_back(results.front().text(row, 0));
  return names;
}

Transaction select_unsigned(const std::string& ns, std::size_t limit) {
  return Transaction()
      .add(latest_statement, {postgres::text(ns)})
      .add(unsigned_statement, {postgres::text(ns), postgres::integer(count(limit))});
}

Checkpoints::Unsigned unsigned_in(const Results& results) {
  auto latest = checkpoints_at(results.at(0));
  return {.latest = latest.empty() ? std::nullopt : std::optional(std::move(latest.front())),
          .heads = heads_at(results.at(1))};
}

Transaction add_checkpoint_to(const Checkpoint& checkpoint, const std::vector<Head>& heads,
                              const AuditKey& key) {
  std::vector<std::string> runs, links;
  std::vector<std::int64_t> seqs;
  std::vector<bool> forgotten;
  for (const Head& head : heads) {
    runs.push_back(head.run);
    seqs.push_back(head.seq);
    links.push_back(raw(head.link));
    forgotten.push_back(head.forgotten);
  }
  using namespace postgres;
  return Transaction()
      .add(add_key_statement, {blob(raw(key.id)), text(key.pem)})
      .add(add_checkpoint_statement,
           {text(checkpoint.ns), integer(checkpoint.number),
            integer(std::int64_t{checkpoint.at.time_since_epoch().count()}),
            blob(raw(checkpoint.previous)), integer(checkpoint.size), blob(raw(checkpoint.root)),
            blob(raw(checkpoint.key)), blob(raw(checkpoint.signature))})
      .add(add_heads_statement, {text(checkpoint.ns), integer(checkpoint.number), texts(runs),
                                 integers(seqs), blobs(links), booleans(forgotten)});
}

Transaction select_keys() { return Transaction().add(keys_statement); }

std::vector<AuditKey> keys_in(const Results& results) {
  std::vector<AuditKey> keys;
  const Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row)
    keys.push_back({base::hex(rows.text(row, 0)), rows.text(row, 1)});
  return keys;
}

Transaction select_checkpoints(const std::string& ns, std::int64_t after, std::size_t limit) {
  return Transaction().add(checkpoints_statement, {postgres::text(ns), postgres::integer(after),
                                                   postgres::integer(count(limit))});
}

std::vector<Checkpoint> checkpoints_in(const Results& results) {
  return checkpoints_at(results.front());
}

Transaction select_heads(const std::string& ns, std::int64_t number) {
  return Transaction().add(heads_statement, {postgres::text(ns), postgres::integer(number)});
}

std::vector<Head> heads_in(const Results& results) { return heads_at(results.front()); }

Transaction select_numbers(const std::string& ns, const std::string& run) {
  return Transaction().add(numbers_statement, {postgres::text(ns), postgres::text(run)});
}

std::vector<std::int64_t> numbers_in(const Results& results) {
  std::vector<std::int64_t> numbers;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    numbers.push_back(results.front().integer(row, 0));
  return numbers;
}

}  // namespace journal
