// One connection to one SQLite file of ours. One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "sqlite/statement.h"

struct sqlite3;

namespace sqlite {

// What a file is for. The application id keeps one kind from being opened as another; migration i
// brings the schema from version i to i + 1. Migrations are never edited, only added.
struct FileKind {
  std::string name;              // for messages: "journal"
  std::uint32_t application_id;  // four letters, as file(1) shows them
  std::vector<std::string> migrations;
};

enum class Access : unsigned char { read_only, read_write };

// The disk is full, or the file may not grow. A kind of its own because the writer waits for space.
class DiskFull : public base::Error {
 public:
  explicit DiskFull(const std::string& what) : Error(base::Code::unavailable, what) {}
};
// The disk does not do what it should: nothing of it can be relied on until a restart.
class DiskFailed : public base::Error {
 public:
  explicit DiskFailed(const std::string& what) : Error(base::Code::unavailable, what) {}
};

class Database {
 public:
  // Opens or (read_write) creates, with mode 0600, and migrates: WAL, synchronous=FULL, foreign
  // keys on, ten seconds of patience with other writers. Error(invalid) that says what to do when
  // the file is of another kind, no database at all, or of a newer schema.
  Database(const std::string& path, const FileKind&, Access);
  ~Database();
  Database(const Database&) = delete;

  Statement prepare(const std::string& sql);  // one statement; compiled once
  // prepare and bind in one; for a statement with rows, step() follows.
  template <class... Values>
  Statement query(const std::string& sql, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind(values...);
    return statement;
  }
  // A statement without rows.
  template <class... Values>
  void run(const std::string& sql, const Values&... values) {
    query(sql, values...).run();
  }
  void execute(const std::string& sql);  // any number of statements without parameters

  std::int64_t last_insert_id() const;
  std::int64_t changes() const;        // rows changed by the last statement
  std::int64_t total_changes() const;  // since the connection was opened
  bool in_transaction() const;
  // Copies the write-ahead log into the file and empties it; false when a reader keeps it.
  bool checkpoint();
  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  [[noreturn]] void fail(int answer, std::string_view doing) const;
  void open(Access);
  void check_kind(const FileKind&);
  void migrate(const FileKind&);
  std::int64_t pragma(const std::string& name);
  void close();

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::multimap<std::string, sqlite3_stmt*> idle_;
};

}  // namespace sqlite
