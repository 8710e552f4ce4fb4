#include "schema/kind.h"
#include "schema/schema.h"

namespace schema {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

Json value_of(const Type&, const void*);

// Whether leaving it out says the same.
bool is_empty(const Type& type, const void* p) {
  switch (type.form) {
    case Form::string: return static_cast<const std::string*>(p)->empty();
    case Form::integer: return *static_cast<const std::int64_t*>(p) == 0;
    case Form::boolean: return !*static_cast<const bool*>(p);
    case Form::number: return *static_cast<const double*>(p) == 0;
    case Form::time: return static_cast<const base::Time*>(p)->time_since_epoch().count() == 0;
    case Form::micro_time:
      return static_cast<const base::MicroTime*>(p)->time_since_epoch().count() == 0;
    case Form::quantity: return static_cast<const base::Quantity*>(p)->is_zero();
    case Form::int_or_string: return false;
    case Form::json: return static_cast<const Json*>(p)->is_null();
    case Form::json_object: return static_cast<const JsonObject*>(p)->empty();
    case Form::enumeration: return type.names[*static_cast<const std::uint8_t*>(p)].empty();
    case Form::object:
      for (const Field& field : type.object->fields)
        if (field.rule.required || field.rule.value.kind != Default::none ||
            !is_empty(*field.type, static_cast<const char*>(p) + type.object->offset(field)))
          return false;
      return true;
    case Form::list:
    case Form::map:
    case Form::optional: return type.size(p) == 0;
  }
  return false;
}

JsonObject object_of(const Struct& s, const void* in) {
  JsonObject out;
  out.reserve(s.fields.size() + (s.kind ? 2 : 0));
  if (s.kind) {
    out.emplace("apiVersion", s.kind->api_version());
    out.emplace("kind", s.kind->kind);
  }
  for (const Field& field : s.fields) {
    auto member = static_cast<const char*>(in) + s.offset(field);
    // A default is written, so that a member whose empty value differs from it can be told.
    bool written = field.rule.required || (field.rule.value.kind != Default::none);
    if (written || !is_empty(*field.type, member))
      out.emplace(field.name, value_of(*field.type, member));
  }
  return out;
}

Json text(std::string_view text) { return Json(boost::json::string_view(text)); }

Json value_of(const Type& type, const void* p) {
  switch (type.form) {
    case Form::string: return text(*static_cast<const std::string*>(p));
    case Form::integer: return *static_cast<const std::int64_t*>(p);
    case Form::boolean: return *static_cast<const bool*>(p);
    case Form::number: return *static_cast<const double*>(p);
    case Form::time: return text(base::format_time(*static_cast<const base::Time*>(p)));
    case Form::micro_time:
      return text(base::format_micro_time(*static_cast<const base::MicroTime*>(p)));
    case Form::quantity: return text(static_cast<const base::Quantity*>(p)->format());
    case Form::int_or_string: {
      const auto& value = static_cast<const base::IntOrString*>(p)->value;
      if (auto number = std::get_if<std::int64_t>(&value)) return *number;
      return text(std::get<std::string>(value));
    }
    case Form::json: return *static_cast<const Json*>(p);
    case Form::json_object: return *static_cast<const JsonObject*>(p);
    case Form::enumeration: return text(type.names[*static_cast<const std::uint8_t*>(p)]);
    case Form::object: return object_of(*type.object, p);
    case Form::optional: {
      struct Context {
        const Type& element;
        Json out;
      } context{*type.element, nullptr};
      type.each(p, &context, [](void* c, std::string_view, const void* element) {
        auto& to = *static_cast<Context*>(c);
        to.out = value_of(to.element, element);
      });
      return std::move(context.out);
    }
    case Form::list: {
      struct Context {
        const Type& element;
        JsonArray out;
      } context{*type.element, {}};
      context.out.reserve(type.size(p));
      type.each(p, &context, [](void* c, std::string_view, const void* element) {
        auto& to = *static_cast<Context*>(c);
        to.out.push_back(value_of(to.element, element));
      });
      return std::move(context.out);
    }
    case Form::map: {
      struct Context {
        const Type& element;
        JsonObject out;
      } context{*type.element, {}};
      context.out.reserve(type.size(p));
      type.each(p, &context, [](void* c, std::string_view key, const void* element) {
        auto& to = *static_cast<Context*>(c);
        to.out.emplace(key, value_of(to.element, element));
      });
      return std::move(context.out);
    }
  }
  return nullptr;
}

}  // namespace

Json encode(const Struct& s, const void* in) { return object_of(s, in); }

}  // namespace schema
