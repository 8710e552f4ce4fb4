// Numbers about the program, in Prometheus' text format (version 0.0.4).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace controller {

// Label names and values, in the order in which they are written.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Metrics {
 public:
  void count(std::string_view name, const Labels& labels, double by = 1);
  void set(std::string_view name, const Labels& labels, double value);
  void observe(std::string_view name, const Labels& labels,
               base::Duration);  // name ends in _seconds
  // A gauge that is read when somebody asks, until unwatch().
  void watch(std::string_view name, const Labels& labels, std::function<double()> read);
  void unwatch(std::string_view name, const Labels& labels);
  void describe(std::string_view name, std::string_view help);
  std::string format() const;
  double value(std::string_view name,
               const Labels& labels) const;  // counters and gauges; 0 when absent

 private:
  static constexpr std::array<double, 11> bounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5,
                                                 1,     5,     10,   60,   600};
  struct Histogram {
    std::array<std::uint64_t, bounds.size()> buckets{};
    std::uint64_t count = 0;
    double sum = 0;
  };
  enum class Kind : std::uint8_t { counter, gauge, histogram };
  struct Family {
    Kind kind = Kind::gauge;
    std::string help;
    std::map<std::string, double> values;  // by formatted labels
    std::map<std::string, std::function<double()>> readers;
    std::map<std::string, Histogram> histograms;
  };
  Family& family(std::string_view name, Kind);

  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace controller
