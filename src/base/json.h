// The one JSON tree of the program, and what is done with trees everywhere.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace base {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

// RFC 8259 text → tree. Nesting ≤ 64. Throws Error(invalid) that names the place: "line 3, column
// 7: …".
Json parse_json(std::string_view text);
std::string to_text(const Json&);

// Looks along keys: find(j, {"status", "phase"}). Null when a step is absent or not an object.
const Json* find(const Json&, std::initializer_list<std::string_view> path);
// The same with a kind: nothing when absent or of another kind.
std::optional<std::string> find_string(const Json&, std::initializer_list<std::string_view> path);
std::optional<std::int64_t> find_int(const Json&, std::initializer_list<std::string_view> path);
std::optional<bool> find_bool(const Json&, std::initializer_list<std::string_view> path);
// Text at a path or "".
std::string text_at(const Json&, std::initializer_list<std::string_view> path);
// Makes objects along the way; returns the place.
Json& ensure(Json&, std::initializer_list<std::string_view> path);

// RFC 7386 JSON merge patch, in place.
void merge_patch(Json& target, const Json& patch);
// The merge patch that turns `from` into `to` ({} when equal).
Json merge_diff(const Json& from, const Json& to);
// JSON pointer (RFC 6901) to the first place where they differ, in canonical order of keys; "" when
// they differ as a whole, nothing when they are equal.
std::optional<std::string> first_difference(const Json&, const Json&);

// RFC 8785 canonical text: sorted keys (by UTF-16 code units), shortest numbers, no spaces.
std::string canonical(const Json&);

}  // namespace base
