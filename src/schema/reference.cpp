#include "schema/reference.h"

#include "base/text.h"
#include "schema/format.h"
#include "schema/walk.h"

namespace schema {

using base::cat;

namespace {

void list_below(const Type& type, const std::string& path, std::vector<Entry>& out);

void list_below(const Struct& s, const std::string& path, std::vector<Entry>& out) {
  for (const Field& field : s.fields) {
    std::string here = path.empty() ? std::string(field.name) : cat(path, ".", field.name);
    out.push_back({here, &field});
    list_below(*field.type, here, out);
  }
}

void list_below(const Type& type, const std::string& path, std::vector<Entry>& out) {
  const Type& t = bare(type);
  if (t.form == Form::object) list_below(*t.object, path, out);
  if (t.form == Form::list) list_below(*t.element, path + "[]", out);
  if (t.form == Form::map) list_below(*t.element, path + "{}", out);
}

std::string rules_of(const Rule& rule) {
  std::vector<std::string> out;
  if (rule.required) out.push_back("required");
  if (!rule.immutable_once.empty())
    out.push_back(cat("immutable once `", rule.immutable_once, "` is set"));
  if (rule.value.kind != Default::none)
    out.push_back(cat("default `", base::to_text(to_json(rule.value)), "`"));
  if (rule.min) out.push_back(cat("≥ ", *rule.min));
  if (rule.max) out.push_back(cat("≤ ", *rule.max));
  if (rule.min_length == 1) out.push_back("not empty");
  if (rule.min_length > 1) out.push_back(cat("length ≥ ", rule.min_length));
  if (rule.max_length) out.push_back(cat("length ≤ ", rule.max_length));
  if (rule.format != Format::none) out.push_back(std::string(expected(rule.format)));
  if (rule.list == ListType::set) out.push_back("no duplicates");
  if (rule.list == ListType::map) {
    std::string keys;
    for (auto key : rule.keys)
      if (!key.empty()) keys += cat(keys.empty() ? "`" : ", `", key, "`");
    out.push_back(cat("unique by ", keys));
  }
  return base::join(out, "; ");
}

// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|' || c == '<') out += '\\';
    out += c;
  }
  return out;
}

std::string_view use_name(Use use) {
  switch (use) {
    case Use::honoured: return "honoured";
    case Use::inert: return "inert";
    case Use::refused: return "refused";
    case Use::undeclared: break;
  }
  return "";
}

bool contains_objects(const Type& type) {
  const Type& t = bare(type);
  if (t.form == Form::object) return true;
  return (t.form == Form::list || t.form == Form::map) && contains_objects(*t.element);
}

void table_of(std::string& out, const Struct& s, std::string_view title) {
  out +=
      cat("\n## ", title, "\n\n| Field | Type | Rules | Use | Meaning |\n|---|---|---|---|---|\n");
  for (const Entry& entry : list_fields(s)) {
    const Field& field = *entry.field;
    out += cat("| `", title, ".", entry.path, "` | ", cell(type_name(*field.type)), " | ",
               cell(rules_of(field.rule)), " | ", use_name(field.rule.use), " | ", cell(field.doc),
               " |\n");
  }
}

}  // namespace

std::vector<Entry> list_fields(const Struct& s) {
  std::vector<Entry> out;
  list_below(s, {}, out);
  return out;
}

std::string type_name(const Type& type) {
  switch (type.form) {
    case Form::string: return "string";
    case Form::integer: return "integer";
    case Form::boolean: return "boolean";
    case Form::number: return "number";
    case Form::time: return "time";
    case Form::micro_time: return "time (µs)";
    case Form::quantity: return "quantity";
    case Form::int_or_string: return "integer or string";
    case Form::json: return "anything";
    case Form::json_object:
    case Form::object: return "object";
    case Form::optional: return type_name(*type.element);
    case Form::list: return cat("[]", type_name(*type.element));
    case Form::map: return cat("map of ", type_name(*type.element));
    case Form::enumeration: {
      std::string out;
      for (auto name : type.names)
        if (!name.empty()) out += cat(out.empty() ? "" : " | ", name);
      return out;
    }
  }
  return "";
}

std::string reference(const KindInfo& kind) {
  std::string out = cat("# ", kind.kind, "\n\n", kind.doc, "\n\n");
  out += cat("`apiVersion: ", kind.api_version(), "` · plural `", kind.plural, "`");
  for (auto name : kind.short_names) out += cat(" · short `", name, "`");
  for (auto name : kind.categories) out += cat(" · category `", name, "`");
  out += kind.scope == Scope::namespaced ? " · namespaced" : " · of the cluster";
  out +=
      "\n\nUse: **honoured** does what its meaning says; **inert** is accepted with a warning;\n"
      "**refused** is an error that names the field, unless it says no more than its default.\n";
  for (const Field& field : kind.table->fields)
    if (field.name != "metadata" && contains_objects(*field.type))
      table_of(out, *bare(*field.type).object, field.name);
  return out;
}

}  // namespace schema
