// Field tables: a struct that travels says once, in one statement, what its fields are called, what
// rules they follow and what they mean. Codec, defaults, validation, OpenAPI, CRD and reference
// follow from that statement.
//
//   struct ModelRef {                                    // in the header
//     std::string provider;
//     std::int64_t timeout = 30;
//     static const schema::Struct table;
//   };
//   constexpr Struct ModelRef::table{"ModelRef", &room<ModelRef>, {        // in the .cpp
//       {"provider", &ModelRef::provider, required | honoured, "Provider id: openai, …"},
//       {"timeout", &ModelRef::timeout, by_default(30) | honoured, "Seconds."},
//   }};
//
// Members are std::string, std::int64_t, bool, double, base::Time, base::MicroTime, base::Quantity,
// base::IntOrString, base::Json (anything), base::JsonObject (any object), one-byte enums that have
// names(), other structs with a table, and std::vector, std::map<std::string, …>, std::optional of
// these. At most 64 fields per struct. What a member holds when absent is its C++ initialiser,
// which says the same as by_default.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/json.h"
#include "base/quantity.h"
#include "base/time.h"

namespace schema {

struct Struct;
struct KindInfo;  // schema/kind.h

// ---- what C++ types are on the wire ----

enum class Form : std::uint8_t {
  string,
  integer,
  boolean,
  number,
  time,
  micro_time,
  quantity,
  int_or_string,
  json,
  json_object,
  enumeration,
  object,
  list,
  map,
  optional,
};

// What one C++ type can do; one constant per type, never per field. The containers' functions work
// on a type-erased container.
struct Type {
  Form form;
  const Type* element = nullptr;                 // list, map, optional
  const Struct* object = nullptr;                // object
  std::span<const std::string_view> names = {};  // enumeration
  // Adds an element (list), the element of a key (map), the value (optional) and returns its place.
  void* (*add)(void*, std::string_view key) = nullptr;
  std::size_t (*size)(const void*) = nullptr;
  void (*clear)(void*) = nullptr;
  using Visit = void (*)(void* context, std::string_view key, const void* element);
  void (*each)(const void*, void* context, Visit) = nullptr;
};
template <class T>
extern const Type type;

// The texts of an enum, in the order of its values; a first text "" means "not set" and is not
// written. Declared beside the enum, found by its namespace:
//   constexpr schema::Names names(Cleanup) { return {"delete", "keep"}; }
struct Names {
  std::array<std::string_view, 40> text{};
  std::size_t count = 0;
  consteval Names(std::initializer_list<std::string_view> list) {
    for (auto name : list) text[count++] = name;
  }
};
template <class E>
inline constexpr Names names_of = names(E{});
template <class E>
  requires std::is_enum_v<E>
std::string_view name(E value) {
  return names_of<E>.text[static_cast<std::uint8_t>(value)];
}
template <class E>
std::optional<E> parse_name(std::string_view text) {
  for (std::size_t i = 0; i < names_of<E>.count; ++i)
    if (names_of<E>.text[i] == text) return static_cast<E>(i);
  return {};
}

// ---- rules ----

// What the platform does with a field that a user sets.
enum class Use : std::uint8_t {
  undeclared,  // does not compile
  honoured,    // it does what its doc says
  inert,       // accepted with a warning: on one node it is vacuously true
  refused,     // setting it to anything but its default is an error that names it
};

// Texts with a form; checked by us and, as a pattern, by every API server.
enum class Format : std::uint8_t {
  none,
  dns_label,      // RFC 1123 label, at most 63
  dns_subdomain,  // RFC 1123 subdomain, at most 253
  go_duration,    // 90s, 10m, 1h30m; not negative
  http_url,       // http:// or https:// and a host
  tool_name,      // ^[a-z][a-z0-9_]*$
  env_name,       // ^[A-Za-z_][A-Za-z0-9_]*$
};

enum class ListType : std::uint8_t { atomic, set, map };

struct Default {
  enum : std::uint8_t { none, text, integer, boolean } kind = none;
  std::string_view string;
  std::int64_t number = 0;

