// Where an outward request goes: URLs taken apart, addresses told apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway {

enum class Scheme : std::uint8_t { http, https };

struct Url {
  Scheme scheme = Scheme::https;
  std::string host;          // lower case; an IPv6 address without brackets
  std::uint16_t port = 0;    // always set
  std::string target = "/";  // path and query, without the fragment
  bool operator==(const Url&) const = default;
};

// Error(invalid) in words: http or https, a host, a port from 1 to 65535, no user information, no
// spaces or control characters.
Url parse_url(std::string_view text);
// A redirect's Location (RFC 3986 §5.2, dot segments are left to the server).
Url resolve_reference(const Url& base, std::string_view reference);

std::string host_and_port(const Url&);  // "example.com:443", "[::1]:8080"
std::string authority(const Url&);      // the Host header: without the scheme's own port
std::string origin(const Url&);         // "https://example.com"

// localhost (RFC 6761), 127.0.0.0/8 or ::1. A name that only resolves to them is none.
bool is_loopback(std::string_view host);

// "" for an address of the public internet, else what it is: "loopback", "private", "link-local",
// … (IANA special-purpose registries). An IPv4 address inside an IPv6 one (mapped, NAT64) counts as
// itself; what is no address at all is "unknown".
std::string_view why_not_public(std::string_view ip);

}  // namespace gateway
