#include "apiserver/selector.h"

#include <algorithm>

#include "apiserver/status.h"
#include "base/text.h"

namespace apiserver {

using Operator = Requirement::Operator;

const std::string* find_value(const Pairs& pairs, std::string_view name) {
  for (const auto& [key, value] : pairs)
    if (key == name) return &value;
  return nullptr;
}

namespace {

bool holds(const Requirement& requirement, const std::string* value) {
  auto listed = [&] {
    return value && std::ranges::find(requirement.values, *value) != requirement.values.end();
  };
  auto compared = [&](auto compare) {
    auto have = value ? base::parse_int(*value) : std::nullopt;
    auto want = base::parse_int(requirement.values.front());
    return have && want && compare(*have, *want);
  };
  switch (requirement.op) {
    case Operator::equals:
    case Operator::in: return listed();
    case Operator::differs:
    case Operator::not_in: return !listed();
    case Operator::exists: return value;
    case Operator::absent: return !value;
    case Operator::greater: return compared(std::greater<>());
    case Operator::less: return compared(std::less<>());
  }
  return false;
}

// Words and signs of a label selector.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  std::string next() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ == text_.size()) return "";
    auto begin = at_;
    if (text_[at_] == '!' || text_[at_] == '=') {
      ++at_;
      if (at_ < text_.size() && text_[at_] == '=') ++at_;
    } else if (is_sign(text_[at_])) {
      ++at_;
    } else {
      while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '!' && text_[at_] != '=' &&
             !is_sign(text_[at_]))
        ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string peek() {
    auto at = at_;
    auto token = next();
    at_ = at;
    return token;
  }

 private:
  static bool is_sign(char c) { return c == ',' || c == '(' || c == ')' || c == '<' || c == '>'; }
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_word(const std::string& token) {
  return !token.empty() && std::string_view("!=,()<>").find(token[0]) == std::string_view::npos;
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw bad_request(base::cat("unable to parse requirement: ", why, " in \"", text, "\""));
}

std::vector<std::string> parse_set(Lexer& lexer, std::string_view text) {
  if (lexer.next() != "(") refuse(text, "expected '(' after in or notin");
  std::vector<std::string> values;
  for (bool after_comma = true;;) {
    auto token = lexer.next();
    if (token == ")") {
      if (after_comma) values.emplace_back();
      return values;
    }
    if (token == ",") {
      if (after_comma) values.emplace_back();
      after_comma = true;
    } else if (is_word(token) && after_comma) {
      values.push_back(token);
      after_comma = false;
    } else {
      refuse(text, "expected ',' or ')'");
    }
  }
}

Requirement parse_requirement(Lexer& lexer, std::string_view text) {
  auto token = lexer.next();
  if (token == "!") {
    auto key = lexer.next();
    if (!is_word(key)) refuse(text, "expected a label key after '!'");
    return {key, Operator::absent, {}};
  }
  if (!is_word(token))
    refuse(text, base::cat("found '", token, "', expected: !, identifier, or ','"));
  Requirement requirement{token, Operator::exists, {}};
  auto op = lexer.peek();
  if (op.empty() || op == ",") return requirement;
  lexer.next();
  if (op == "in" || op == "notin") {
    requirement.op = op == "in" ? Operator::in : Operator::not_in;
    requirement.values = parse_set(lexer, text);
    return requirement;
  }
  if (op == "=" || op == "==") {
    requirement.op = Operator::equals;
  } else if (op == "!=") {
    requirement.op = Operator::differs;
  } else if (op == ">") {
    requirement.op = Operator::greater;
  } else if (op == "<") {
    requirement.op = Operator::less;
  } else {
    refuse(text, base::cat("found '", op, "', expected: in, notin, =, ==, !=, gt, lt"));
  }
  auto value = lexer.peek();
  requirement.values.push_back(is_word(value) ? lexer.next() : "");
  return requirement;
}

}  // namespace

bool LabelSelector::matches(const Pairs& labels) const {
  return std::ranges::all_of(requirements, [&](const Requirement& requirement) {
    return holds(requirement, find_value(labels, requirement.key));
  });
}

bool FieldSelector::matches(const Pairs& fields) const {
  return std::ranges::all_of(requirements, [&](const Requirement& requirement) {
    static const std::string empty;
    auto value = find_value(fields, requirement.key);
    return holds(requirement, value ? value : &empty);
  });
}

std::optional<std::string> FieldSelector::pinned(std::string_view field) const {
  for (const auto& requirement : requirements)
    if (requirement.key == field && requirement.op == Operator::equals)
      return requirement.values.front();
  return {};
}

LabelSelector parse_label_selector(std::string_view text) {
  LabelSelector selector;
  Lexer lexer(text);
  if (lexer.peek().empty()) return selector;
  for (;;) {
    selector.requirements.push_back(parse_requirement(lexer, text));
    auto token = lexer.next();
    if (token.empty()) return selector;
    if (token != ",")
      refuse(text, base::cat("found '", token, "', expected: ',' or 'end of string'"));
  }
}

FieldSelector parse_field_selector(std::string_view text) {
  FieldSelector selector;
  std::vector<std::string> terms(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      terms.back() += text[i];
      terms.back() += text[++i];
    } else if (text[i] == ',') {
      terms.emplace_back();
    } else {
      terms.back() += text[i];
    }
  }
  for (const auto& term : terms) {
    if (term.empty()) continue;
    auto at = term.find('=');
    if (at == std::string::npos || at == 0)
      throw bad_request(base::cat("invalid selector: '", term, "'; can't understand '", term, "'"));
    bool differs = term[at - 1] == '!';
    auto value = term.substr(at + (at + 1 < term.size() && term[at + 1] == '=' ? 2 : 1));
    std::string plain;
    for (std::size_t i = 0; i < value.size(); ++i)
      plain += value[i] == '\\' && i + 1 < value.size() ? value[++i] : value[i];
    selector.requirements.push_back({std::string(base::trim(term.substr(0, differs ? at - 1 : at))),
                                     differs ? Operator::differs : Operator::equals,
                                     {plain}});
  }
  return selector;
}

LabelSelector label_selector_of(const base::Json& value) {
  LabelSelector selector;
  if (auto labels = base::find(value, {"matchLabels"}); labels && labels->is_object())
    for (const auto& [key, label] : labels->get_object())
      if (label.is_string())
        selector.requirements.push_back(
            {std::string(key), Operator::equals, {std::string(label.get_string())}});
  if (auto expressions = base::find(value, {"matchExpressions"});
      expressions && expressions->is_array())
    for (const auto& expression : expressions->get_array()) {
      auto op = base::text_at(expression, {"operator"});
      Requirement requirement{base::text_at(expression, {"key"}),
                              op == "In"       ? Operator::in
                              : op == "NotIn"  ? Operator::not_in
                              : op == "Exists" ? Operator::exists
                                               : Operator::absent,
                              {}};
      if (auto values = base::find(expression, {"values"}); values && values->is_array())
        for (const auto& element : values->get_array())
          if (element.is_string()) requirement.values.emplace_back(element.get_string());
      selector.requirements.push_back(std::move(requirement));
    }
  return selector;
}

}  // namespace apiserver
