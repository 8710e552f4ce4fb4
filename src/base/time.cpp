#include "base/time.h"

#include <cmath>
#include <cstdio>

namespace base {

using namespace std::chrono;

namespace {

std::string format_civil(sys_seconds at, const char* fraction) {
  auto day = floor<days>(at);
  year_month_day date(day);
  hh_mm_ss clock(at - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d%sZ", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()), fraction);
  return text;
}

// Reads exactly `count` digits.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return {};
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool eat(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string format_time(Time time) { return format_civil(floor<seconds>(time), ""); }

std::string format_micro_time(MicroTime time) {
  auto whole = floor<seconds>(time);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06lld",
                static_cast<long long>((time - whole).count()));
  return format_civil(whole, fraction);
}

std::string format_time_millis(Time time) {
  auto whole = floor<seconds>(time);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03lld",
                static_cast<long long>((time - whole).count()));
  return format_civil(whole, fraction);
}

std::optional<MicroTime> parse_time(std::string_view text) {
  auto year_ = digits(text, 4);
  if (!year_ || !eat(text, "-")) return {};
  auto month_ = digits(text, 2);
  if (!month_ || !eat(text, "-")) return {};
  auto day_ = digits(text, 2);
  if (!day_ || !eat(text, "Tt ")) return {};
  auto hour_ = digits(text, 2);
  if (!hour_ || !eat(text, ":")) return {};
  auto minute_ = digits(text, 2);
  if (!minute_ || !eat(text, ":")) return {};
  auto second_ = digits(text, 2);
  if (!second_) return {};
  year_month_day date{year(*year_), month(unsigned(*month_)), day(unsigned(*day_))};
  if (!date.ok() || *hour_ > 23 || *minute_ > 59 || *second_ > 60) return {};
  std::int64_t micro = 0;
  if (eat(text, ".")) {
    std::int64_t unit = 100'000;
    if (text.empty() || text.front() < '0' || text.front() > '9') return {};
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      micro += (text.front() - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  minutes offset{0};
  if (!eat(text, "Zz")) {
    bool west = !text.empty() && text.front() == '-';
    if (!eat(text, "+-")) return {};
    auto hours_ = digits(text, 2);
    if (!hours_ || !eat(text, ":")) return {};
    auto minutes_ = digits(text, 2);
    if (!minutes_ || *hours_ > 23 || *minutes_ > 59) return {};
    offset = hours(*hours_) + minutes(*minutes_);
    if (west) offset = -offset;
  }
  if (!text.empty()) return {};
  return sys_days(date) + hours(*hour_) + minutes(*minute_) + seconds(*second_) - offset +
         microseconds(micro);
}

std::optional<Duration> parse_duration(std::string_view text) {
  bool negative = !text.empty() && text.front() == '-';
  eat(text, "+-");
  if (text == "0") return Duration{0};
  if (text.empty()) return {};
  double total_ms = 0;
  while (!text.empty()) {
    double value = 0, unit = 0.1;
    std::size_t seen = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      value = value * 10 + (text.front() - '0');
      text.remove_prefix(1), ++seen;
    }
    if (eat(text, "."))
      while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        value += (text.front() - '0') * unit;
        unit /= 10;
        text.remove_prefix(1), ++seen;
      }
    if (!seen) return {};
    auto take = [&](std::string_view name) {
      if (!text.starts_with(name)) return false;
      text.remove_prefix(name.size());
      return true;
    };
    if (take("ns"))
      total_ms += value / 1e6;
    else if (take("us") || take("µs"))
      total_ms += value / 1e3;
    else if (take("ms"))
      total_ms += value;
    else if (take("s"))
      total_ms += value * 1e3;
    else if (take("m"))
      total_ms += value * 60e3;
    else if (take("h"))
      total_ms += value * 3600e3;
    else
      return {};
    if (total_ms > 9.2e15) return {};
  }
  return Duration(std::llround(negative ? -total_ms : total_ms));
}

std::string format_duration(Duration duration) {
  auto ms = duration.count();
  if (ms == 0) return "0s";
  std::string out = ms < 0 ? "-" : "";
  ms = ms < 0 ? -ms : ms;
  if (ms < 1000) return out + std::to_string(ms) + "ms";
  if (ms >= 3'600'000) out += std::to_string(ms / 3'600'000) + "h";
  if (ms >= 60'000) out += std::to_string(ms / 60'000 % 60) + "m";
  out += std::to_string(ms / 1000 % 60);
  if (ms % 1000) {
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03d", int(ms % 1000));
    std::string_view digits_(fraction);
    while (digits_.ends_with('0')) digits_.remove_suffix(1);
    out += digits_;
  }
  return out + "s";
}

}  // namespace base
