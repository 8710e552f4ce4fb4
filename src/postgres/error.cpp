#include "postgres/error.h"

#include <string_view>

namespace postgres {

namespace {

using base::Code;

// Exact codes first, then their classes; PostgreSQL's documentation, appendix A.
struct Row {
  std::string_view prefix;
  Code code;
};
constexpr Row rows[] = {
    {"23505", Code::exists},       // unique_violation
    {"40001", Code::conflict},     // serialization_failure
    {"P0002", Code::not_found},    // no_data_found
    {"25006", Code::unavailable},  // read_only_sql_transaction
    {"42501", Code::denied},       // insufficient_privilege
    {"55P03", Code::unavailable},  // lock_not_available
    {"57014", Code::unavailable},  // query_canceled: a time limit of the server
    {"58030", Code::unavailable},  // io_error
    {"08", Code::unavailable},     // connection exceptions
    {"22", Code::invalid},         // data exceptions
    {"23", Code::invalid},         // constraints
    {"28", Code::denied},          // authorization
    {"3D", Code::invalid},         // no such database
    {"40", Code::unavailable},     // rolled back: deadlock
    {"53", Code::unavailable},     // no room: disk, memory, connections
    {"57", Code::unavailable},     // shutting down, crashed, starting up
};

Code code_of(std::string_view sqlstate) {
  for (const Row& row : rows)
    if (sqlstate.starts_with(row.prefix)) return row.code;
  return Code::internal;
}

}  // namespace

SqlError::SqlError(std::string sqlstate, const std::string& what)
    : Error(code_of(sqlstate), what), sqlstate_(std::move(sqlstate)) {}

}  // namespace postgres
