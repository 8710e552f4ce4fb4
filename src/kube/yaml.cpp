#include "kube/yaml.h"

#include <yaml.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "base/text.h"

namespace kube {

namespace {

constexpr std::size_t values_max = 200'000;
constexpr int depth_max = 64;

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  for (auto word : words)
    if (text == word) return true;
  return false;
}

constexpr std::array<std::string_view, 5> nulls{"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 11> trues{"y",    "Y",    "yes", "Yes", "YES", "true",
                                                 "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> falses{"n",     "N",     "no",  "No",  "NO", "false",
                                                  "False", "FALSE", "off", "Off", "OFF"};

std::optional<base::Json> parse_integer(std::string_view plain) {
  std::string digits;
  for (char c : plain)
    if (c != '_') digits += c;
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  int radix = 10;
  if (rest.size() > 1 && rest[0] == '0') {
    const char mark = rest[1];
    radix = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    rest.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  if (rest.empty() || rest[0] == '-' || rest[0] == '+') return {};
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, radix);
  if (error != std::errc() || end != rest.data() + rest.size()) return {};
  constexpr std::uint64_t most = INT64_MAX;
  if (value > most + (negative ? 1 : 0)) return {};
  return base::Json(static_cast<std::int64_t>(negative ? 0 - value : value));
}

std::optional<base::Json> parse_float(std::string_view plain) {
  const char first = plain[0];
  if (!(first == '-' || first == '+' || first == '.' || (first >= '0' && first <= '9'))) return {};
  std::string_view rest = plain;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.find_first_not_of("0123456789.eE+-") != rest.npos) return {};
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end != rest.data() + rest.size() || !std::isfinite(value)) return {};
  return base::Json(value);
}

base::Json resolve_plain(std::string_view plain) {
  if (is_one_of(plain, nulls)) return nullptr;
  if (is_one_of(plain, trues)) return true;
  if (is_one_of(plain, falses)) return false;
  if (auto integer = parse_integer(plain)) return std::move(*integer);
  if (auto number = parse_float(plain)) return std::move(*number);
  return base::Json(boost::json::string(plain));
}

std::size_t count_values(const base::Json& value) {
  std::size_t count = 1;
  if (const auto* object = value.if_object())
    for (const auto& [key, member] : *object) count += count_values(member);
  if (const auto* array = value.if_array())
    for (const auto& element : *array) count += count_values(element);
  return count;
}

class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  ~Event() {
    if (filled_) yaml_event_delete(&event_);
  }
  yaml_event_t* fill() {
    filled_ = true;
    return &event_;
  }
  const yaml_event_t& operator*() const { return event_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  bool filled_ = false;
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* text) {
  return text ? std::string(reinterpret_cast<const char*>(text)) : std::string();
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view source) : source_(source) {
    if (!yaml_parser_initialize(&parser_)) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  Reader(const Reader&) = delete;
  ~Reader() { yaml_parser_delete(&parser_); }

  std::vector<YamlDocument> documents() {
    std::vector<YamlDocument> all;
    for (;;) {
      Event event;
      next(event);
      if (event->type == YAML_STREAM_END_EVENT) return all;
      if (event->type != YAML_DOCUMENT_START_EVENT) continue;
      anchors_.clear();
      Event root;
      next(root);
      YamlDocument document{static_cast<int>(root->start_mark.line) + 1, value(root, 0)};
      if (!document.value.is_null()) all.push_back(std::move(document));
    }
  }

 private:
  [[noreturn]] void fail(const yaml_mark_t& at, const std::string& what) const {
    throw base::Error(base::Code::invalid, base::cat(source_, ": line ", at.line + 1, ", column ",
                                                     at.column + 1, ": ", what));
  }

  void next(Event& event) {
    if (yaml_parser_parse(&parser_, event.fill())) return;
    std::string what = parser_.problem ? parser_.problem : "is not YAML";
    if (parser_.context) what += base::cat(" ", std::string_view(parser_.context));
    fail(parser_.error == YAML_READER_ERROR ? parser_.mark : parser_.problem_mark, what);
  }

  void count(const Event& at, std::size_t values) {
    if ((count_ += values) > values_max)
      fail(at->start_mark, base::cat("expands to more than ", values_max, " values"));
  }

  base::Json value(const Event& event, int depth) {
    if (depth > depth_max) fail(event->start_mark, base::cat("is nested deeper than ", depth_max));
    count(event, 1);
    switch (event->type) {
      case YAML_SCALAR_EVENT: return keep(event->data.scalar.anchor, scalar(event));
      case YAML_SEQUENCE_START_EVENT:
        return keep(event->data.sequence_start.anchor, sequence(depth));
      case YAML_MAPPING_START_EVENT: return keep(event->data.mapping_start.anchor, mapping(depth));
      case YAML_ALIAS_EVENT: {
        const std::string name = text_of(event->data.alias.anchor);
        const auto found = anchors_.find(name);
        if (found == anchors_.end())
          fail(event->start_mark, base::cat("alias *", name, " has no anchor before it"));
        count(event, count_values(found->second));
        return found->second;
      }
      default: fail(event->start_mark, "a value is expected here");
    }
  }

  base::Json keep(const yaml_char_t* anchor, base::Json made) {
    if (anchor) anchors_[text_of(anchor)] = made;
    return made;
  }

  base::Json scalar(const Event& event) const {
    const auto& scalar = event->data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const std::string tag = text_of(scalar.tag);
    if (tag == YAML_STR_TAG || tag == "!" || tag == "tag:yaml.org,2002:binary")
      return base::Json(boost::json::string(text));
    if (!tag.empty() && !tag.starts_with("tag:yaml.org,2002:"))
      fail(event->start_mark, base::cat("tag ", tag, " is not supported"));
    if (scalar.style != YAML_PLAIN_SCALAR_STYLE && tag.empty())
      return base::Json(boost::json::string(text));
    return resolve_plain(text);
  }

  base::Json sequence(int depth) {
    base::JsonArray array;
    for (;;) {
      Event event;
      next(event);
      if (event->type == YAML_SEQUENCE_END_EVENT) return array;
      array.push_back(value(event, depth + 1));
    }
  }

  base::Json mapping(int depth) {
    base::JsonObject object, merged;
    for (;;) {
      Event event;
      next(event);
      if (event->type == YAML_MAPPING_END_EVENT) break;
      const std::string key = key_of(event, depth);
      Event member;
      next(member);
      base::Json made = value(member, depth + 1);
      if (key == "<<" && is_plain(event)) {
        merge(member, made, merged);
      } else if (!object.emplace(key, std::move(made)).second) {
        fail(event->start_mark, base::cat("key \"", key, "\" is given twice"));
      }
    }
    for (auto& [key, member] : merged)
      if (!object.contains(key)) object.emplace(key, std::move(member));
    return object;
  }

  static bool is_plain(const Event& event) {
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  }

  // Keys are texts as written: `on:` and `1:` are "on" and "1".
  std::string key_of(const Event& event, int depth) {
    if (is_plain(event)) return text_of(event->data.scalar.value);
    const base::Json key = value(event, depth + 1);
    if (const auto* text = key.if_string()) return std::string(*text);
    fail(event->start_mark, "a key must be a string");
  }

  void merge(const Event& at, const base::Json& from, base::JsonObject& into) const {
    if (const auto* list = from.if_array()) {
      for (const auto& one : *list) merge(at, one, into);
      return;
    }
    const auto* object = from.if_object();
    if (!object) fail(at->start_mark, "<< takes a mapping or a list of mappings");
    for (const auto& [key, member] : *object)
      if (!into.contains(key)) into.emplace(key, member);
  }

  std::string_view source_;
  yaml_parser_t parser_{};
  std::map<std::string, base::Json> anchors_;
  std::size_t count_ = 0;
};

