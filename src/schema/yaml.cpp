#include "schema/yaml.h"

#include <algorithm>

#include "base/text.h"

namespace schema {

using base::Json;

namespace {

bool is_word(std::string_view text) {
  static constexpr std::string_view words[] = {"true", "false", "null", "yes", "no", "on",
                                               "off",  "y",     "n",    "~",   "=",  "<<"};
  return std::ranges::find(words, base::lower(text)) != std::end(words);
}

// Whether a plain scalar would be this text and nothing else. Texts that begin like a number, a
// date or an indicator are quoted, needed or not.
bool is_plain(std::string_view text) {
  if (text.empty() || is_word(text)) return false;
  auto ascii_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!ascii_letter(text.front()) && text.front() != '/' && text.front() != '_') return false;
  if (text.back() == ' ' || text.back() == ':') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return false;
    if (c == '#' && i > 0 && text[i - 1] == ' ') return false;
    if (c >= 0x80)
      return base::valid_utf8(text) && text.find("\xc2\x85") == text.npos &&
             text.find("\xe2\x80\xa8") == text.npos && text.find("\xe2\x80\xa9") == text.npos &&
             text.find("\xef\xbb\xbf") == text.npos &&
             std::ranges::none_of(text,
                                  [](char b) { return static_cast<unsigned char>(b) < 0x20; }) &&
             text.find(": ") == text.npos && text.find(" #") == text.npos;
  }
  return true;
}

// Whether a literal block gives the text back: printable lines, the first not indented, one line
// break at the end.
bool is_block(std::string_view text) {
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n') return false;
  if (text.front() == ' ' || text.front() == '\n' || text.front() == '\t') return false;
  return base::valid_utf8(text) && std::ranges::all_of(text, [](char c) {
           auto byte = static_cast<unsigned char>(c);
           return c == '\n' || c == '\t' || (byte >= 0x20 && byte < 0x7f) || byte >= 0xc3;
         });
}

std::string scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  return base::to_text(Json(boost::json::string_view(text)));  // JSON's quotes are YAML's
}

void write(std::string& out, const Json& value, std::size_t indent);

void write_text(std::string& out, std::string_view text, std::size_t indent) {
  if (!is_block(text)) {
    out += base::cat(" ", scalar(text), "\n");
    return;
  }
  out += " |\n";
  for (const auto& line : base::split(text.substr(0, text.size() - 1), '\n'))
    out += line.empty() ? "\n" : base::cat(std::string(indent, ' '), line, "\n");
}

// What follows "key:" or "-": on the same line, or below it at `indent`.
void write_value(std::string& out, const Json& value, std::size_t indent) {
  if (value.is_object() && !value.get_object().empty()) {
    out += '\n';
    write(out, value, indent);
  } else if (value.is_array() && !value.get_array().empty()) {
    out += '\n';
    write(out, value, indent);
  } else if (value.is_string()) {
    write_text(out, value.get_string(), indent);
  } else {
    out += base::cat(" ", base::to_text(value), "\n");
  }
}

void write(std::string& out, const Json& value, std::size_t indent) {
  const std::string margin(indent, ' ');
  if (auto object = value.if_object()) {
    for (const auto& member : *object) {
      out += base::cat(margin, scalar(member.key()), ":");
      // A list stands at the key's own margin.
      bool list = member.value().is_array();
      write_value(out, member.value(), list ? indent : indent + 2);
    }
    return;
  }
  for (const Json& element : value.get_array()) {
    bool nested = (element.is_object() && !element.get_object().empty()) ||
                  (element.is_array() && !element.get_array().empty());
    out += base::cat(margin, "-");
    if (!nested) {
      write_value(out, element, indent + 2);
      continue;
    }
    std::string below;
    write(below, element, indent + 2);
    out += base::cat(" ", below.substr(indent + 2));  // the first line follows the dash
  }
}

}  // namespace

std::string format_yaml(const Json& value) {
  std::string out;
  bool nested = (value.is_object() && !value.get_object().empty()) ||
                (value.is_array() && !value.get_array().empty());
  if (nested) {
    write(out, value, 0);
  } else {
    write_value(out, value, 2);
    out.erase(0, 1);
  }
  return out;
}

}  // namespace schema
