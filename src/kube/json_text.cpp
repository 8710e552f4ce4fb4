#include "kube/json_text.h"

#include <algorithm>

namespace kube {

namespace {

// Walks over a text from value to value. At the end of a text that stops short it stands at the
// text's end.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  // True, and beyond it, when this character is next.
  bool take(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  std::string_view value() {
    skip_space();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool closes = c == '}' || c == ']';
      if (depth == 0 && (closes || c == ',' || c == ':')) break;
      if (c == '"')
        skip_string();
      else
        ++at_;
      if (c == '{' || c == '[') ++depth;
      if (closes) --depth;
      if (depth == 0 && (closes || c == '"')) break;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<std::string_view> member_text(std::string_view object, std::string_view name) {
  Walk walk(object);
  if (!walk.take('{')) return {};
  do {
    const std::string_view key = walk.value();
    if (!walk.take(':')) return {};
    const std::string_view value = walk.value();
    if (key.size() == name.size() + 2 && key.substr(1, name.size()) == name) return value;
  } while (walk.take(','));
  return {};
}

std::vector<std::string_view> element_texts(std::string_view array) {
  std::vector<std::string_view> elements;
  Walk walk(array);
  if (!walk.take('[')) return elements;
  do {
    const std::string_view value = walk.value();
    if (!value.empty()) elements.push_back(value);
  } while (walk.take(','));
  return elements;
}

}  // namespace kube