  constexpr Default() = default;
  constexpr Default(const char* value) : kind(text), string(value) {}
  constexpr Default(bool value) : kind(boolean), number(value) {}
  constexpr Default(int value) : kind(integer), number(value) {}
  constexpr Default(std::int64_t value) : kind(integer), number(value) {}
};

struct Rule {
  Use use = Use::undeclared;
  bool required = false;
  bool nullable = false;  // null is a value and is kept
  // A path from the same struct: once there is something at it, the field cannot be changed.
  std::string_view immutable_once = {};
  Default value = {};
  std::optional<std::int64_t> min = {}, max = {};  // of an integer
  std::int32_t min_length = 0;                     // bytes of a text, elements of a list
  std::int32_t max_length = 0;                     // 0: no limit
  Format format = Format::none;                    // of a text, or of each text of a list
  ListType list = ListType::atomic;
  std::array<std::string_view, 2> keys = {};  // of a list map; unused ones are empty

  constexpr Rule operator|(const Rule& other) const {
    Rule out = *this;
    if (other.use != Use::undeclared) out.use = other.use;
    out.required |= other.required;
    out.nullable |= other.nullable;
    if (!other.immutable_once.empty()) out.immutable_once = other.immutable_once;
    if (other.value.kind != Default::none) out.value = other.value;
    if (other.min) out.min = other.min;
    if (other.max) out.max = other.max;
    if (other.min_length) out.min_length = other.min_length;
    if (other.max_length) out.max_length = other.max_length;
    if (other.format != Format::none) out.format = other.format;
    if (other.list != ListType::atomic) {
      out.list = other.list;
      out.keys = other.keys;
    }
    return out;
  }
};

inline constexpr Rule honoured{.use = Use::honoured}, inert{.use = Use::inert},
    refused{.use = Use::refused}, required{.required = true}, nullable{.nullable = true},
    unique{.list = ListType::set};
constexpr Rule by_default(Default value) { return {.value = value}; }
constexpr Rule at_least(std::int64_t n) { return {.min = n}; }
constexpr Rule at_most(std::int64_t n) { return {.max = n}; }
constexpr Rule min_length(std::int32_t n) { return {.min_length = n}; }
constexpr Rule max_length(std::int32_t n) { return {.max_length = n}; }
constexpr Rule immutable_once(std::string_view path) { return {.immutable_once = path}; }
constexpr Rule formatted(Format format) { return {.format = format}; }
constexpr Rule keyed_by(std::string_view key, std::string_view second = {}) {
  return {.list = ListType::map, .keys = {key, second}};
}

// ---- tables ----

// Room for an S in which none is ever made: a member's address in it, minus its own, is the offset.
template <class S>
union Room {
  char none;
  S s;
  constexpr Room() : none() {}
  constexpr ~Room() {}
};
template <class S>
inline constexpr Room<S> room{};

struct Field {
  std::string_view name;
  const Type* type;
  const void* at;    // the member's place in `room`
  const void* room;  // of the member's struct
  Rule rule;
  std::string_view doc;  // for the user of the API: units, allowed values, default

  template <class S, class T>
  consteval Field(const char* field_name, T S::* member, Rule field_rule, const char* field_doc)
      : name(field_name),
        type(&schema::type<T>),
        at(&(schema::room<S>.s.*member)),
        room(&schema::room<S>),
        rule(field_rule),
        doc(field_doc) {
    if (rule.use == Use::undeclared) throw "say what is done with it: honoured, inert or refused";
  }
};

struct Struct {
  std::string_view name;
  const void* room;
  std::initializer_list<Field> fields;
  const KindInfo* kind = nullptr;  // a whole object: apiVersion and kind stand in front

