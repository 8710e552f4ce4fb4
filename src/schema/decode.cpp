#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "schema/format.h"
#include "schema/kind.h"
#include "schema/validate.h"
#include "schema/walk.h"

namespace schema {

using base::cat;
using base::Json;

namespace {

enum class Rules : bool { skip, check };

constexpr std::size_t issues_max = 100;  // nobody reads more, and a tree may hold millions

std::string_view word(const Json& json) {
  switch (json.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "boolean";
    case boost::json::kind::string: return "string";
    case boost::json::kind::object: return "object";
    case boost::json::kind::array: return "array";
    case boost::json::kind::double_: return "number";
    default: return "integer";
  }
}

std::string quoted(std::string_view text) {
  std::string_view shown = base::clip(text, 60);
  return cat("\"", shown, shown.size() < text.size() ? "…\"" : "\"");
}

// The integer that a JSON number is; 5.0 is one.
std::optional<std::int64_t> integer_of(const Json& json) {
  if (auto whole = json.if_int64()) return *whole;
  auto real = json.if_double();
  if (!real || std::trunc(*real) != *real || std::fabs(*real) > 9007199254740992.0) return {};
  return std::int64_t(*real);
}

// One walk over a tree and its table: fills a struct (unless there is none) and collects issues.
class Reader {
 public:
  Reader(Unknown unknown, Rules rules) : unknown_(unknown), rules_(rules) {}

  void object(const Struct& s, void* out, const Json& json, const Path& at) {
    auto members = json.if_object();
    if (!members) return wrong(at, "object", json);
    std::uint64_t seen = 0;
    std::size_t hint = 0;
    for (const auto& member : *members) {
      if (has_enough()) return;
      Path here{&at, member.key()};
      const Field* field = find_field(s, member.key(), hint);
      if (!field) {
        if (is_type_meta(s, member.key()))
          type_meta(*s.kind, member.key(), member.value(), here);
        else if (unknown_ == Unknown::refuse)
          say(here, "unknown field");
        continue;
      }
      if (member.value().is_null() && !field->rule.nullable && !takes_null(*field->type)) continue;
      seen |= std::uint64_t(1) << (field - s.fields.begin());
      if (checks() && field->rule.use == Use::refused &&
          !is_default(*field->type, field->rule, member.value())) {
        say(here, "is not supported by this version; remove it");
        continue;
      }
      value(*field->type, out ? static_cast<char*>(out) + s.offset(*field) : nullptr,
            member.value(), here, field->rule);
    }
    for (const Field& field : s.fields)
      if (field.rule.required && !(seen >> (&field - s.fields.begin()) & 1))
        say(Path{&at, field.name}, "is required");
  }

  base::Issues take() { return std::move(issues_); }

 private:
  static bool takes_null(const Type& type) { return type.form == Form::json; }
  bool checks() const { return rules_ == Rules::check; }
  bool has_enough() const { return issues_.size() > issues_max; }
  void say(const Path& at, std::string message) {
    if (has_enough()) return;
    if (issues_.size() == issues_max)
      issues_.push_back({"", "and there is more"});
    else
      issues_.push_back({at.str(), std::move(message)});
  }
  void wrong(const Path& at, std::string_view wanted, const Json& got) {
    say(at, cat("must be of type ", wanted, ", not ", word(got)));
  }

  void type_meta(const KindInfo& kind, std::string_view key, const Json& json, const Path& at) {
    std::string wanted = key == "kind" ? std::string(kind.kind) : kind.api_version();
    if (!json.is_string())
      wrong(at, "string", json);
    else if (json.get_string() != wanted)
      say(at, cat("must be ", wanted, ", not ", quoted(json.get_string())));
  }

  template <class T>
  static void put(void* out, T value) {
    if (out) *static_cast<T*>(out) = std::move(value);
  }

  void value(const Type& type, void* out, const Json& json, const Path& at, const Rule& rule) {
    switch (type.form) {
      case Form::string: return text(out, json, at, rule);
      case Form::integer: return integer(out, json, at, rule);
      case Form::boolean:
        if (!json.is_bool()) return wrong(at, "boolean", json);
        return put(out, json.get_bool());
      case Form::number:
        if (!json.is_number()) return wrong(at, "number", json);
        return put(out, json.to_number<double>());
      case Form::time:
      case Form::micro_time: return time(type, out, json, at);
      case Form::quantity: return quantity(out, json, at);
      case Form::int_or_string:
        if (json.is_string()) return put(out, base::IntOrString{std::string(json.get_string())});
        if (auto number = integer_of(json)) return put(out, base::IntOrString{*number});
        return wrong(at, "integer or string", json);
      case Form::json: return put(out, json);
      case Form::json_object:
        if (!json.is_object()) return wrong(at, "object", json);
        return put(out, json.get_object());
      case Form::enumeration: return enumeration(type, out, json, at);
      case Form::object: return object(*type.object, out, json, at);
      case Form::optional:
        if (json.is_null()) return;
        return value(*type.element, out ? type.add(out, {}) : nullptr, json, at, rule);
      case Form::list: return list(type, out, json, at, rule);
      case Form::map:
        if (!json.is_object()) return wrong(at, "object", json);
        if (out) type.clear(out);
        for (const auto& member : json.get_object()) {
          if (has_enough()) return;
          value(*type.element, out ? type.add(out, member.key()) : nullptr, member.value(),
                Path{&at, member.key()}, rule);
        }
        return;
    }
  }

