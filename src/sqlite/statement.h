// One prepared statement: bind, step, read columns.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

struct sqlite3_stmt;

namespace sqlite {

class Database;

// Binds bytes as a BLOB; plain text is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

// Handed out by Database::prepare and given back, reset, at its end. Must not outlive its database.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // All parameters in order: integers, text, Blob, std::optional of these (nothing: NULL), nullptr.
  // The bytes are copied. Starts the statement anew.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int at = 0;
    (bind_one(++at, values), ...);
    return *this;
  }

  // Moves to the next row; false at the end. Throws Error: exists (a key is taken), unavailable
  // (disk full, busy), internal.
  bool step();
  // For statements without rows: steps to the end.
  void run();
  // The one row of a statement that always has one.
  Statement& row();

  // Columns of the current row, from 0. NULL reads as 0 or "".
  std::int64_t integer(int column) const;
  std::string text(int column) const;  // also the bytes of a BLOB
  bool is_null(int column) const;
  std::optional<std::int64_t> find_integer(int column) const;  // nothing for NULL
  std::optional<std::string> find_text(int column) const;

 private:
  friend class Database;
  Statement(Database& database, std::string sql, sqlite3_stmt* handle)
      : database_(&database), sql_(std::move(sql)), handle_(handle) {}

  template <class V>
  void bind_one(int at, const V& value) {
    if constexpr (std::is_same_v<V, std::nullptr_t>)
      put_null(at);
    else if constexpr (std::is_integral_v<V>)
      put_integer(at, static_cast<std::int64_t>(value));
    else if constexpr (std::is_same_v<V, Blob>)
      put_blob(at, value.bytes);
    else
      put_text(at, std::string_view(value));
  }
  template <class V>
  void bind_one(int at, const std::optional<V>& value) {
    if (value)
      bind_one(at, *value);
    else
      put_null(at);
  }
  void reset();
  void put_null(int at);
  void put_integer(int at, std::int64_t);
  void put_text(int at, std::string_view);
  void put_blob(int at, std::string_view);
  void check(int answer, std::string_view doing);

  Database* database_;
  std::string sql_;
  sqlite3_stmt* handle_;
};

}  // namespace sqlite
