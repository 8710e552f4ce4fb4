#include "sqlite/statement.h"

#include <sqlite3.h>

#include <utility>

#include "base/text.h"
#include "sqlite/database.h"

namespace sqlite {

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(std::move(other.sql_)),
      handle_(std::exchange(other.handle_, nullptr)) {}

Statement::~Statement() {
  if (!handle_) return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  database_->idle_.emplace(std::move(sql_), handle_);
}

void Statement::check(int answer, std::string_view doing) {
  if (answer != SQLITE_OK) database_->fail(answer, base::cat(doing, " ", sql_));
}

void Statement::reset() { sqlite3_reset(handle_); }
void Statement::put_null(int at) { check(sqlite3_bind_null(handle_, at), "binding"); }
void Statement::put_integer(int at, std::int64_t value) {
  check(sqlite3_bind_int64(handle_, at, value), "binding");
}
void Statement::put_text(int at, std::string_view value) {
  check(sqlite3_bind_text64(handle_, at, value.data() ? value.data() : "", value.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8),
        "binding");
}
void Statement::put_blob(int at, std::string_view value) {
  check(sqlite3_bind_blob64(handle_, at, value.data() ? value.data() : "", value.size(),
                            SQLITE_TRANSIENT),
        "binding");
}

bool Statement::step() {
  const int answer = sqlite3_step(handle_);
  if (answer == SQLITE_ROW) return true;
  if (answer == SQLITE_DONE) return false;
  database_->fail(answer, sql_);
}

void Statement::run() {
  while (step()) {}
}

Statement& Statement::row() {
  if (!step()) throw base::Error(base::Code::internal, sql_ + ": no row");
  return *this;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes ? std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size)) : "";
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::optional<std::int64_t> Statement::find_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

std::optional<std::string> Statement::find_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return text(column);
}

}  // namespace sqlite
