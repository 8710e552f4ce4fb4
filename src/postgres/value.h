// What goes to a statement and what comes back, in PostgreSQL's binary form.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace postgres {

// A parameter of the type bigint, boolean, text or bytea, an array of these, or NULL of one.
struct Value {
  unsigned type = 0;                 // its OID
  std::optional<std::string> bytes;  // nothing: NULL
};

Value integer(std::int64_t);
Value integer(std::optional<std::int64_t>);
Value boolean(bool);  // NOLINT: a value, not a switch
Value text(std::string);
Value blob(std::string);
Value integers(const std::vector<std::int64_t>&);
Value booleans(const std::vector<bool>&);
Value texts(const std::vector<std::string>&);
Value blobs(const std::vector<std::string>&);

// A statement, prepared once per connection under its name.
struct Statement {
  std::string name;
  std::string sql;  // parameters $1, $2, …
};

// The rows that a statement gave. Columns and rows from 0; NULL reads as 0 or "".
class Result {
 public:
  explicit Result(std::shared_ptr<const pg_result> rows) : result_(std::move(rows)) {}

  std::size_t rows() const;
  std::int64_t changes() const;  // rows inserted, updated or deleted
  bool is_null(std::size_t row, int column) const;
  std::int64_t integer(std::size_t row, int column) const;  // any integer type
  bool boolean(std::size_t row, int column) const;
  std::string text(std::size_t row, int column) const;  // also the bytes of a bytea

 private:
  std::string_view raw(std::size_t row, int column) const;
  bool is_binary(int column) const;
  std::shared_ptr<const pg_result> result_;
};

}  // namespace postgres