  void text(void* out, const Json& json, const Path& at, const Rule& rule) {
    if (!json.is_string()) return wrong(at, "string", json);
    std::string_view text = json.get_string();
    if (out) static_cast<std::string*>(out)->assign(text);
    if (!checks()) return;
    if (text.size() < std::size_t(rule.min_length))
      say(at, rule.min_length == 1 ? "must not be empty"
                                   : cat("must have at least ", rule.min_length, " characters"));
    else if (rule.max_length && text.size() > std::size_t(rule.max_length))
      say(at, cat("must have at most ", rule.max_length, " characters, not ", text.size()));
    else if (!matches(rule.format, text))
      say(at, cat(quoted(text), " is not valid; write ", expected(rule.format)));
  }

  void integer(void* out, const Json& json, const Path& at, const Rule& rule) {
    auto number = integer_of(json);
    if (!number) {
      if (json.is_uint64()) return say(at, "is too large for a 64-bit integer");
      return wrong(at, "integer", json);
    }
    put(out, *number);
    if (!checks()) return;
    if (rule.min && *number < *rule.min) say(at, cat(*number, " is less than ", *rule.min));
    if (rule.max && *number > *rule.max) say(at, cat(*number, " is more than ", *rule.max));
  }

  void time(const Type& type, void* out, const Json& json, const Path& at) {
    if (!json.is_string()) return wrong(at, "string", json);
    auto moment = base::parse_time(json.get_string());
    if (!moment)
      return say(at, cat(quoted(json.get_string()),
                         " is not an RFC 3339 time; write 2026-01-02T03:04:05Z"));
    if (type.form == Form::micro_time) return put(out, *moment);
    put(out, std::chrono::floor<base::Time::duration>(*moment));
  }

  void quantity(void* out, const Json& json, const Path& at) {
    std::optional<base::Quantity> amount;
    if (json.is_string())
      amount = base::Quantity::parse(json.get_string());
    else if (json.is_number())
      amount = base::Quantity::parse(base::to_text(json));
    else
      return wrong(at, "quantity", json);
    if (!amount)
      return say(at, cat(json.is_string() ? quoted(json.get_string()) : base::to_text(json),
                         " is not a quantity; write 500m, 2 or 128Mi"));
    put(out, *amount);
  }

  void enumeration(const Type& type, void* out, const Json& json, const Path& at) {
    if (!json.is_string()) return wrong(at, "string", json);
    auto found = std::ranges::find(type.names, std::string_view(json.get_string()));
    if (found != type.names.end()) return put(out, std::uint8_t(found - type.names.begin()));
    std::string allowed;
    for (auto name : type.names)
      if (!name.empty()) allowed += cat(allowed.empty() ? "" : ", ", name);
    say(at, cat("unsupported value ", quoted(json.get_string()), "; use one of: ", allowed));
  }

  void list(const Type& type, void* out, const Json& json, const Path& at, const Rule& rule) {
    auto elements = json.if_array();
    if (!elements) return wrong(at, "array", json);
    if (out) type.clear(out);
    Rule each = rule;
    each.min_length = each.max_length = 0;  // these count the elements
    each.list = ListType::atomic;
    for (std::size_t i = 0; i < elements->size() && !has_enough(); ++i)
      value(*type.element, out ? type.add(out, {}) : nullptr, (*elements)[i], Path{&at, {}, i},
            each);
    if (!checks()) return;
    if (elements->size() < std::size_t(rule.min_length))
      say(at, cat("must have at least ", rule.min_length,
                  rule.min_length == 1 ? " element" : " elements"));
    if (rule.max_length && elements->size() > std::size_t(rule.max_length))
      say(at, cat("must have at most ", rule.max_length, " elements, not ", elements->size()));
    if (rule.list != ListType::atomic) duplicates(*elements, at, rule);
  }

  void duplicates(const base::JsonArray& elements, const Path& at, const Rule& rule) {
    std::map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      std::string key;
      if (rule.list == ListType::set) {
        key = base::to_text(elements[i]);
      } else {
        for (auto name : rule.keys)
          if (auto part = name.empty() ? nullptr : base::find(elements[i], {name}))
            key += cat(key.empty() ? "" : ", ", name, " ", base::to_text(*part));
        if (key.empty()) continue;
      }
      auto [earlier, is_new] = first.emplace(key, i);
      if (!is_new)
        say(Path{&at, {}, i},
            cat("is a duplicate of [", earlier->second, "]: ", base::clip(key, 256)));
    }
  }

  Unknown unknown_;
  Rules rules_;
  base::Issues issues_;
};

}  // namespace

base::Issues decode(const Struct& s, void* out, const Json& json, Unknown unknown,
                    std::string_view path) {
  Reader reader(unknown, Rules::skip);
  reader.object(s, out, json, Path{nullptr, path});
  return reader.take();
}

base::Issues validate(const Struct& s, const Json& json, Unknown unknown, std::string_view path) {
  Reader reader(unknown, Rules::check);
  reader.object(s, nullptr, json, Path{nullptr, path});
  return reader.take();
}

}  // namespace schema
