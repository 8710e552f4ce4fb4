// Bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string base64(std::string_view bytes);  // RFC 4648 §4, padded
std::optional<std::string> parse_base64(
    std::string_view text);                     // padding optional, line breaks ignored
std::string base64url(std::string_view bytes);  // RFC 4648 §5, no padding
std::optional<std::string> parse_base64url(std::string_view text);
std::string hex(std::string_view bytes);  // lower case
std::optional<std::string> parse_hex(std::string_view text);
std::string url_escape(std::string_view text);  // RFC 3986: all but unreserved characters
std::optional<std::string> url_unescape(std::string_view text);  // "%41" → "A"; '+' stays '+'

}  // namespace base
