#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace base {

namespace {

using Wide = __int128;

constexpr Wide nano_per_one = 1'000'000'000;
constexpr Wide most = Wide(std::numeric_limits<std::int64_t>::max()) * nano_per_one;

// Powers of 1000 from nano (index 0) on; index 3 is one.
constexpr std::array<std::string_view, 10> decimal_suffixes{"n", "u", "m", "",  "k",
                                                            "M", "G", "T", "P", "E"};
constexpr std::array<std::string_view, 7> binary_suffixes{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

// What a number is multiplied with: mantissa × 2^binary × 10^decimal.
struct Suffix {
  Quantity::Form form = Quantity::Form::decimal;
  int decimal = 0;
  int binary = 0;
};

std::optional<Suffix> parse_suffix(std::string_view text) {
  for (std::size_t i = 0; i < decimal_suffixes.size(); ++i)
    if (text == decimal_suffixes[i]) return Suffix{Quantity::Form::decimal, 3 * (int(i) - 3), 0};
  for (std::size_t i = 1; i < binary_suffixes.size(); ++i)
    if (text == binary_suffixes[i]) return Suffix{Quantity::Form::binary, 0, 10 * int(i)};
  if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) return {};
  text.remove_prefix(1);
  if (text.front() == '+') {
    text.remove_prefix(1);
    if (text.starts_with('-')) return {};
  }
  auto exponent = parse_int(text);
  if (!exponent || *exponent < -100 || *exponent > 100) return {};
  return Suffix{Quantity::Form::exponent, int(*exponent), 0};
}

std::int64_t divide_up(Wide value, Wide by) {
  Wide quotient = value / by;
  if (value > 0 && value % by != 0) ++quotient;  // towards +∞, as Kubernetes rounds
  Wide limit = std::numeric_limits<std::int64_t>::max();
  return std::int64_t(std::clamp(quotient, -limit, limit));
}

std::string digits_of(Wide value) {
  if (value == 0) return "0";
  std::string out;
  bool negative = value < 0;
  for (Wide left = negative ? -value : value; left > 0; left /= 10) out += char('0' + left % 10);
  if (negative) out += '-';
  return {out.rbegin(), out.rend()};
}

}  // namespace

std::optional<Quantity> Quantity::parse(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t whole_end = 0;
  while (whole_end < text.size() && digit(text[whole_end])) ++whole_end;
  std::string_view digits_before = text.substr(0, whole_end);
  std::string_view rest = text.substr(whole_end);
  std::string_view digits_after;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    std::size_t end = 0;
    while (end < rest.size() && digit(rest[end])) ++end;
    digits_after = rest.substr(0, end);
    rest = rest.substr(end);
  }
  if (digits_before.empty() && digits_after.empty()) return {};
  auto suffix = parse_suffix(rest);
  if (!suffix) return {};

  // Work in nano. Every digit has a place: 10^(place + 9 + decimal) nano, times 2^binary.
  Wide nano = 0;
  bool rounded = false;
  const Wide binary = Wide(1) << suffix->binary;
  int place = int(std::min<std::size_t>(digits_before.size(), 200)) - 1;
  auto add = [&](char c) {
    int power = place-- + 9 + suffix->decimal;
    Wide amount = c - '0';
    if (amount == 0) return;
    amount *= binary;
    for (; power > 0 && amount <= most; --power) amount *= 10;
    for (; power < 0 && amount > 0; ++power) {
      rounded |= amount % 10 != 0;
      amount /= 10;
    }
    nano = std::min(nano + std::min(amount, most), most);
  };
  while (digits_before.size() > 200 && digits_before.front() == '0') digits_before.remove_prefix(1);
  if (digits_before.size() > 200) return {};
  for (char c : digits_before) add(c);
  for (char c : digits_after.substr(0, 200)) add(c);
  if (rounded && nano < most && !negative) ++nano;
  return Quantity(negative ? -nano : nano, suffix->form);
}

std::string Quantity::format() const {
  if (nano_ == 0) return "0";
  if (form_ == Form::binary && (nano_ >= 1024 * nano_per_one || nano_ <= -1024 * nano_per_one)) {
    Wide amount = divide_up(nano_, nano_per_one);
    std::size_t power = 0;
    for (; power + 1 < binary_suffixes.size() && amount % 1024 == 0; ++power) amount /= 1024;
    return digits_of(amount) + std::string(binary_suffixes[power]);
  }
  Wide amount = nano_;
  int power = -9;
  for (; power < 18 && amount % 1000 == 0; power += 3) amount /= 1000;
  if (form_ == Form::exponent)
    return digits_of(amount) + (power == 0 ? "" : "e" + std::to_string(power));
  return digits_of(amount) + std::string(decimal_suffixes[std::size_t(power / 3 + 3)]);
}

std::int64_t Quantity::whole() const { return divide_up(nano_, nano_per_one); }
std::int64_t Quantity::milli() const { return divide_up(nano_, 1'000'000); }

Quantity& Quantity::operator+=(const Quantity& other) {
  nano_ = std::clamp(nano_ + other.nano_, -most, most);
  return *this;
}

std::string format(const IntOrString& value) {
  if (auto number = std::get_if<std::int64_t>(&value.value)) return std::to_string(*number);
  return std::get<std::string>(value.value);
}

}  // namespace base
