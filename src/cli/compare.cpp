#include "cli/compare.h"

#include <algorithm>

#include "base/text.h"
#include "cli/render.h"
#include "cli/transcript.h"

namespace cli {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using In = StepDifference::In;
using What = StepDifference::What;

namespace {

constexpr std::size_t places_max = 10, value_bytes_max = 80;

// RFC 6901 §4.
std::string token(std::string_view member) {
  std::string out;
  for (const char c : member) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

void look(const Json& left, const Json& right, const std::string& at, std::size_t limit,
          std::vector<Difference>& out) {
  if (out.size() >= limit || left == right) return;
  if (left.is_object() && right.is_object()) {
    for (const auto& [member, value] : left.get_object()) {
      const std::string below = cat(at, "/", token(member));
      if (const Json* other = right.get_object().if_contains(member))
        look(value, *other, below, limit, out);
      else if (out.size() < limit)
        out.push_back({below, value, {}});
    }
    for (const auto& [member, value] : right.get_object())
      if (!left.get_object().contains(member) && out.size() < limit)
        out.push_back({cat(at, "/", token(member)), {}, value});
    return;
  }
  if (left.is_array() && right.is_array()) {
    const auto &a = left.get_array(), &b = right.get_array();
    for (std::size_t i = 0; i < std::max(a.size(), b.size()) && out.size() < limit; ++i) {
      const std::string below = cat(at, "/", i);
      if (i < a.size() && i < b.size())
        look(a[i], b[i], below, limit, out);
      else if (i < a.size())
        out.push_back({below, a[i], {}});
      else
        out.push_back({below, {}, b[i]});
    }
    return;
  }
  out.push_back({at, left, right});
}

std::optional<Json> find_json(const std::string& text) {
  try {
    return base::parse_json(text);
  } catch (const base::Error&) {
    return {};
  }
}

// Texts that are JSON in both are compared by their places.
void note(std::vector<StepDifference>& out, What what, const std::string& step,
          const std::string& left, const std::string& right) {
  if (left == right) return;
  StepDifference difference{.what = what, .step = step, .left = left, .right = right};
  const auto a = find_json(left), b = find_json(right);
  if (a && b && (a->is_object() || a->is_array())) {
    difference.places = differences(*a, *b, places_max);
    if (difference.places.empty()) return;  // spelt differently
  }
  out.push_back(std::move(difference));
}

template <class T>
const T* find_in(const std::vector<T>& list, auto member, const auto& key) {
  const auto at = std::ranges::find(list, key, member);
  return at == list.end() ? nullptr : &*at;
}

void compare_call(std::vector<StepDifference>& out, const StoryCall* left, const StoryCall* right) {
  const StoryCall& one = left ? *left : *right;
  if (!left || !right) {
    out.push_back({.what = What::tool,
                   .step = one.call,
                   .in = left ? In::left : In::right,
                   .left = left ? left->tool : "",
                   .right = right ? right->tool : ""});
    return;
  }
  note(out, What::tool, one.call, cat(left->tool, left->why.empty() ? "" : " (denied)"),
       cat(right->tool, right->why.empty() ? "" : " (denied)"));
  note(out, What::arguments, one.call, left->arguments, right->arguments);
  note(out, What::result, one.call, left->result.value_or("(no outcome)"),
       right->result.value_or("(no outcome)"));
}

std::string end_of(const Story& story) {
  if (!story.succeeded) return "not ended";
  if (*story.succeeded) return "succeeded";
  const std::string& why = story.steps.back().why;
  return why.empty() ? "failed" : cat("failed: ", why);
}

std::vector<std::int64_t> turns_of(const Story& left, const Story& right) {
  std::vector<std::int64_t> numbers;
  for (const Story* story : {&left, &right})
    for (const auto& turn : story->turns) numbers.push_back(turn.number);
  std::ranges::sort(numbers);
  const auto again = std::ranges::unique(numbers);
  numbers.erase(again.begin(), again.end());
  return numbers;
}

}  // namespace

std::vector<Difference> differences(const Json& left, const Json& right, std::size_t limit) {
  std::vector<Difference> out;
  look(left, right, "", limit, out);
  return out;
}

std::vector<StepDifference> compare(const Story& left, const Story& right) {
  std::vector<StepDifference> out;
  for (const std::int64_t number : turns_of(left, right)) {
    const std::string step = std::to_string(number);
    const StoryTurn* a = find_in(left.turns, &StoryTurn::number, number);
    const StoryTurn* b = find_in(right.turns, &StoryTurn::number, number);
    if (!a || !b) {
      out.push_back({.what = What::request, .step = step, .in = a ? In::left : In::right});
    } else {
      if (auto places = differences(a->request, b->request, places_max); !places.empty())
        out.push_back({.what = What::request, .step = step, .places = std::move(places)});
      note(out, What::answer, step, a->answer, b->answer);
    }
    for (std::size_t index = 0;; ++index) {
      const std::string call = cat(number, ".", index);
      const StoryCall* c = find_in(left.calls, &StoryCall::call, call);
      const StoryCall* d = find_in(right.calls, &StoryCall::call, call);
      if (!c && !d) break;
      compare_call(out, c, d);
    }
  }
  if (end_of(left) != end_of(right))
    out.push_back({.what = What::end, .left = end_of(left), .right = end_of(right)});
  return out;
}

// ---- as text ----

namespace {

std::string_view name_of(What what) {
  static constexpr std::string_view names[]{"request",   "answer", "tool",
                                            "arguments", "result", "end"};
  return names[static_cast<std::size_t>(what)];
}

std::string clipped(std::string_view text) {
  std::string line;
  for (const char c : printable(base::clip(text, value_bytes_max))) {
    if (c == '\n')
      line += "\\n";
    else
      line += c;
  }
  return text.size() > value_bytes_max ? line + " …" : line;
}

std::string value_of(const std::optional<Json>& value) {
  return value ? clipped(base::to_text(*value)) : "(absent)";
}

std::string place_of(const StepDifference& difference) {
  if (difference.step.empty()) return "the end";
  const bool call = difference.step.find('.') != std::string::npos;
  return cat(call ? "call " : "turn ", printable(difference.step));
}

std::vector<std::string> details_of(const StepDifference& difference) {
  if (difference.in == In::left)
    return {
        cat("only in the first", difference.left.empty() ? "" : ": ", clipped(difference.left))};
  if (difference.in == In::right)
    return {
        cat("only in the second", difference.right.empty() ? "" : ": ", clipped(difference.right))};
  std::vector<std::string> out;
  for (const auto& place : difference.places)
    out.push_back(cat(place.pointer.empty() ? "(whole)" : printable(place.pointer), ": ",
                      value_of(place.left), " → ", value_of(place.right)));
  if (out.empty()) out.push_back(cat(clipped(difference.left), " → ", clipped(difference.right)));
  return out;
}

std::string sums_line(std::string_view what, std::int64_t left, std::int64_t right) {
  return cat("  ", what, std::string(14 - what.size(), ' '), left, left == right ? " = " : " → ",
             right, "\n");
}

}  // namespace

std::string format_comparison(const Story& left, const Story& right,
                              const std::vector<StepDifference>& all) {
  std::string out = cat("first   ", format_heading(left), "second  ", format_heading(right));
  if (all.empty()) {
    out += "\nthe same requests, answers, tool calls and end\n";
  } else {
    out +=
        cat("\nfirst difference: ", place_of(all.front()), ", ", name_of(all.front().what), "\n");
  }
  for (const What what :
       {What::request, What::answer, What::tool, What::arguments, What::result, What::end}) {
    bool titled = false;
    for (const auto& difference : all) {
      if (difference.what != what) continue;
      if (!titled) out += cat("\n", name_of(what), "\n");
      titled = true;
      for (const auto& detail : details_of(difference))
        out += cat("  ", place_of(difference), "  ", detail, "\n");
    }
  }
  return out + "\nsums\n" +
         sums_line("turns", std::int64_t(left.turns.size()), std::int64_t(right.turns.size())) +
         sums_line("model calls", left.model_calls, right.model_calls) +
         sums_line("tool calls", left.tool_calls, right.tool_calls) +
         sums_line("input tokens", left.input_tokens, right.input_tokens) +
         sums_line("output tokens", left.output_tokens, right.output_tokens);
}

Json comparison_json(const Story& left, const Story& right,
                     const std::vector<StepDifference>& all) {
  const auto side = [](const Story& story) {
    return JsonObject{{"run", story.name},
                      {"uid", story.uid},
                      {"turns", story.turns.size()},
                      {"modelCalls", story.model_calls},
                      {"toolCalls", story.tool_calls},
                      {"inputTokens", story.input_tokens},
                      {"outputTokens", story.output_tokens},
                      {"end", end_of(story)}};
  };
  JsonArray list;
  for (const auto& difference : all) {
    JsonObject out{{"what", name_of(difference.what)}};
    if (!difference.step.empty()) out["step"] = difference.step;
    if (difference.in != In::both) out["onlyIn"] = difference.in == In::left ? "first" : "second";
    JsonArray places;
    for (const auto& place : difference.places) {
      JsonObject one{{"pointer", place.pointer}};
      if (place.left) one["first"] = *place.left;
      if (place.right) one["second"] = *place.right;
      places.push_back(std::move(one));
    }
    if (!places.empty()) {
      out["places"] = std::move(places);
    } else if (difference.in == In::both) {
      out["first"] = difference.left;
      out["second"] = difference.right;
    }
    list.push_back(std::move(out));
  }
  return JsonObject{
      {"first", side(left)}, {"second", side(right)}, {"differences", std::move(list)}};
}

}  // namespace cli
