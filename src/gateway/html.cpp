#include "gateway/html.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace gateway {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// Elements whose content nobody reads; their text ends at their own end tag only.
constexpr std::array<std::string_view, 6> unread{"script",   "style", "noscript",
                                                 "template", "svg",   "iframe"};
// Elements that begin a line of their own.
constexpr std::array<std::string_view, 34> blocks{
    "address", "article", "aside",  "blockquote", "body", "br",   "dd",        "div", "dl",
    "dt",      "figure",  "footer", "form",       "h1",   "h2",   "h3",        "h4",  "h5",
    "h6",      "head",    "header", "hr",         "li",   "main", "nav",       "ol",  "p",
    "pre",     "section", "table",  "title",      "tr",   "ul",   "figcaption"};

void put_utf8(std::string& out, std::uint32_t point) {
  if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) point = 0xfffd;
  auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

struct Reference {
  std::string_view name;
  std::uint32_t point;
};
constexpr std::array<Reference, 20> references{{
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},
    {"nbsp", ' '},     {"copy", 0xa9},    {"reg", 0xae},     {"deg", 0xb0},      {"middot", 0xb7},
    {"laquo", 0xab},   {"raquo", 0xbb},   {"ndash", 0x2013}, {"mdash", 0x2014},  {"lsquo", 0x2018},
    {"rsquo", 0x2019}, {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"hellip", 0x2026}, {"euro", 0x20ac},
}};

std::optional<std::uint32_t> parse_number(std::string_view digits) {
  const bool hex = !digits.empty() && (digits[0] == 'x' || digits[0] == 'X');
  if (hex) digits.remove_prefix(1);
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

// The text without mark-up, character by character; white space is collapsed as it is put.
class Text {
 public:
  void put(char c) {
    if (is_space(c)) {
      space_ = true;
      return;
    }
    flush();
    out_ += c;
  }
  void put_point(std::uint32_t point) {
    if (point < 0x80) return put(static_cast<char>(point == 0 ? ' ' : point));
    flush();
    put_utf8(out_, point);
  }
  void line() { line_ = true; }
  std::string take() { return std::move(out_); }

 private:
  void flush() {
    if (!out_.empty() && line_)
      out_ += '\n';
    else if (!out_.empty() && space_ && !out_.ends_with(' '))
      out_ += ' ';
    line_ = space_ = false;
  }

  std::string out_;
  bool space_ = false, line_ = false;
};

// `html[at]` is '&': puts what the reference stands for and returns the place behind it.
std::size_t take_reference(std::string_view html, std::size_t at, Text& text) {
  constexpr std::size_t longest = 12;
  const auto end = html.substr(at, longest).find(';');
  if (end != std::string_view::npos) {
    const std::string_view name = html.substr(at + 1, end - 1);
    std::optional<std::uint32_t> point;
    if (name.starts_with('#'))
      point = parse_number(name.substr(1));
    else if (auto known = std::ranges::find(references, name, &Reference::name);
             known != references.end())
      point = known->point;
    if (point) {
      text.put_point(*point);
      return at + end + 1;
    }
  }
  text.put('&');
  return at + 1;
}

// The end of a tag that begins at `at`: behind its '>', which does not count inside quotes.
std::size_t tag_end(std::string_view html, std::size_t at) {
  char quote = 0;
  for (; at < html.size(); ++at) {
    const char c = html[at];
    if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '"' || c == '\'')
      quote = c;
    else if (c == '>')
      return at + 1;
  }
  return at;
}

// Behind the end tag of an unread element whose content begins at `at`.
std::size_t skip_content(std::string_view html, std::size_t at, std::string_view name) {
  for (at = html.find("</", at); at != html.npos; at = html.find("</", at + 2)) {
    if (base::lower(html.substr(at + 2, name.size())) != name) continue;
    return tag_end(html, at);
  }
  return html.size();
}

}  // namespace

std::string html_to_text(std::string_view html) {
  Text text;
  for (std::size_t at = 0; at < html.size();) {
    if (html[at] == '&') {
      at = take_reference(html, at, text);
      continue;
    }
    const char after = at + 1 < html.size() ? html[at + 1] : ' ';
    if (html[at] != '<' || !(is_letter(after) || after == '/' || after == '!' || after == '?')) {
      text.put(html[at++]);
      continue;
    }
    if (html.substr(at).starts_with("<!--")) {
      const auto end = html.find("-->", at + 4);
      at = end == html.npos ? html.size() : end + 3;
      continue;
    }
    const bool closes = after == '/';
    std::size_t name_at = at + (closes ? 2 : 1), name_end = name_at;
    while (name_end < html.size() && is_name(html[name_end])) ++name_end;
    const std::string name = base::lower(html.substr(name_at, name_end - name_at));
    at = tag_end(html, name_end);
    if (!closes && contains(unread, name)) at = skip_content(html, at, name);
    if (contains(blocks, name)) text.line();
    if (name == "td" || name == "th") text.put(' ');
    if (name == "li" && !closes) {
      text.put('-');
      text.put(' ');
    }
  }
  return text.take();
}

}  // namespace gateway
