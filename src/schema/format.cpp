#include "schema/format.h"

#include <algorithm>

#include "base/text.h"

namespace schema {

namespace {

bool in(char c, char first, char last) { return c >= first && c <= last; }

bool is_go_duration(std::string_view text) {
  return !text.empty() && in(text.front(), '0', '9') && base::parse_duration(text).has_value() &&
         text.find_first_not_of("0123456789") != std::string_view::npos;
}

bool is_http_url(std::string_view text) {
  for (std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme)) {
      std::string_view rest = text.substr(scheme.size());
      return !rest.empty() && rest.front() != '/' &&
             rest.find_first_of(" \t\r\n") == std::string_view::npos;
    }
  return false;
}

bool is_word(std::string_view text, auto first, auto rest) {
  return !text.empty() && first(text.front()) && std::ranges::all_of(text.substr(1), rest);
}

}  // namespace

bool matches(Format format, std::string_view text) {
  switch (format) {
    case Format::none: return true;
    case Format::dns_label: return base::is_dns_label(text);
    case Format::dns_subdomain: return base::is_dns_subdomain(text);
    case Format::go_duration: return is_go_duration(text);
    case Format::http_url: return is_http_url(text);
    case Format::tool_name:
      return is_word(
          text, [](char c) { return in(c, 'a', 'z'); },
          [](char c) { return in(c, 'a', 'z') || in(c, '0', '9') || c == '_'; });
    case Format::env_name: {
      auto letter = [](char c) { return in(c, 'a', 'z') || in(c, 'A', 'Z') || c == '_'; };
      return is_word(text, letter, [&](char c) { return letter(c) || in(c, '0', '9'); });
    }
  }
  return false;
}

std::string_view pattern(Format format) {
  switch (format) {
    case Format::none: return "";
    case Format::dns_label: return "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
    case Format::dns_subdomain:
      return "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    case Format::go_duration: return "^([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$";
    case Format::http_url: return "^https?://[^/\\s][^\\s]*$";
    case Format::tool_name: return "^[a-z][a-z0-9_]*$";
    case Format::env_name: return "^[A-Za-z_][A-Za-z0-9_]*$";
  }
  return "";
}

std::int64_t length_max(Format format) {
  return format == Format::dns_label ? 63 : format == Format::dns_subdomain ? 253 : 0;
}

std::string_view expected(Format format) {
  switch (format) {
    case Format::none: return "any text";
    case Format::dns_label:
      return "a name of lower-case letters, digits and '-', at most 63 characters";
    case Format::dns_subdomain:
      return "a name of lower-case letters, digits, '-' and '.', at most 253 characters";
    case Format::go_duration: return "a duration such as 90s, 10m or 1h30m";
    case Format::http_url: return "a URL that begins with http:// or https:// and a host";
    case Format::tool_name: return "a lower-case letter, then lower-case letters, digits and '_'";
    case Format::env_name: return "a letter or '_', then letters, digits and '_'";
  }
  return "";
}

}  // namespace schema
