#include "schema/schema.h"
#include "schema/walk.h"

namespace schema {

namespace json = boost::json;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

class Decoder {
 public:
  explicit Decoder(Unknown unknown) : unknown_(unknown) {}

  void object(const Struct& table, void* out, const Json& in, const Path& at) {
    auto members = in.if_object();
    if (!members) return wrong(at, "object", in);
    Cursor cursor(table);
    for (const auto& [key, value] : *members) {
      const Path below{&at, key};
      const Field* field = cursor.find(key);
      if (!field) {
        if (unknown_ == Unknown::refuse) say(below, "unknown field");
        continue;
      }
      if (!value.is_null()) read(*field->type, member(table, *field, out), value, below);
    }
    for (const Field& field : table.fields)
      if (field.rule.required && is_absent(*members, field.name))
        say(Path{&at, field.name}, "is required");
  }

  base::Issues issues;

 private:
  void say(const Path& at, std::string text) { issues.push_back({at.text(), std::move(text)}); }
  void wrong(const Path& at, std::string_view wanted, const Json& got) {
    say(at, wrong_type(wanted, got));
  }

  void read(const Type& type, void* out, const Json& in, const Path& at) {
    switch (type.form) {
      case Form::string:
        if (auto text = in.if_string())
          static_cast<std::string*>(out)->assign(text->data(), text->size());
        else
          wrong(at, "string", in);
        return;
      case Form::integer:
        if (auto number = in.if_int64())
          *static_cast<std::int64_t*>(out) = *number;
        else
          wrong(at, "integer", in);
        return;
      case Form::boolean:
        if (auto flag = in.if_bool())
          *static_cast<bool*>(out) = *flag;
        else
          wrong(at, "boolean", in);
        return;
      case Form::number:
        if (in.is_number())
          *static_cast<double*>(out) = in.to_number<double>();
        else
          wrong(at, "number", in);
        return;
      case Form::time:
      case Form::micro_time: return read_time(type, out, in, at);
      case Form::quantity: return read_quantity(out, in, at);
      case Form::int_or_string: {
        auto& value = static_cast<base::IntOrString*>(out)->value;
        if (auto number = in.if_int64())
          value = *number;
        else if (auto text = in.if_string())
          value = std::string(*text);
        else
          wrong(at, "integer or string", in);
        return;
      }
      case Form::json: *static_cast<Json*>(out) = in; return;
      case Form::json_object:
        if (auto members = in.if_object())
          *static_cast<JsonObject*>(out) = *members;
        else
          wrong(at, "object", in);
        return;
      case Form::enumeration: return read_enumeration(type, out, in, at);
      case Form::optional: return read(*type.element, type.add(out, {}), in, at);
      case Form::list:
        if (auto elements = in.if_array()) {
          type.clear(out);
          std::size_t index = 0;
          for (const Json& element : *elements) {
            const Path below{&at, {}, index++};
            read(*type.element, type.add(out, {}), element, below);
          }
        } else {
          wrong(at, "array", in);
        }
        return;
      case Form::map:
        if (auto members = in.if_object()) {
          type.clear(out);
          for (const auto& [key, element] : *members)
            read(*type.element, type.add(out, key), element, Path{&at, key});
        } else {
          wrong(at, "object", in);
        }
        return;
      case Form::object: return object(*type.object, out, in, at);
    }
  }

  void read_time(const Type& type, void* out, const Json& in, const Path& at) {
    auto text = in.if_string();
    if (!text) return wrong(at, "string", in);
    auto time = base::parse_time(*text);
    if (!time) return say(at, "is not an RFC 3339 time such as 2026-01-02T03:04:05Z");
    if (type.form == Form::micro_time)
      *static_cast<base::MicroTime*>(out) = *time;
    else
      *static_cast<base::Time*>(out) = std::chrono::floor<std::chrono::milliseconds>(*time);
  }

  void read_quantity(void* out, const Json& in, const Path& at) {
    std::optional<base::Quantity> quantity;
    if (auto text = in.if_string())
      quantity = base::Quantity::parse(*text);
    else if (in.is_int64())
      quantity = base::Quantity::of(in.get_int64());
    else if (in.is_double())
      quantity = base::Quantity::parse(base::to_text(in));
    else
      return wrong(at, "quantity", in);
    if (quantity)
      *static_cast<base::Quantity*>(out) = *quantity;
    else
      say(at, "is not a quantity such as 250m or 1Gi");
  }

