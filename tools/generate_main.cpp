// sympozium-generate [--check] DIR: writes what follows from the field tables of our kinds, or says
// which file of DIR is not what it would write.
//   crds/<plural>.yaml       CustomResourceDefinition
//   openapi/<Kind>.json      OpenAPI v3 schema of the whole object
//   reference/<Kind>.md      every field: type, rules, use, meaning
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "base/text.h"
#include "objects/kinds.h"
#include "schema/openapi.h"
#include "schema/reference.h"
#include "schema/yaml.h"

namespace {

namespace fs = std::filesystem;
using base::cat;

constexpr std::string_view from_where = "made by tools/generate from src/objects; do not edit";

// JSON with one member a line, so that a change shows as a line.
void indent_json(std::string& out, const base::Json& value, std::size_t depth) {
  const std::string margin(2 * depth + 2, ' ');
  const std::string close(2 * depth, ' ');
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    for (const auto& member : value.get_object()) {
      out += cat(margin, base::to_text(base::Json(member.key())), ": ");
      indent_json(out, member.value(), depth + 1);
      out += &member == &*std::prev(value.get_object().end()) ? "\n" : ",\n";
    }
    out += cat(close, "}");
  } else if (value.is_array() && !value.get_array().empty()) {
    out += "[\n";
    for (const auto& element : value.get_array()) {
      out += margin;
      indent_json(out, element, depth + 1);
      out += &element == &value.get_array().back() ? "\n" : ",\n";
    }
    out += cat(close, "]");
  } else {
    out += base::to_text(value);
  }
}

std::map<std::string, std::string> make_files() {
  std::map<std::string, std::string> files;
  std::string index = cat("# Reference\n\n", "<!-- ", from_where, " -->\n\n");
  for (const objects::KindInfo* kind : objects::own_kinds()) {
    files[cat("crds/", kind->plural, ".yaml")] =
        cat("# ", from_where, "\n", schema::format_yaml(schema::crd(*kind)));
    std::string& json = files[cat("openapi/", kind->kind, ".json")];
    indent_json(json, schema::openapi(*kind->table), 0);
    json += '\n';
    files[cat("reference/", kind->kind, ".md")] =
        cat("<!-- ", from_where, " -->\n", schema::reference(*kind));
    index += cat("- [", kind->kind, "](", kind->kind, ".md): ", kind->doc, "\n");
  }
  files["reference/README.md"] = index;
  return files;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

int check(const fs::path& root, std::map<std::string, std::string> files) {
  int wrong = 0;
  for (const auto& [name, text] : files)
    if (read_file(root / name) != text)
      ++wrong, std::printf("%s is not what the field tables say; run tools/generate\n",
                           (root / name).c_str());
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file() && !files.contains(fs::relative(entry.path(), root).string()))
      ++wrong, std::printf("%s is nobody's; remove it\n", entry.path().c_str());
  return wrong ? 1 : 0;
}

void write(const fs::path& root, const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) {
    fs::create_directories((root / name).parent_path());
    if (read_file(root / name) == text) continue;
    std::ofstream(root / name, std::ios::binary) << text;
    std::printf("%s\n", (root / name).c_str());
  }
}

}  // namespace

int main(int count, char** arguments) {
  bool checking = count == 3 && std::string_view(arguments[1]) == "--check";
  if (!checking && count != 2) {
    std::fputs("usage: sympozium-generate [--check] DIR\n", stderr);
    return 2;
  }
  if (checking) return check(arguments[2], make_files());
  write(arguments[1], make_files());
}
