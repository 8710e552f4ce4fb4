#include "apiserver/object_log.h"

namespace apiserver {

namespace {

constexpr std::int64_t changes_kept = 16'384;  // in the file; the newest is always there
constexpr std::int64_t compact_every = 1'024;

const sqlite::FileKind& file_kind() {
  static const sqlite::FileKind kind{
      "objects",
      0x73796f62,  // "syob"
      {"CREATE TABLE objects(storage TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, "
       "body TEXT NOT NULL, PRIMARY KEY(storage, ns, name)) WITHOUT ROWID;"
       // What follows an object's `before` is the `before` of its next change, or its body.
       "CREATE TABLE changes(version INTEGER PRIMARY KEY, type INTEGER NOT NULL, "
       "storage TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL, before TEXT NOT NULL, "
       "last TEXT NOT NULL);"}};
  return kind;
}

void store(sqlite::Database& database, const Record& record) {
  const auto& key = record.key;
  bool removed = record.type == ChangeType::deleted;
  if (removed) {
    database.run("DELETE FROM objects WHERE storage = ? AND ns = ? AND name = ?", key.storage,
                 key.ns, key.name);
  } else {
    database.run(
        "INSERT INTO objects(storage, ns, name, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET body = excluded.body",
        key.storage, key.ns, key.name, record.after);
  }
  database.run(
      "INSERT INTO changes(version, type, storage, ns, name, before, last) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      record.version, int(record.type), key.storage, key.ns, key.name, record.before,
      removed ? record.after : "");
  if (record.version % compact_every == 0)
    database.run("DELETE FROM changes WHERE version <= ?", record.version - changes_kept);
}

}  // namespace

SqliteObjectLog::SqliteObjectLog(io::Loop& loop, base::Clock& clock, std::string path)
    : path_(std::move(path)), writer_(loop, clock, path_, file_kind()) {}

History SqliteObjectLog::load() {
  sqlite::Database database(path_, file_kind(), sqlite::Access::read_only);
  History history;
  auto objects = database.query("SELECT storage, ns, name, body FROM objects");
  while (objects.step())
    history.objects.push_back({{objects.text(0), objects.text(1), objects.text(2)},
                               0,
                               ChangeType::added,
                               "",
                               objects.text(3)});
  auto changes = database.query(
      "SELECT version, type, storage, ns, name, before, last FROM changes ORDER BY version");
  while (changes.step())
    history.changes.push_back({{changes.text(2), changes.text(3), changes.text(4)},
                               changes.integer(0),
                               ChangeType(changes.integer(1)),
                               changes.text(5),
                               changes.text(6)});
  // Versions begin at 1: "0" means "any" to clients.
  history.version = history.changes.empty() ? 1 : history.changes.back().version;
  history.lost = history.changes.empty() ? 0 : history.changes.front().version - 1;
  return history;
}

io::Task<> SqliteObjectLog::append(Record record) {
  auto job = [record = std::move(record)](sqlite::Database& database) { store(database, record); };
  co_await writer_.write(std::move(job));
}

}  // namespace apiserver
