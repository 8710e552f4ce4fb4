#include "sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>

#include <cerrno>

#include "base/text.h"
#include "io/file.h"

namespace sqlite {

namespace {

using base::cat;
using base::Code;
using base::Error;

constexpr int patience_ms = 10'000;

bool lacks_space(int answer, int system_error) {
  return (answer & 0xff) == SQLITE_FULL || system_error == ENOSPC || system_error == EDQUOT;
}

Code code_of(int answer) {
  switch (answer & 0xff) {
    case SQLITE_CONSTRAINT:
      return answer == SQLITE_CONSTRAINT_UNIQUE || answer == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? Code::exists
                 : Code::invalid;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN: return Code::unavailable;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return Code::denied;
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG: return Code::invalid;
    default: return Code::internal;
  }
}

}  // namespace

Database::Database(const std::string& path, const FileKind& kind, Access access) : path_(path) {
  try {
    open(access);
    check_kind(kind);
    if (access == Access::read_only) {
      if (pragma("user_version") != static_cast<std::int64_t>(kind.migrations.size()))
        throw Error(Code::unavailable, path + " has not been migrated by its writer yet");
    } else {
      // FULL: the log is synced at each commit. The log's file is cut to this size when it is
      // reset.
      if (query("PRAGMA journal_mode = WAL").row().text(0) != "wal")
        throw Error(Code::unavailable, path + ": this file system cannot hold a write-ahead log");
      execute(
          "PRAGMA synchronous = FULL;"
          "PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON");
      migrate(kind);
    }
    execute("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
  } catch (...) {
    close();
    throw;
  }
}

Database::~Database() { close(); }

void Database::close() {
  for (auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  idle_.clear();
  sqlite3_close(handle_);
  handle_ = nullptr;
}

void Database::open(Access access) {
  // Ours alone, whatever the umask says; the log beside it is made with the same mode.
  if (access == Access::read_write)
    io::Fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  const int flags = access == Access::read_only ? SQLITE_OPEN_READONLY
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int answer = sqlite3_open_v2(path_.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (!handle_) throw std::bad_alloc();
  sqlite3_extended_result_codes(handle_, 1);
  if (answer != SQLITE_OK) fail(answer, "opening");
  sqlite3_busy_timeout(handle_, patience_ms);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

void Database::check_kind(const FileKind& kind) {
  const auto id = static_cast<std::uint32_t>(pragma("application_id"));
  const auto version = pragma("user_version");
  const bool fresh =
      id == 0 && version == 0 && query("SELECT count(*) FROM sqlite_schema").row().integer(0) == 0;
  const auto newest = static_cast<std::int64_t>(kind.migrations.size());
  if (!fresh && id != kind.application_id)
    throw Error(Code::invalid, cat(path_, " is a database of something else, not a ", kind.name,
                                   " file: move it away or choose another folder"));
  if (version > newest)
    throw Error(Code::invalid,
                cat(path_, " has schema version ", version, ", this program knows ", newest,
                    " at most: use the program that wrote it or a newer one"));
}

void Database::migrate(const FileKind& kind) {
  const auto newest = static_cast<std::int64_t>(kind.migrations.size());
  if (pragma("user_version") == newest) return;
  execute("BEGIN IMMEDIATE");
  // Somebody else may have come first.
  for (auto version = pragma("user_version"); version < newest; ++version)
    execute(kind.migrations[static_cast<std::size_t>(version)]);
  execute(cat("PRAGMA application_id = ", kind.application_id));
  execute(cat("PRAGMA user_version = ", newest));
  execute("COMMIT");
}

std::int64_t Database::pragma(const std::string& name) {
  return query("PRAGMA " + name).row().integer(0);
}

Statement Database::prepare(const std::string& sql) {
  if (auto idle = idle_.find(sql); idle != idle_.end()) {
    sqlite3_stmt* statement = idle->second;
    idle_.erase(idle);
    return Statement(*this, sql, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int answer = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (answer != SQLITE_OK) fail(answer, sql);
  return Statement(*this, sql, statement);
}

void Database::execute(const std::string& sql) {
  const int answer = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (answer != SQLITE_OK) fail(answer, sql);
}

void Database::fail(int answer, std::string_view doing) const {
  const int system_error = (answer & 0xff) == SQLITE_IOERR || (answer & 0xff) == SQLITE_CANTOPEN
                               ? sqlite3_system_errno(handle_)
                               : 0;
  const std::string what = cat(path_, ": ", base::clip(doing, 200), ": ");
  if (lacks_space(answer, system_error)) throw DiskFull(what + "disk full");
  if ((answer & 0xff) == SQLITE_NOTADB)
    throw Error(Code::invalid, path_ + " is no database: move it away or choose another folder");
  const std::string words = what + sqlite3_errmsg(handle_);
  if ((answer & 0xff) == SQLITE_IOERR || (answer & 0xff) == SQLITE_CORRUPT) throw DiskFailed(words);
  throw Error(code_of(answer), words);
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }
std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }
std::int64_t Database::total_changes() const { return sqlite3_total_changes64(handle_); }
bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool Database::checkpoint() {
  return query("PRAGMA wal_checkpoint(TRUNCATE)").row().integer(0) == 0;
}

}  // namespace sqlite
