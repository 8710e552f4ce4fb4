// Amounts as Kubernetes writes them, and values that are a number or a text.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace base {

// resource.Quantity: "500m", "128Mi", "1e3". Kept exactly to 10⁻⁹ (finer is rounded up), at most
// ±(2⁶³-1). Two quantities are equal when their amounts are: 1Ki == 1024.
class Quantity {
 public:
  // The family of suffixes in which it was written, and will be again.
  enum class Form : std::uint8_t { decimal, binary, exponent };  // 1k, 1Ki, 1e3

  constexpr Quantity() = default;
  static constexpr Quantity of_milli(std::int64_t milli, Form form = Form::decimal) {
    return Quantity(static_cast<__int128>(milli) * 1'000'000, form);
  }
  static constexpr Quantity of(std::int64_t whole, Form form = Form::decimal) {
    return Quantity(static_cast<__int128>(whole) * 1'000'000'000, form);
  }
  // Nothing when the text is not a quantity.
  static std::optional<Quantity> parse(std::string_view text);

  // The canonical text: no fraction, the largest suffix that keeps the amount ("1.5" → "1500m").
  std::string format() const;
  std::int64_t whole() const;  // rounded up: bytes, cores, pieces
  std::int64_t milli() const;  // rounded up, capped at 2⁶³-1: thousandths
  bool is_zero() const { return nano_ == 0; }

  std::strong_ordering operator<=>(const Quantity& other) const { return nano_ <=> other.nano_; }
  bool operator==(const Quantity& other) const { return nano_ == other.nano_; }
  Quantity& operator+=(const Quantity& other);  // keeps its own form; capped

 private:
  constexpr Quantity(__int128 nano, Form form) : nano_(nano), form_(form) {}

  __int128 nano_ = 0;
  Form form_ = Form::decimal;
};

// intstr.IntOrString: a port by number or by name, an amount or a percentage.
struct IntOrString {
  std::variant<std::int64_t, std::string> value;

  bool operator==(const IntOrString&) const = default;
};
std::string format(const IntOrString&);

}  // namespace base
