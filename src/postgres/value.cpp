#include "postgres/value.h"

#include <libpq-fe.h>

#include "base/error.h"
#include "base/text.h"

namespace postgres {

namespace {

// From the catalogue pg_type; they never change.
enum Oid : unsigned {
  oid_bool = 16,
  oid_bytea = 17,
  oid_int8 = 20,
  oid_text = 25,
  oid_bool_array = 1000,
  oid_bytea_array = 1001,
  oid_int8_array = 1016,
  oid_text_array = 1009,
};

// Big-endian, as the wire has it.
template <class Number>
void put(std::string& out, Number number) {
  for (int shift = (sizeof number - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
}

std::string encode(std::int64_t number) {
  std::string out;
  put(out, number);
  return out;
}

std::string encode(bool value) { return {value ? '\1' : '\0'}; }
const std::string& encode(const std::string& bytes) { return bytes; }

// One dimension from 1, without NULLs (array_recv).
template <class Items>
Value array(unsigned type, unsigned item_type, const Items& items) {
  std::string out;
  put(out, std::int32_t{items.empty() ? 0 : 1});
  put(out, std::int32_t{0});
  put(out, static_cast<std::int32_t>(item_type));
  if (!items.empty()) {
    put(out, static_cast<std::int32_t>(items.size()));
    put(out, std::int32_t{1});
  }
  for (const auto& item : items) {
    const auto& bytes = encode(item);
    put(out, static_cast<std::int32_t>(bytes.size()));
    out += bytes;
  }
  return {type, std::move(out)};
}

}  // namespace

Value integer(std::int64_t number) { return {oid_int8, encode(number)}; }
Value integer(std::optional<std::int64_t> number) {
  return number ? integer(*number) : Value{oid_int8, std::nullopt};
}
Value boolean(bool value) { return {oid_bool, encode(value)}; }
Value text(std::string value) { return {oid_text, std::move(value)}; }
Value blob(std::string bytes) { return {oid_bytea, std::move(bytes)}; }
Value integers(const std::vector<std::int64_t>& items) {
  return array(oid_int8_array, oid_int8, items);
}
Value booleans(const std::vector<bool>& items) { return array(oid_bool_array, oid_bool, items); }
Value texts(const std::vector<std::string>& items) {
  return array(oid_text_array, oid_text, items);
}
Value blobs(const std::vector<std::string>& items) {
  return array(oid_bytea_array, oid_bytea, items);
}

std::size_t Result::rows() const { return static_cast<std::size_t>(PQntuples(result_.get())); }

std::int64_t Result::changes() const {
  return base::parse_int(PQcmdTuples(const_cast<pg_result*>(result_.get()))).value_or(0);
}

bool Result::is_null(std::size_t row, int column) const {
  return PQgetisnull(result_.get(), static_cast<int>(row), column) != 0;
}

bool Result::is_binary(int column) const { return PQfformat(result_.get(), column) == 1; }

std::string_view Result::raw(std::size_t row, int column) const {
  const int at = static_cast<int>(row);
  if (at >= PQntuples(result_.get()) || column >= PQnfields(result_.get()))
    throw base::Error(base::Code::internal, "a row or column that the answer does not have");
  return {PQgetvalue(result_.get(), at, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
}

std::int64_t Result::integer(std::size_t row, int column) const {
  const auto bytes = raw(row, column);
  if (!is_binary(column)) return base::parse_int(bytes).value_or(0);
  if (bytes.empty()) return 0;
  std::uint64_t number = (bytes.front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;  // the sign
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(number);
}

bool Result::boolean(std::size_t row, int column) const {
  const auto bytes = raw(row, column);
  return bytes == (is_binary(column) ? "\1" : "t");
}

std::string Result::text(std::size_t row, int column) const {
  return std::string(raw(row, column));
}

}  // namespace postgres
