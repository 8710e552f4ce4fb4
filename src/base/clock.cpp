#include "base/clock.h"

#include <array>
#include <cstdio>

namespace base {

std::uint64_t random_below(Random& random, std::uint64_t bound) {
  // Rejection keeps it uniform: values of the last, incomplete stretch are drawn again.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    std::array<std::uint8_t, 8> bytes;
    random.fill(bytes);
    std::uint64_t value = 0;
    for (auto byte : bytes) value = value << 8 | byte;
    if (value < limit) return value % bound;
  }
}

std::string random_uuid(Random& random) {
  std::array<std::uint8_t, 16> b;
  random.fill(b);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  char text[37];
  std::snprintf(text, sizeof text,
                "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                b[15]);
  return text;
}

std::string random_suffix(Random& random, std::size_t n) {
  static constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  while (out.size() < n) out += alphabet[random_below(random, alphabet.size())];
  return out;
}

}  // namespace base
