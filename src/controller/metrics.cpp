#include "controller/metrics.h"

#include <charconv>

#include "base/text.h"

namespace controller {

namespace {

std::string format_number(double value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end);
}

std::string escape(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.contains(c)) out += '\\';
    out += c == '\n' ? 'n' : c;
  }
  return out;
}

// `a="x",b="y"`
std::string format_labels(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += base::cat(out.empty() ? "" : ",", name, "=\"", escape(value, "\\\"\n"), "\"");
  return out;
}

std::string series(std::string_view name, std::string_view suffix, std::string_view labels,
                   std::string_view more = {}) {
  std::string inner = base::cat(labels, labels.empty() || more.empty() ? "" : ",", more);
  if (!inner.empty()) inner = base::cat("{", inner, "}");
  return base::cat(name, suffix, inner, " ");
}

}  // namespace

Metrics::Family& Metrics::family(std::string_view name, Kind kind) {
  const auto found = families_.find(name);
  Family& made = found == families_.end() ? families_[std::string(name)] : found->second;
  made.kind = kind;
  return made;
}

void Metrics::count(std::string_view name, const Labels& labels, double by) {
  family(name, Kind::counter).values[format_labels(labels)] += by;
}

void Metrics::set(std::string_view name, const Labels& labels, double value) {
  family(name, Kind::gauge).values[format_labels(labels)] = value;
}

void Metrics::watch(std::string_view name, const Labels& labels, std::function<double()> read) {
  family(name, Kind::gauge).readers[format_labels(labels)] = std::move(read);
}

void Metrics::unwatch(std::string_view name, const Labels& labels) {
  family(name, Kind::gauge).readers.erase(format_labels(labels));
}

void Metrics::observe(std::string_view name, const Labels& labels, base::Duration duration) {
  Histogram& histogram = family(name, Kind::histogram).histograms[format_labels(labels)];
  const double seconds = static_cast<double>(duration.count()) / 1000;
  for (std::size_t i = 0; i < bounds.size(); ++i)
    if (seconds <= bounds[i]) ++histogram.buckets[i];
  ++histogram.count;
  histogram.sum += seconds;
}

void Metrics::describe(std::string_view name, std::string_view help) {
  families_[std::string(name)].help = help;
}

double Metrics::value(std::string_view name, const Labels& labels) const {
  const auto found = families_.find(name);
  if (found == families_.end()) return 0;
  const std::string text = format_labels(labels);
  if (const auto reader = found->second.readers.find(text); reader != found->second.readers.end())
    return reader->second();
  const auto value = found->second.values.find(text);
  return value == found->second.values.end() ? 0 : value->second;
}

std::string Metrics::format() const {
  std::string out;
  for (const auto& [name, family] : families_) {
    if (family.values.empty() && family.readers.empty() && family.histograms.empty()) continue;
    constexpr std::array<std::string_view, 3> kinds{"counter", "gauge", "histogram"};
    if (!family.help.empty())
      out += base::cat("# HELP ", name, " ", escape(family.help, "\\\n"), "\n");
    out += base::cat("# TYPE ", name, " ", kinds[static_cast<std::size_t>(family.kind)], "\n");
    for (const auto& [labels, value] : family.values)
      out += series(name, "", labels) + format_number(value) + "\n";
    for (const auto& [labels, read] : family.readers)
      out += series(name, "", labels) + format_number(read()) + "\n";
    for (const auto& [labels, histogram] : family.histograms) {
      for (std::size_t i = 0; i < bounds.size(); ++i)
        out += series(name, "_bucket", labels, base::cat("le=\"", format_number(bounds[i]), "\"")) +
               std::to_string(histogram.buckets[i]) + "\n";
      out +=
          series(name, "_bucket", labels, "le=\"+Inf\"") + std::to_string(histogram.count) + "\n";
      out += series(name, "_sum", labels) + format_number(histogram.sum) + "\n";
      out += series(name, "_count", labels) + std::to_string(histogram.count) + "\n";
    }
  }
  return out;
}

}  // namespace controller
