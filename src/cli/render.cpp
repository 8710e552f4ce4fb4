#include "cli/render.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"

namespace cli {

using base::cat;
using base::Json;

namespace {

// Columns as a terminal counts them: UTF-8 sequences as one (wide characters are rare in names).
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cell_text(const Json& cell) {
  if (cell.is_string()) return printable(cell.get_string());
  if (cell.is_null()) return "<none>";
  return base::to_text(cell);
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = char(c - 'a' + 'A');
  return out;
}

}  // namespace

namespace {

// `widths` grow with the rows and are kept for those that follow.
std::string lay_out(const std::vector<std::vector<std::string>>& rows,
                    std::vector<std::size_t>& widths) {
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out += std::string(widths[i] - width_of(row[i]) + 3, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::string format_rows(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  return lay_out(rows, widths);
}

void TablePrinter::read_columns(const Json& table) {
  auto columns = base::find(table, {"columnDefinitions"});
  if (!columns || !columns->is_array() || columns->get_array().empty()) return;
  shown_.clear();
  header_.clear();
  if (with_namespace_ == NamespaceColumn::yes) header_.push_back("NAMESPACE");
  for (std::size_t i = 0; i < columns->get_array().size(); ++i) {
    const Json& column = columns->get_array()[i];
    if (base::find_int(column, {"priority"}).value_or(0) > 0 && width_ == Width::normal) continue;
    shown_.push_back(i);
    header_.push_back(upper(base::text_at(column, {"name"})));
  }
}

std::string TablePrinter::add(const Json& table) {
  read_columns(table);
  std::vector<std::vector<std::string>> rows;
  auto list = base::find(table, {"rows"});
  if (!list || !list->is_array() || list->get_array().empty()) return "";
  if (!std::exchange(header_printed_, true)) rows.push_back(header_);
  for (const Json& row : list->get_array()) {
    std::vector<std::string> cells;
    if (with_namespace_ == NamespaceColumn::yes)
      cells.push_back(base::text_at(row, {"object", "metadata", "namespace"}));
    auto values = base::find(row, {"cells"});
    for (std::size_t i : shown_)
      cells.push_back(values && values->is_array() && i < values->get_array().size()
                          ? cell_text(values->get_array()[i])
                          : "");
    rows.push_back(std::move(cells));
  }
  return lay_out(rows, widths_);
}

std::string format_table(const Json& table, Width width, NamespaceColumn with_namespace) {
  return TablePrinter(width, with_namespace).add(table);
}

std::string format_age(base::Duration age) {
  const auto seconds = std::max<std::int64_t>(0, age.count() / 1000);
  if (seconds < 120) return cat(seconds, "s");
  const auto minutes = seconds / 60, hours = seconds / 3600, days = seconds / 86400;
  if (minutes < 10) return seconds % 60 ? cat(minutes, "m", seconds % 60, "s") : cat(minutes, "m");
  if (hours < 3) return cat(minutes, "m");
  if (hours < 8) return minutes % 60 ? cat(hours, "h", minutes % 60, "m") : cat(hours, "h");
  if (hours < 48) return cat(hours, "h");
  if (days < 8) return hours % 24 ? cat(days, "d", hours % 24, "h") : cat(days, "d");
  return cat(days, "d");
}

std::string counted(std::int64_t number, std::string_view what) {
  return base::cat(number, " ", what, number == 1 ? "" : "s");
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : base::repair_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f)
      out += "\uFFFD";
    else
      out += c;
  }
  // U+0080…U+009F steer terminals too.
  for (std::size_t at = out.find('\xc2'); at != out.npos; at = out.find('\xc2', at + 2))
    if (at + 1 < out.size() && static_cast<unsigned char>(out[at + 1]) < 0xa0)
      out.replace(at, 2, "\uFFFD");
  return out;
}

std::string format_step(std::string_view line) {
  if (!line.starts_with('{')) return {};
  Json step;
  try {
    step = base::parse_json(line);
  } catch (const base::Error&) {
    return {};
  }
  const std::string type = base::text_at(step, {"type"}),
                    text = printable(base::text_at(step, {"text"}));
  const bool failed = base::find_bool(step, {"failed"}).value_or(false);
  const std::string took = cat("  (", base::find_int(step, {"ms"}).value_or(0), " ms)");
  if (type == "start") return cat("▶ ", text);
  if (type == "turn") {
    const auto in = base::find_int(step, {"inputTokens"}).value_or(0),
               out = base::find_int(step, {"outputTokens"}).value_or(0);
    std::string said = text.empty() ? "" : cat("  ", text);
    return cat("• turn ", base::find_int(step, {"turn"}).value_or(0), ": ", in, " + ", out,
               " tokens", took, said.empty() ? "" : "\n", said);
  }
  if (type == "tool")
    return cat(failed ? "✗ " : "✓ ", printable(base::text_at(step, {"tool"})), " ", text, took);
  if (type == "note") return cat("· ", text);
  if (type == "end") return cat(failed ? "✗ " : "■ ", text);
  return {};
}

namespace {

std::string age_of(const Json& object, std::initializer_list<std::string_view> path,
                   base::Time now) {
  auto at = base::parse_time(base::text_at(object, path));
  if (!at) return "";
  return format_age(now - std::chrono::floor<std::chrono::milliseconds>(*at));
}

std::string indented(std::string_view text, std::string_view by) {
  std::string out;
  for (const auto& line : base::split(printable(text), '\n')) out += cat(by, line, "\n");
  return out;
}

std::vector<std::vector<std::string>> condition_rows(const Json& object, base::Time now) {
  std::vector<std::vector<std::string>> rows{{"  TYPE", "STATUS", "AGE", "REASON", "MESSAGE"}};
  if (auto list = base::find(object, {"status", "conditions"}); list && list->is_array())
    for (const Json& condition : list->get_array())
      rows.push_back({"  " + base::text_at(condition, {"type"}),
                      base::text_at(condition, {"status"}),
                      age_of(condition, {"lastTransitionTime"}, now),
                      base::text_at(condition, {"reason"}), base::text_at(condition, {"message"})});
  return rows;
}

std::vector<std::vector<std::string>> metadata_rows(const Json& object, base::Time now) {
  std::vector<std::vector<std::string>> rows{
      {"Name:", base::text_at(object, {"metadata", "name"})},
      {"Namespace:", base::text_at(object, {"metadata", "namespace"})}};
  rows.push_back({"Age:", age_of(object, {"metadata", "creationTimestamp"}, now)});
  return rows;
}

}  // namespace

std::string describe_run(const Json& run, base::Time now) {
  auto rows = metadata_rows(run, now);
  auto row = [&](std::string_view title, std::string text) {
    if (!text.empty()) rows.push_back({std::string(title), std::move(text)});
  };
  row("Agent:", base::text_at(run, {"spec", "agentRef"}));
  row("Model:", base::text_at(run, {"spec", "model", "model"}));
  row("Phase:", base::text_at(run, {"status", "phase"}));
  row("Error:", base::text_at(run, {"status", "error"}));
  row("Job:", base::text_at(run, {"status", "jobName"}));
  row("Pod:", base::text_at(run, {"status", "podName"}));
  row("Started:", base::text_at(run, {"status", "startedAt"}));
  row("Completed:", base::text_at(run, {"status", "completedAt"}));
  if (auto usage = base::find(run, {"status", "tokenUsage"}))
    row("Used:", cat(base::find_int(*usage, {"inputTokens"}).value_or(0), " input and ",
                     base::find_int(*usage, {"outputTokens"}).value_or(0), " output tokens, ",
                     base::find_int(*usage, {"toolCalls"}).value_or(0), " tool calls, ",
                     base::format_duration(
                         base::Duration(base::find_int(*usage, {"durationMs"}).value_or(0)))));
  std::string out = format_rows(rows);
  if (auto task = base::text_at(run, {"spec", "task"}); !task.empty())
    out += "Task:\n" + indented(task, "  ");
  if (auto conditions = condition_rows(run, now); conditions.size() > 1)
    out += "Conditions:\n" + format_rows(conditions);
  if (auto result = base::text_at(run, {"status", "result"}); !result.empty())
    out += "Result:\n" + indented(result, "  ");
  return out;
}

namespace {
// Sizes, never values.
std::string describe_secret(const Json& data) {
  std::string out;
  if (data.is_object())
    for (const auto& [key, value] : data.get_object()) {
      const auto bytes =
          value.is_string() ? base::parse_base64(value.get_string()) : std::optional<std::string>();
      out += cat("  ", key, ": ", bytes ? bytes->size() : 0, " bytes\n");
    }
  return out;
}
}  // namespace

std::string describe_object(const Json& object, base::Time now) {
  std::string out = format_rows(metadata_rows(object, now));
  const bool secret = base::text_at(object, {"kind"}) == "Secret";
  for (std::string_view part : {"spec", "data", "status"}) {
    auto tree = base::find(object, {part});
    if (!tree) continue;
    out += cat(upper(part.substr(0, 1)), part.substr(1), ":\n");
    out += secret && part == "data" ? describe_secret(*tree)
                                    : indented(base::trim(format_yaml(*tree)), "  ");
  }
  return out;
}

std::string describe_events(const base::JsonArray& events, base::Time now) {
  if (events.empty()) return "";
  std::vector<std::vector<std::string>> rows{{"  TYPE", "REASON", "AGE", "FROM", "MESSAGE"}};
  for (const Json& event : events) {
    std::string from = base::text_at(event, {"source", "component"});
    if (from.empty()) from = base::text_at(event, {"reportingComponent"});
    std::string age = age_of(event, {"lastTimestamp"}, now);
    if (age.empty()) age = age_of(event, {"eventTime"}, now);
    rows.push_back({"  " + base::text_at(event, {"type"}), base::text_at(event, {"reason"}),
                    std::move(age), std::move(from), printable(base::text_at(event, {"message"}))});
  }
  return "Events:\n" + format_rows(rows);
}

namespace {

bool plain_enough(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  static constexpr std::string_view special = "-?:,[]{}#&*!|>'\"%@`";
  if (special.find(text.front()) != std::string_view::npos) return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos ||
      text.back() == ':')
    return false;
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return false;
  const std::string folded = base::lower(text);
  for (std::string_view word :
       {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".nan", ".inf"})
    if (folded == word) return false;
  // Anything that may be a number, a date or a time.
  return !((text.front() >= '0' && text.front() <= '9') || text.front() == '+' ||
           text.front() == '.');
}

void yaml_scalar(std::string& out, const Json& value) {
  if (value.is_string() && plain_enough(value.get_string()))
    out += value.get_string();
  else
    out += base::to_text(value);  // a JSON scalar is a YAML scalar
}

void yaml_tree(std::string& out, const Json& value, std::size_t depth);

// What follows "key:" or "-".
void yaml_value(std::string& out, const Json& value, std::size_t depth, bool in_list) {
  if (value.is_object() && !value.get_object().empty()) {
    if (!in_list) out += '\n';
    yaml_tree(out, value, depth);
  } else if (value.is_array() && !value.get_array().empty()) {
    out += '\n';
    yaml_tree(out, value, depth);
  } else if (value.is_string() && value.get_string().find('\n') != std::string::npos &&
             value.get_string().front() != ' ' && value.get_string().front() != '\n') {
    const std::string_view text = value.get_string();
    out += text.ends_with('\n') ? (text.ends_with("\n\n") ? "|+\n" : "|\n") : "|-\n";
    auto body = text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
    for (std::size_t at = 0; at <= body.size();) {
      auto end = std::min(body.find('\n', at), body.size());
      if (end > at) out += cat(std::string(depth * 2, ' '), body.substr(at, end - at));
      out += '\n';
      at = end + 1;
    }
  } else {
    yaml_scalar(out, value);
    out += '\n';
  }
}

void yaml_tree(std::string& out, const Json& value, std::size_t depth) {
  const std::string indent(depth * 2, ' ');
  if (value.is_array()) {
    for (const Json& item : value.get_array()) {
      out += indent + "- ";
      if (item.is_object() && !item.get_object().empty()) {
        std::string inner;
        yaml_tree(inner, item, depth + 1);
        out += inner.substr(indent.size() + 2);  // the first key stands on the dash's line
      } else {
        yaml_value(out, item, depth + 1, true);
      }
    }
    return;
  }
  for (const auto& [key, member] : value.get_object()) {
    out += indent;
    yaml_scalar(out, Json(key));
    out += member.is_structured() &&
                   !(member.is_object() ? member.get_object().empty() : member.get_array().empty())
               ? ":"
               : ": ";
    // Lists stand at the depth of their key, as kubectl prints them.
    yaml_value(out, member, member.is_array() ? depth : depth + 1, false);
  }
}

}  // namespace

std::string format_yaml(const Json& value) {
  std::string out;
  if (value.is_structured())
    yaml_tree(out, value, 0);
  else
    yaml_value(out, value, 0, false);
  return out;
}

}  // namespace cli
