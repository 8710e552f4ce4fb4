#include "gateway/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/text.h"

namespace gateway {

using base::cat;

namespace {

constexpr std::uint16_t own_port(Scheme scheme) { return scheme == Scheme::https ? 443 : 80; }

[[noreturn]] void refuse(std::string_view url, std::string_view why) {
  throw base::Error(base::Code::invalid, cat("\"", base::clip(url, 200), "\" ", why));
}

std::string with_brackets(const std::string& host) {
  return host.find(':') == std::string::npos ? host : cat("[", host, "]");
}

struct Range {
  std::uint32_t net;
  int bits;
  std::string_view what;
};
constexpr std::uint32_t ip4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}
// IANA IPv4 special-purpose address registry, and one cloud's metadata server that is not in it.
constexpr std::array<Range, 17> special4{{
    {ip4(0, 0, 0, 0), 8, "unspecified"},
    {ip4(10, 0, 0, 0), 8, "private"},
    {ip4(100, 64, 0, 0), 10, "carrier-grade NAT"},
    {ip4(127, 0, 0, 0), 8, "loopback"},
    {ip4(168, 63, 129, 16), 32, "metadata"},
    {ip4(169, 254, 0, 0), 16, "link-local"},
    {ip4(172, 16, 0, 0), 12, "private"},
    {ip4(192, 0, 0, 0), 24, "reserved"},
    {ip4(192, 0, 2, 0), 24, "documentation"},
    {ip4(192, 88, 99, 0), 24, "reserved"},
    {ip4(192, 168, 0, 0), 16, "private"},
    {ip4(198, 18, 0, 0), 15, "benchmarking"},
    {ip4(198, 51, 100, 0), 24, "documentation"},
    {ip4(203, 0, 113, 0), 24, "documentation"},
    {ip4(224, 0, 0, 0), 4, "multicast"},
    {ip4(255, 255, 255, 255), 32, "broadcast"},
    {ip4(240, 0, 0, 0), 4, "reserved"},
}};

std::string_view why_not_public4(std::uint32_t address) {
  for (const auto& range : special4)
    if ((address ^ range.net) >> (32 - range.bits) == 0) return range.what;
  return {};
}

using Bytes16 = std::array<std::uint8_t, 16>;

std::uint32_t tail4(const Bytes16& address) {
  return ip4(address[12], address[13], address[14], address[15]);
}

bool starts_with(const Bytes16& address, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

bool is_zero(const Bytes16& address, std::size_t from, std::size_t to) {
  return std::all_of(address.begin() + static_cast<std::ptrdiff_t>(from),
                     address.begin() + static_cast<std::ptrdiff_t>(to),
                     [](std::uint8_t byte) { return byte == 0; });
}

// Only 2000::/3 is public unicast (RFC 4291 §2.4), and not all of it.
std::string_view why_not_public6(const Bytes16& a) {
  if (is_zero(a, 0, 10) && a[10] == 0xff && a[11] == 0xff) return why_not_public4(tail4(a));
  if (starts_with(a, {0x00, 0x64, 0xff, 0x9b}) && is_zero(a, 4, 12))  // NAT64 (RFC 6052)
    return why_not_public4(tail4(a));
  if (is_zero(a, 0, 15) && a[15] <= 1) return a[15] == 0 ? "unspecified" : "loopback";
  if (a[0] == 0xff) return "multicast";
  if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) return "link-local";
  if ((a[0] & 0xfe) == 0xfc) return "private";
  if ((a[0] & 0xe0) != 0x20) return "reserved";
  if (starts_with(a, {0x20, 0x01}) && a[2] < 2) return "reserved";  // 2001::/23: Teredo and others
  if (starts_with(a, {0x20, 0x01, 0x0d, 0xb8})) return "documentation";
  if (starts_with(a, {0x3f, 0xff}) && a[2] < 0x10) return "documentation";
  if (starts_with(a, {0x20, 0x02})) return why_not_public4(ip4(a[2], a[3], a[4], a[5]));  // 6to4
  return {};
}

}  // namespace

Url parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  const std::string scheme = base::lower(text.substr(0, text.find("://")));
  if (scheme != "http" && scheme != "https") refuse(text, "must begin with https:// or http://");
  url.scheme = scheme == "https" ? Scheme::https : Scheme::http;
  rest.remove_prefix(scheme.size() + 3);
  if (std::ranges::any_of(rest, [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
    refuse(text, "must hold no spaces or control characters");
  rest = rest.substr(0, rest.find('#'));

  std::string_view place = rest.substr(0, rest.find_first_of("/?\\"));
  rest.remove_prefix(place.size());
  if (place.find('@') != place.npos) refuse(text, "must not hold a user or password");
  std::string_view port;
  if (place.starts_with('[')) {
    const auto end = place.find(']');
    url.host = place.substr(1, end == place.npos ? place.npos : end - 1);
    in6_addr any;
    if (end == place.npos || ::inet_pton(AF_INET6, url.host.c_str(), &any) != 1)
      refuse(text, "has no valid address in its brackets");
    port = place.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) refuse(text, "has something after its address");
  } else {
    const auto colon = place.find(':');
    url.host = place.substr(0, colon);
    if (colon != place.npos) port = place.substr(colon);
  }
  url.host = base::lower(url.host);
  if (url.host.ends_with('.')) url.host.pop_back();
  if (url.host.empty()) refuse(text, "has no host");
  url.port = own_port(url.scheme);
  if (port.size() > 1) {
    const auto number = base::parse_int(port.substr(1));
    if (!number || *number < 1 || *number > 65535) refuse(text, "has no valid port");
    url.port = static_cast<std::uint16_t>(*number);
  }
  if (!rest.empty()) url.target = rest.starts_with('/') ? std::string(rest) : cat("/", rest);
  return url;
}

Url resolve_reference(const Url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  const auto scheme_end = reference.find(':');
  if (scheme_end != reference.npos &&
      reference.substr(0, scheme_end).find_first_of("/?") == std::string_view::npos)
    return parse_url(reference);
  if (reference.starts_with("//"))
    return parse_url(cat(base.scheme == Scheme::https ? "https:" : "http:", reference));
  if (reference.empty()) return base;
  const std::string_view target = base.target;
  const std::string_view path = target.substr(0, target.find('?'));
  std::string joined;
  if (reference.starts_with('/'))
    joined = reference;
  else if (reference.starts_with('?'))
    joined = cat(path, reference);
  else
    joined = cat(path.substr(0, path.rfind('/') + 1), reference);
  return parse_url(cat(origin(base), joined));
}

std::string host_and_port(const Url& url) { return cat(with_brackets(url.host), ":", url.port); }

std::string authority(const Url& url) {
  return url.port == own_port(url.scheme) ? with_brackets(url.host) : host_and_port(url);
}

std::string origin(const Url& url) {
  return cat(url.scheme == Scheme::https ? "https://" : "http://", authority(url));
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || why_not_public(host) == "loopback";
}

std::string_view why_not_public(std::string_view ip) {
  const std::string text(ip);
  in_addr four;
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return why_not_public4(ntohl(four.s_addr));
  Bytes16 six;
  if (::inet_pton(AF_INET6, text.c_str(), six.data()) == 1) return why_not_public6(six);
  return "unknown";
}

}  // namespace gateway