  std::size_t offset(const Field& field) const {
    return std::size_t(static_cast<const char*>(field.at) - static_cast<const char*>(room));
  }
};

// ---- JSON ↔ structs ----

enum class Unknown : bool { ignore, refuse };

// Fills `out` as far as `json` allows and returns everything wrong with it: wrong types, unknown
// enum texts, missing required fields, and unknown fields if refused. Null counts as absent.
// `path` is put in front of the issues' paths.
base::Issues decode(const Struct&, void* out, const base::Json& json, Unknown = Unknown::ignore,
                    std::string_view path = {});
// Leaves out what is empty ("", 0, false, no elements, an object with nothing in it) unless it is
// required or has a default. An optional that holds an empty value is written.
base::Json encode(const Struct&, const void* in);

template <class S>
base::Issues decode(S& out, const base::Json& json, Unknown unknown = Unknown::ignore,
                    std::string_view path = {}) {
  return decode(S::table, static_cast<void*>(&out), json, unknown, path);
}
template <class S>
base::Json encode(const S& in) {
  return encode(S::table, static_cast<const void*>(&in));
}
// The S that `json` describes, unknown fields ignored; Error(invalid) with every issue.
template <class S>
S read(const base::Json& json) {
  S out;
  if (auto issues = decode(out, json); !issues.empty())
    throw base::Error(base::Code::invalid,
                      std::string(S::table.name) + ": " + base::format(issues));
  return out;
}

// ---- the Type of each C++ type ----

namespace detail {

template <class T>
struct Maker;

template <class T>
struct Maker<std::vector<T>> {
  static_assert(!std::is_same_v<T, bool>, "elements of std::vector<bool> have no address");
  using V = std::vector<T>;
  static constexpr Type make() {
    return {.form = Form::list,
            .element = &type<T>,
            .add = [](void* p, std::string_view) -> void* {
              return &static_cast<V*>(p)->emplace_back();
            },
            .size = [](const void* p) { return static_cast<const V*>(p)->size(); },
            .clear = [](void* p) { static_cast<V*>(p)->clear(); },
            .each =
                [](const void* p, void* context, Type::Visit visit) {
                  for (const auto& element : *static_cast<const V*>(p))
                    visit(context, {}, &element);
                }};
  }
};

template <class T>
struct Maker<std::map<std::string, T>> {
  using V = std::map<std::string, T>;
  static constexpr Type make() {
    return {.form = Form::map,
            .element = &type<T>,
            .add = [](void* p, std::string_view key) -> void* {
              return &(*static_cast<V*>(p))[std::string(key)];
            },
            .size = [](const void* p) { return static_cast<const V*>(p)->size(); },
            .clear = [](void* p) { static_cast<V*>(p)->clear(); },
            .each =
                [](const void* p, void* context, Type::Visit visit) {
                  for (const auto& [key, element] : *static_cast<const V*>(p))
                    visit(context, key, &element);
                }};
  }
};

template <class T>
struct Maker<std::optional<T>> {
  using V = std::optional<T>;
  static constexpr Type make() {
    return {
        .form = Form::optional,
        .element = &type<T>,
        .add = [](void* p, std::string_view) -> void* { return &static_cast<V*>(p)->emplace(); },
        .size = [](const void* p) -> std::size_t { return static_cast<const V*>(p)->has_value(); },
        .clear = [](void* p) { static_cast<V*>(p)->reset(); },
        .each =
            [](const void* p, void* context, Type::Visit visit) {
              if (const auto& value = *static_cast<const V*>(p)) visit(context, {}, &*value);
            }};
  }
};

template <class T>
  requires requires { T::table; }
struct Maker<T> {
  static constexpr Type make() { return {.form = Form::object, .object = &T::table}; }
};

template <class E>
  requires std::is_enum_v<E>
struct Maker<E> {
  static_assert(sizeof(E) == 1, "enums of tables are one byte");
  static constexpr Type make() {
    return {.form = Form::enumeration,
            .names = std::span(names_of<E>.text.data(), names_of<E>.count)};
  }
};

}  // namespace detail

template <class T>
inline constexpr Type type = detail::Maker<T>::make();
template <>
inline constexpr Type type<std::string> = {Form::string};
template <>
inline constexpr Type type<std::int64_t> = {Form::integer};
template <>
inline constexpr Type type<bool> = {Form::boolean};
template <>
inline constexpr Type type<double> = {Form::number};
template <>
inline constexpr Type type<base::Time> = {Form::time};
template <>
inline constexpr Type type<base::MicroTime> = {Form::micro_time};
template <>
inline constexpr Type type<base::Quantity> = {Form::quantity};
template <>
inline constexpr Type type<base::IntOrString> = {Form::int_or_string};
template <>
inline constexpr Type type<base::Json> = {Form::json};
template <>
inline constexpr Type type<base::JsonObject> = {Form::json_object};

}  // namespace schema