bool reads_as_itself(std::string_view text) {
  if (text.empty() || base::trim(text) != text) return false;
  if (!resolve_plain(text).is_string()) return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`").find(text[0]) != text.npos) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    if (c == ':' && (i + 1 == text.size() || text[i + 1] == ' ')) return false;
    if (c == '#' && text[i - 1] == ' ') return false;
  }
  return text != "---" && text != "..." && text != "=" && text != "<<";
}

std::string indentation(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

std::string format_scalar(const base::Json& value) {
  const auto* text = value.if_string();
  if (text && reads_as_itself(*text)) return std::string(*text);
  return base::to_text(value);  // JSON strings are YAML double-quoted ones
}

bool is_block_text(const base::Json& value) {
  const auto* text = value.if_string();
  if (!text || text->find('\n') == text->npos || !text->ends_with('\n')) return false;
  if (text->starts_with(' ') || text->starts_with('\n') || text->ends_with("\n\n")) return false;
  for (const char c : *text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') return false;
  return true;
}

void put(std::string& out, const base::Json& value, int depth);

void put_member(std::string& out, const base::Json& value, int depth) {
  const auto* object = value.if_object();
  const auto* array = value.if_array();
  if ((object && !object->empty()) || (array && !array->empty())) {
    out += '\n';
    put(out, value, array ? depth : depth + 1);
  } else if (is_block_text(value)) {
    out += " |\n";
    const std::string_view text = value.get_string();
    for (const std::string& line : base::split(text.substr(0, text.size() - 1), '\n'))
      out += line.empty() ? "\n" : indentation(depth + 1) + line + "\n";
  } else {
    out += " " + format_scalar(value) + "\n";
  }
}

void put(std::string& out, const base::Json& value, int depth) {
  if (const auto* object = value.if_object(); object && !object->empty()) {
    for (const auto& [key, member] : *object) {
      out += indentation(depth) + format_scalar(base::Json(key)) + ":";
      put_member(out, member, depth);
    }
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    for (const auto& element : *array) {
      std::string block;
      const bool nested = (element.is_object() && !element.get_object().empty()) ||
                          (element.is_array() && !element.get_array().empty());
      if (nested) {
        put(block, element, depth + 1);
        block.erase(0, static_cast<std::size_t>(depth + 1) * 2);
      } else {
        block = format_scalar(element) + "\n";
      }
      out += indentation(depth) + "- " + block;
    }
  } else {
    out += indentation(depth) + format_scalar(value) + "\n";
  }
}

}  // namespace

std::vector<YamlDocument> parse_yaml(std::string_view text, std::string_view source) {
  return Reader(text, source).documents();
}

std::string format_yaml(const base::Json& value) {
  std::string out;
  put(out, value, 0);
  return out;
}

}  // namespace kube
