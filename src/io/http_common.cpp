#include <algorithm>

#include "base/encoding.h"
#include "base/error.h"
#include "base/text.h"
#include "io/http.h"

namespace io {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, fold, fold);
}

// '+' means a space in queries (WHATWG URL), a plus sign in paths.
std::string unescape_query(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto plain = base::url_unescape(spaced);
  if (!plain) throw base::Error(base::Code::invalid, base::cat("bad escape in query: ", text));
  return *plain;
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_)
    if (same_name(key, name)) return value;
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_,
                             [&](const auto& field) { return same_name(field.first, name); });
}

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return same_name(field.first, name); });
  add(name, std::move(value));
}

void Headers::add(std::string_view name, std::string value) {
  fields_.emplace_back(name, std::move(value));
}

std::string_view Target::get(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

bool Target::has(std::string_view name) const {
  return std::ranges::any_of(query, [&](const auto& field) { return field.first == name; });
}

Target parse_target(std::string_view text) {
  Target target;
  auto mark = text.find('?');
  auto path = base::url_unescape(text.substr(0, mark));
  if (!path) throw base::Error(base::Code::invalid, base::cat("bad escape in path: ", text));
  target.path = *path;
  if (mark == std::string_view::npos) return target;
  for (const auto& part : base::split(text.substr(mark + 1), '&')) {
    if (part.empty()) continue;
    auto equals = part.find('=');
    target.query.emplace_back(unescape_query(std::string_view(part).substr(0, equals)),
                              equals == std::string::npos
                                  ? ""
                                  : unescape_query(std::string_view(part).substr(equals + 1)));
  }
  return target;
}

std::string format_query(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [key, value] : query) {
    if (!out.empty()) out += '&';
    out += base::url_escape(key) + '=' + base::url_escape(value);
  }
  return out;
}

void LineSplitter::add(std::string_view piece) {
  buffer_.erase(0, at_);
  searched_ -= at_;
  at_ = 0;
  buffer_ += piece;
}

std::optional<std::string> LineSplitter::next() {
  const auto end = buffer_.find('\n', searched_);
  const bool whole = end != std::string::npos;
  searched_ = whole ? end + 1 : buffer_.size();
  if ((whole ? end : searched_) - at_ > limit_)
    throw base::Error(base::Code::invalid, base::cat("a line is longer than ", limit_, " bytes"));
  if (!whole) return {};
  std::string line = buffer_.substr(at_, end - at_);
  at_ = end + 1;
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace io