  void read_enumeration(const Type& type, void* out, const Json& in, const Path& at) {
    auto text = in.if_string();
    if (!text) return wrong(at, "string", in);
    for (std::size_t i = 0; i < type.names.size(); ++i)
      if (type.names[i] == std::string_view(*text)) {
        *static_cast<std::uint8_t*>(out) = static_cast<std::uint8_t>(i);
        return;
      }
    say(at, unsupported(*text, type.names));
  }

  Unknown unknown_;
};

bool is_empty(const Type& type, const void* in) {
  switch (type.form) {
    case Form::string: return static_cast<const std::string*>(in)->empty();
    case Form::integer: return *static_cast<const std::int64_t*>(in) == 0;
    case Form::boolean: return !*static_cast<const bool*>(in);
    case Form::number: return *static_cast<const double*>(in) == 0;
    case Form::time: return static_cast<const base::Time*>(in)->time_since_epoch().count() == 0;
    case Form::micro_time:
      return static_cast<const base::MicroTime*>(in)->time_since_epoch().count() == 0;
    case Form::json: return static_cast<const Json*>(in)->is_null();
    case Form::json_object: return static_cast<const JsonObject*>(in)->empty();
    case Form::enumeration: return type.names[*static_cast<const std::uint8_t*>(in)].empty();
    case Form::list:
    case Form::map:
    case Form::optional: return type.size(in) == 0;
    default: return false;
  }
}

Json write(const Type&, const void*);

JsonObject write_object(const Struct& table, const void* in) {
  JsonObject out;
  out.reserve(table.fields.size());
  for (const Field& field : table.fields) {
    const void* at = member(table, field, in);
    const bool always = field.rule.required || field.rule.value.kind != Default::none;
    if (field.type->form == Form::optional ? is_empty(*field.type, at)
                                           : !always && is_empty(*field.type, at))
      continue;
    Json value = write(*field.type, at);
    // An object that says nothing is nothing.
    if (!always && field.type->form == Form::object && value.get_object().empty()) continue;
    out.emplace(field.name, std::move(value));
  }
  return out;
}

Json write(const Type& type, const void* in) {
  struct Into {
    const Type& element;
    Json out;
  };
  switch (type.form) {
    case Form::string: return Json(*static_cast<const std::string*>(in));
    case Form::integer: return *static_cast<const std::int64_t*>(in);
    case Form::boolean: return *static_cast<const bool*>(in);
    case Form::number: return *static_cast<const double*>(in);
    case Form::time: return Json(base::format_time(*static_cast<const base::Time*>(in)));
    case Form::micro_time:
      return Json(base::format_micro_time(*static_cast<const base::MicroTime*>(in)));
    case Form::quantity: return Json(static_cast<const base::Quantity*>(in)->format());
    case Form::int_or_string:
      return std::visit([](const auto& value) { return Json(value); },
                        static_cast<const base::IntOrString*>(in)->value);
    case Form::json: return *static_cast<const Json*>(in);
    case Form::json_object: return *static_cast<const JsonObject*>(in);
    case Form::enumeration: return Json(type.names[*static_cast<const std::uint8_t*>(in)]);
    case Form::object: return write_object(*type.object, in);
    case Form::optional: {
      Into into{*type.element, {}};
      type.each(in, &into, [](void* c, std::string_view, const void* element) {
        auto& to = *static_cast<Into*>(c);
        to.out = write(to.element, element);
      });
      return std::move(into.out);
    }
    case Form::list: {
      Into into{*type.element, JsonArray()};
      type.each(in, &into, [](void* c, std::string_view, const void* element) {
        auto& to = *static_cast<Into*>(c);
        to.out.get_array().push_back(write(to.element, element));
      });
      return std::move(into.out);
    }
    case Form::map: {
      Into into{*type.element, JsonObject()};
      type.each(in, &into, [](void* c, std::string_view key, const void* element) {
        auto& to = *static_cast<Into*>(c);
        to.out.get_object().emplace(key, write(to.element, element));
      });
      return std::move(into.out);
    }
  }
  return {};
}

}  // namespace

base::Issues decode(const Struct& table, void* out, const Json& in, Unknown unknown,
                    std::string_view path) {
  Decoder decoder(unknown);
  decoder.object(table, out, in, Path{nullptr, path});
  return std::move(decoder.issues);
}

Json encode(const Struct& table, const void* in) { return write_object(table, in); }

}  // namespace schema
