// Small work on text.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace base {

// cat("pod ", name, " has ", 3, " containers"): one allocation more than needed, no format string.
namespace detail {
inline void put(std::string& out, std::string_view text) { out += text; }
inline void put(std::string& out, char c) { out += c; }
template <class N>
  requires(std::is_integral_v<N> && !std::is_same_v<N, char> && !std::is_same_v<N, bool>)
void put(std::string& out, N number) {
  out += std::to_string(number);
}
}  // namespace detail
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (detail::put(out, parts), ...);
  return out;
}

std::vector<std::string> split(std::string_view text,
                               char separator);  // "a,,b" → a, "", b; "" → {}
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);  // ASCII white space, both ends
std::string lower(std::string_view text);      // ASCII
// A whole decimal integer and nothing else.
std::optional<std::int64_t> parse_int(std::string_view text);
// At most `bytes` of it, cut before a UTF-8 sequence, never inside one.
std::string_view clip(std::string_view text, std::size_t bytes);
bool valid_utf8(std::string_view text);
// The same text with U+FFFD in place of each byte that is not UTF-8, so that it may stand in JSON.
std::string repair_utf8(std::string_view text);

// RFC 1123: lower-case letters, digits, '-', at most 63; a subdomain also takes '.', at most 253.
bool is_dns_label(std::string_view text);
bool is_dns_subdomain(std::string_view text);

}  // namespace base
