// What the command line shows: pure functions from JSON to text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace cli {

// Columns of text, three spaces apart, as kubectl prints them.
std::string format_rows(const std::vector<std::vector<std::string>>& rows);

// A meta.k8s.io/v1 Table: header and cells; `wide` adds the columns of lower priority,
// `with_namespace` puts NAMESPACE first.
enum class Width : bool { normal, wide };
enum class NamespaceColumn : bool { no, yes };
std::string format_table(const base::Json& table, Width, NamespaceColumn);

// The same for a Table that goes on: later ones bring rows only, often without their columns.
class TablePrinter {
 public:
  TablePrinter(Width width, NamespaceColumn with_namespace)
      : width_(width), with_namespace_(with_namespace) {}
  std::string add(const base::Json& table);  // "" without rows

 private:
  void read_columns(const base::Json& table);

  Width width_;
  NamespaceColumn with_namespace_;
  std::vector<std::size_t> shown_, widths_;
  std::vector<std::string> header_;
  bool header_printed_ = false;
};

// "5s", "3m", "2h10m", "4d": the age of a thing, as kubectl words it.
std::string format_age(base::Duration);

// What a model or a tool wrote, fit for a terminal: control characters but line breaks and tabs
// become "�", so that no text steers the reader's terminal.
std::string printable(std::string_view text);

std::string counted(std::int64_t number, std::string_view what);  // "1 event", "2 events"

// One step of an agent (protocol/steps.h) as a line for people; "" for what is not a step.
std::string format_step(std::string_view line);

// An AgentRun in full: what was asked, where it runs, its conditions, its answer, what it used.
std::string describe_run(const base::Json& run, base::Time now);
// Any other object: its metadata and its YAML-like tree; of a Secret only how long its values are.
std::string describe_object(const base::Json& object, base::Time now);

// Events about one object, in the order given; "" without any.
std::string describe_events(const base::JsonArray&, base::Time now);

// A tree as YAML (block style), for -o yaml. Strings are quoted where YAML would read them as
// something else.
std::string format_yaml(const base::Json&);

}  // namespace cli
