// The tables of our kinds against what they say of each field: a refused one is an error that names
// it, an inert one a warning, and neither says anything as long as it holds its default.
#include <gtest/gtest.h>

#include <functional>

#include "base/text.h"
#include "objects/kinds.h"
#include "schema/validate.h"

namespace objects {
namespace {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using schema::Default;
using schema::Field;
using schema::Form;
using schema::Rule;
using schema::Struct;
using schema::Type;
using schema::Use;

const Type& bare(const Type& type) {
  return type.form == Form::optional ? bare(*type.element) : type;
}

std::string_view text_of(schema::Format format) {
  switch (format) {
    case schema::Format::go_duration: return "7s";
    case schema::Format::http_url: return "http://127.0.0.1";
    default: return "x";
  }
}

Json value_of(const Field&);

// All that is required.
JsonObject needed_of(const Struct& s) {
  JsonObject out;
  for (const Field& field : s.fields)
    if (field.rule.required) out[field.name] = value_of(field);
  return out;
}

// A value that is not the default and follows the field's rules.
Json value_of(const Type& type, const Rule& rule) {
  const Type& t = bare(type);
  const bool is_on = rule.value.kind == Default::boolean && rule.value.number;
  switch (t.form) {
    case Form::boolean: return !is_on;
    case Form::integer: return rule.value.number + 7;
    case Form::number: return 0.5;
    case Form::enumeration: return Json(boost::json::string_view(t.names.back()));
    case Form::time:
    case Form::micro_time: return "2026-01-02T03:04:05Z";
    case Form::quantity: return "7";
    case Form::json:
    case Form::json_object: return JsonObject{{"x", 1}};
    case Form::list: return JsonArray{value_of(*t.element, rule)};
    case Form::map: return JsonObject{{"x", value_of(*t.element, rule)}};
    case Form::object: {
      JsonObject out = needed_of(*t.object);
      const Field& first = *t.object->fields.begin();
      if (out.empty()) out[first.name] = value_of(first);
      return out;
    }
    default: return Json(boost::json::string_view(text_of(rule.format)));
  }
}
Json value_of(const Field& field) { return value_of(*field.type, field.rule); }

// Calls f(path, field, put) for each field of this use that lies below no other such field. put(v)
// gives the whole object with `v` there, and beside it only what is required.
using Put = std::function<Json(Json)>;
using Visit = std::function<void(const std::string& path, const Field&, const Put&)>;

void visit(const Struct& s, Use use, const std::string& path, const Put& put, const Visit& f) {
  for (const Field& field : s.fields) {
    const std::string here = path.empty() ? std::string(field.name) : cat(path, ".", field.name);
    const Put put_here = [&](Json value) {
      JsonObject object = needed_of(s);
      object[field.name] = std::move(value);
      return put(std::move(object));
    };
    if (field.rule.use == use) {
      f(here, field, put_here);
      continue;
    }
    if (field.rule.use == Use::refused) continue;
    const Type& t = bare(*field.type);
    const Type& element = t.element ? bare(*t.element) : t;
    if (t.form == Form::object)
      visit(*t.object, use, here, put_here, f);
    else if (t.form == Form::list && element.object)
      visit(
          *element.object, use, here + "[0]",
          [&](Json value) { return put_here(JsonArray{std::move(value)}); }, f);
  }
}

void visit(
    Use use,
    const std::function<void(const KindInfo&, const std::string&, const Field&, const Put&)>& f) {
  for (const KindInfo* kind : own_kinds())
    visit(
        *kind->table, use, "", [](Json whole) { return whole; },
        [&](const std::string& path, const Field& field, const Put& put) {
          f(*kind, path, field, put);
        });
}

Json default_of(const Field& field) {
  const Default& value = field.rule.value;
  if (value.kind == Default::text) return Json(boost::json::string_view(value.string));
  if (value.kind == Default::boolean) return value.number != 0;
  if (value.kind == Default::integer) return value.number;
  return nullptr;
}

TEST(RefusedFields, AreAnErrorThatNamesThem) {
  int fields = 0;
  visit(Use::refused,
        [&](const KindInfo& kind, const std::string& path, const Field& field, const Put& put) {
          ++fields;
          EXPECT_EQ(base::format(schema::validate(*kind.table, put(value_of(field)))),
                    path + ": is not supported by this version; remove it")
              << kind.kind;
        });
  EXPECT_GT(fields, 50);
}

TEST(RefusedFields, AreFineWithTheirDefault) {
  visit(Use::refused,
        [](const KindInfo& kind, const std::string& path, const Field& field, const Put& put) {
          EXPECT_EQ(base::format(schema::validate(*kind.table, put(default_of(field)))), "")
              << kind.kind << " " << path;
        });
}

TEST(InertFields, AreAWarningThatNamesThemAndNoError) {
  visit(Use::inert, [](const KindInfo& kind, const std::string& path, const Field& field,
                       const Put& put) {
    const Json object = put(value_of(field));
    EXPECT_EQ(base::format(schema::warnings(*kind.table, object)), path + ": has no effect here")
        << kind.kind;
    EXPECT_EQ(base::format(schema::validate(*kind.table, object)), "") << kind.kind << " " << path;
    EXPECT_TRUE(schema::warnings(*kind.table, put(nullptr)).empty()) << kind.kind << " " << path;
  });
}

}  // namespace
}  // namespace objects
