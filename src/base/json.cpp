#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

namespace base {

namespace json = boost::json;

Json parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  options.numbers = json::number_precision::precise;  // the default is off by an ulp now and then
  json::stream_parser parser({}, options);
  boost::system::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (!error) return parser.release();
  std::size_t line = 1, column = 1;
  for (char c : text.substr(0, std::min(used, text.size())))
    c == '\n' ? (++line, column = 1) : ++column;
  throw Error(Code::invalid, "line " + std::to_string(line) + ", column " + std::to_string(column) +
                                 ": not JSON: " + error.message());
}

std::string to_text(const Json& value) { return json::serialize(value); }

const Json* find(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* at = &value;
  for (std::string_view key : path) {
    auto object = at->if_object();
    at = object ? object->if_contains(key) : nullptr;
    if (!at) return nullptr;
  }
  return at;
}

std::optional<std::string> find_string(const Json& value,
                                       std::initializer_list<std::string_view> path) {
  auto at = find(value, path);
  if (!at || !at->is_string()) return {};
  return std::string(at->get_string());
}

std::optional<std::int64_t> find_int(const Json& value,
                                     std::initializer_list<std::string_view> path) {
  auto at = find(value, path);
  if (!at || !at->is_int64()) return {};
  return at->get_int64();
}

std::optional<bool> find_bool(const Json& value, std::initializer_list<std::string_view> path) {
  auto at = find(value, path);
  if (!at || !at->is_bool()) return {};
  return at->get_bool();
}

std::string text_at(const Json& value, std::initializer_list<std::string_view> path) {
  return find_string(value, path).value_or("");
}

Json& ensure(Json& value, std::initializer_list<std::string_view> path) {
  Json* at = &value;
  for (std::string_view key : path) {
    if (!at->is_object()) at->emplace_object();
    at = &at->get_object()[key];
  }
  return *at;
}

void merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (const auto& [key, value] : patch.get_object()) {
    if (value.is_null()) {
      if (auto at = object.find(key); at != object.end()) object.stable_erase(at);
    } else {
      merge_patch(object[key], value);
    }
  }
}

Json merge_diff(const Json& from, const Json& to) {
  if (!from.is_object() || !to.is_object()) return to;
  JsonObject patch;
  for (const auto& [key, value] : to.get_object()) {
    auto old = from.get_object().if_contains(key);
    if (!old) {
      patch[key] = value;
    } else if (*old != value) {
      patch[key] = merge_diff(*old, value);
    }
  }
  for (const auto& [key, value] : from.get_object())
    if (!to.get_object().contains(key)) patch[key] = nullptr;
  return patch;
}

std::optional<std::string> first_difference(const Json& one, const Json& other) {
  auto below = [](std::string_view key, std::string_view rest) {
    std::string step = "/";
    for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return step + std::string(rest);
  };
  if (one.is_object() && other.is_object()) {
    std::set<std::string_view> keys;
    for (const auto* side : {&one, &other})
      for (const auto& [key, value] : side->get_object()) keys.insert(key);
    for (const std::string_view key : keys) {
      const Json* a = one.get_object().if_contains(key);
      const Json* b = other.get_object().if_contains(key);
      if (!a || !b) return below(key, "");
      if (const auto inside = first_difference(*a, *b)) return below(key, *inside);
    }
    return std::nullopt;
  }
  if (one.is_array() && other.is_array()) {
    const auto &a = one.get_array(), &b = other.get_array();
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      if (i >= a.size() || i >= b.size()) return below(std::to_string(i), "");
      if (const auto inside = first_difference(a[i], b[i]))
        return below(std::to_string(i), *inside);
    }
    return std::nullopt;
  }
  if (one.kind() == other.kind() && one == other) return std::nullopt;
  if (canonical(one) == canonical(other)) return std::nullopt;  // 1 and 1.0
  return "";
}

namespace {

// RFC 8785 §3.2.3 orders keys by their UTF-16 code units; only surrogate pairs sort differently
// from UTF-8 bytes.
std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (std::size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    int extra = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    char32_t c = extra == 0 ? lead : lead & (0x3f >> extra);
    for (int k = 1; k <= extra && i + k < text.size(); ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    i += 1 + extra;
    if (c >= 0x10000) {
      c -= 0x10000;
      out += char16_t(0xd800 + (c >> 10));
      out += char16_t(0xdc00 + (c & 0x3ff));
    } else {
      out += char16_t(c);
    }
  }
  return out;
}

// ECMAScript Number::toString of a finite double (RFC 8785 §3.2.2.3).
std::string ecma_number(double value) {
  if (value == 0) return "0";
  char buffer[64];
  auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific)
          .ptr;
  std::string_view text(buffer, end);
  auto e = text.find('e');
  int exponent = 0;
  auto exponent_text = text.substr(e + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits;
  for (char c : text.substr(0, e))
    if (c != '.') digits += c;
  int point = exponent + 1;  // digits stand before the decimal point
  int count = int(digits.size());
  std::string out = value < 0 ? "-" : "";
  if (count <= point && point <= 21) return out + digits + std::string(point - count, '0');
  if (0 < point && point <= 21) return out + digits.substr(0, point) + "." + digits.substr(point);
  if (-6 < point && point <= 0) return out + "0." + std::string(-point, '0') + digits;
  out += digits[0];
  if (count > 1) out += "." + digits.substr(1);
  out += point > 0 ? "e+" : "e-";
  return out + std::to_string(std::abs(point - 1));
}

void canonical_to(std::string& out, const Json& value) {
  switch (value.kind()) {
    case json::kind::object: {
      std::vector<std::pair<std::u16string, const json::key_value_pair*>> members;
      for (const auto& member : value.get_object())
        members.emplace_back(utf16(member.key()), &member);
      std::sort(members.begin(), members.end(),
                [](const auto& a, const auto& b) { return a.first < b.first; });
      out += '{';
      for (const auto& [key, member] : members) {
        if (out.back() != '{') out += ',';
        out += json::serialize(member->key());
        out += ':';
        canonical_to(out, member->value());
      }
      out += '}';
      return;
    }
    case json::kind::array:
      out += '[';
      for (const auto& element : value.get_array()) {
        if (&element != value.get_array().begin()) out += ',';
        canonical_to(out, element);
      }
      out += ']';
      return;
    case json::kind::double_: out += ecma_number(value.get_double()); return;
    default: out += json::serialize(value); return;
  }
}

}  // namespace

std::string canonical(const Json& value) {
  std::string out;
  canonical_to(out, value);
  return out;
}

}  // namespace base
