#include "cli/manifest.h"

#include "base/encoding.h"
#include "base/text.h"
#include "kube/yaml.h"
#include "objects/kinds.h"
#include "policy/admission.h"
#include "schema/validate.h"

namespace cli {

using base::cat;
using base::Json;

namespace {

// Steps of a path: "spec.skills[1].name" → spec, skills, [1], name.
std::vector<std::string> steps_of(std::string_view path) {
  std::vector<std::string> steps;
  while (!path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    auto end = path.front() == '[' ? path.find(']') + 1 : path.find_first_of(".[");
    end = std::min(end == 0 ? path.size() : end, path.size());
    steps.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return steps;
}

struct Line {
  std::size_t indent;  // of its key; of the dash's content for "- key:"
  bool dash;
  std::size_t dash_indent;
  std::string_view text;  // without indent and dash
};

Line read_line(std::string_view line) {
  std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  Line read{indent, false, indent, line.substr(indent)};
  if (read.text == "-" || read.text.starts_with("- ")) {
    const auto content = std::min(read.text.find_first_not_of(' ', 1), read.text.size());
    read = {indent + content, true, indent, read.text.substr(content)};
  }
  return read;
}

bool is_key(std::string_view text, std::string_view key) {
  for (std::string_view quote : {"", "\"", "'"})
    if (text.starts_with(cat(quote, key, quote, ":"))) return true;
  return false;
}

void move_string_data(Json& secret) {
  Json* plain = secret.get_object().if_contains("stringData");
  if (!plain) return;
  if (plain->is_object()) {
    Json& data = base::ensure(secret, {"data"});
    if (data.is_null()) data.emplace_object();
    plain = secret.get_object().if_contains("stringData");
    for (const auto& [key, value] : plain->get_object())
      if (value.is_string() && data.is_object())
        data.get_object()[key] = base::base64(value.get_string());
  }
  secret.get_object().erase("stringData");
}

base::Issues check_shape(const Json& object) {
  base::Issues issues;
  for (std::string_view field : {"apiVersion", "kind"})
    if (base::text_at(object, {field}).empty())
      issues.push_back({std::string(field), "is required"});
  if (base::text_at(object, {"metadata", "name"}).empty())
    issues.push_back({"metadata.name", "is required"});
  return issues;
}

base::Issues check(Manifest& manifest) {
  base::Issues issues = check_shape(manifest.object);
  if (!issues.empty()) return issues;
  const std::string api = base::text_at(manifest.object, {"apiVersion"}),
                    kind = base::text_at(manifest.object, {"kind"});
  manifest.kind = objects::find_kind_of(api, kind);
  if (!manifest.kind)
    return {{"kind", cat("this program knows no ", kind, " of ", api, "; apply it with kubectl")}};
  const auto own = objects::own_kinds();
  if (std::ranges::find(own, manifest.kind) == own.end()) return {};
  issues = schema::validate(*manifest.kind->table, manifest.object, schema::Unknown::refuse);
  return issues.empty() ? policy::check(manifest.kind->plural, manifest.object) : issues;
}

void add_objects(std::vector<Manifest>& out, Manifest document) {
  const Json* items = base::find(document.object, {"items"});
  if (base::text_at(document.object, {"kind"}) != "List" || !items || !items->is_array()) {
    out.push_back(std::move(document));
    return;
  }
  for (const Json& item : items->get_array())
    out.push_back({document.source, document.document, document.line, item, nullptr});
}

}  // namespace

std::string describe(const Manifest& manifest) {
  const std::string kind = base::text_at(manifest.object, {"kind"}),
                    name = base::text_at(manifest.object, {"metadata", "name"});
  return cat(manifest.source, ", document ", manifest.document, " (line ", manifest.line, ")",
             kind.empty() ? "" : ": ", kind, name.empty() ? "" : " ", name);
}

int line_of_field(std::string_view text, int from, std::string_view path) {
  const auto lines = base::split(text, '\n');
  auto at = static_cast<std::size_t>(std::max(from, 1) - 1);
  std::size_t found = at, begin = at;
  std::optional<std::size_t> parent;  // indent of the key found last
  for (const std::string& step : steps_of(path)) {
    std::optional<std::size_t> level;  // indent of the siblings
    std::int64_t item = -1;
    const bool index = step.front() == '[';
    const auto wanted =
        index ? base::parse_int(std::string_view(step).substr(1, step.size() - 2)).value_or(0) : 0;
    bool matched = false;
    for (std::size_t i = begin; i < lines.size() && !matched; ++i) {
      const Line line = read_line(lines[i]);
      if (line.text.empty() || line.text.front() == '#') continue;
      if (line.text == "---") {
        if (i > at) break;
        continue;
      }
      // A list may stand at the depth of its key.
      const std::size_t depth = index ? line.dash_indent : line.indent;
      if (parent &&
          (index ? depth < *parent || (depth == *parent && !line.dash) : depth <= *parent))
        break;
      if (index && !line.dash) continue;
      if (!level) level = depth;
      if (depth != *level) continue;
      matched = index ? ++item == wanted : is_key(line.text, step);
      if (!matched) continue;
      found = i;
      // An item's own keys may begin on the dash's line.
      begin = index ? i : i + 1;
      parent = depth;
    }
    if (!matched) break;
  }
  return static_cast<int>(found) + 1;
}

bool holds_objects(std::string_view text, const std::string& source) {
  for (const auto& document : kube::parse_yaml(text, source))
    if (base::find(document.value, {"apiVersion"}) || base::find(document.value, {"kind"}))
      return true;
  return false;
}

std::vector<Manifest> parse_manifests(std::string_view text, const std::string& source) {
  std::vector<Manifest> manifests;
  std::vector<std::string> problems;
  int number = 0;
  for (auto& document : kube::parse_yaml(text, source)) {
    Manifest manifest{source, ++number, document.line, std::move(document.value), nullptr};
    if (manifest.object.is_object())
      add_objects(manifests, std::move(manifest));
    else
      problems.push_back(describe(manifest) + ": must be an object with apiVersion and kind");
  }
  for (Manifest& manifest : manifests) {
    for (const base::Issue& issue : check(manifest)) {
      const int line = line_of_field(text, manifest.line, issue.path);
      problems.push_back(
          cat(describe(manifest), ": ", issue.path, " (line ", line, "): ", issue.message));
    }
    if (base::text_at(manifest.object, {"kind"}) == "Secret") move_string_data(manifest.object);
  }
  if (!problems.empty()) throw base::Error(base::Code::invalid, base::join(problems, "\n"));
  return manifests;
}

}  // namespace cli
