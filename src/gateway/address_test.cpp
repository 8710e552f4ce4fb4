#include "gateway/address.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace gateway {
namespace {

TEST(Address, TellsPublicOnesFromAllOthers) {
  struct Case {
    std::string ip, why;
  };
  const std::vector<Case> cases{
      {"8.8.8.8", ""},
      {"1.1.1.1", ""},
      {"9.255.255.255", ""},
      {"11.0.0.0", ""},
      {"100.63.255.255", ""},
      {"100.128.0.0", ""},
      {"172.15.255.255", ""},
      {"172.32.0.0", ""},
      {"192.167.255.255", ""},
      {"223.255.255.255", ""},
      {"2606:4700:4700::1111", ""},
      {"2001:4860:4860::8888", ""},
      {"0.0.0.0", "unspecified"},
      {"0.1.2.3", "unspecified"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.0", "carrier-grade NAT"},
      {"100.100.100.200", "carrier-grade NAT"},  // a metadata server, too
      {"100.127.255.255", "carrier-grade NAT"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"168.63.129.16", "metadata"},
      {"169.254.169.254", "link-local"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.192", "reserved"},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "reserved"},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"198.18.0.1", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "reserved"},
      {"::127.0.0.1", "reserved"},       // IPv4-compatible
      {"::ffff:127.0.0.1", "loopback"},  // IPv4-mapped
      {"::ffff:169.254.169.254", "link-local"},
      {"::ffff:8.8.8.8", ""},
      {"64:ff9b::10.0.0.1", "private"},  // NAT64
      {"64:ff9b::169.254.169.254", "link-local"},
      {"64:ff9b::8.8.8.8", ""},
      {"64:ff9b:1::8.8.8.8", "reserved"},  // NAT64 of the local network
      {"100::1", "reserved"},              // discard-only
      {"2001::1", "reserved"},             // Teredo
      {"2001:1ff::1", "reserved"},
      {"2001:db8::1", "documentation"},
      {"2002:a00:1::", "private"},  // 6to4 of 10.0.0.1
      {"2002:808:808::", ""},
      {"3fff::1", "documentation"},
      {"fc00::1", "private"},
      {"fd00:ec2::254", "private"},  // a metadata server, too
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "reserved"},  // site-local, long deprecated
      {"ff02::1", "multicast"},
      {"fe80::1%eth0", "unknown"},
      {"2130706433", "unknown"},
      {"0x7f.0.0.1", "unknown"},
      {"example.com", "unknown"},
      {"", "unknown"},
  };
  for (const auto& one : cases) EXPECT_EQ(why_not_public(one.ip), one.why) << one.ip;
}

TEST(Address, KnowsLoopbackByNameAndNumber) {
  for (auto host : {"localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (auto host : {"localhost.example.com", "128.0.0.1", "::2", "10.0.0.1", "", "host"})
    EXPECT_FALSE(is_loopback(host)) << host;
}

TEST(Url, IsTakenApart) {
  struct Case {
    std::string text, scheme, host_port, target, authority;
  };
  const std::vector<Case> cases{
      {"https://Example.COM", "https", "example.com:443", "/", "example.com"},
      {"http://example.com./a?b=c#d", "http", "example.com:80", "/a?b=c", "example.com"},
      {"HTTPS://h:8443?q", "https", "h:8443", "/?q", "h:8443"},
      {"http://[::1]:8080/x", "http", "[::1]:8080", "/x", "[::1]:8080"},
      {"https://[2606:4700::1]", "https", "[2606:4700::1]:443", "/", "[2606:4700::1]"},
      {"http://h:/x", "http", "h:80", "/x", "h"},
      {"http://h\\@evil/", "http", "h:80", "/\\@evil/", "h"},
  };
  for (const auto& one : cases) {
    const Url url = parse_url(one.text);
    EXPECT_EQ(url.scheme == Scheme::https ? "https" : "http", one.scheme) << one.text;
    EXPECT_EQ(host_and_port(url), one.host_port) << one.text;
    EXPECT_EQ(url.target, one.target) << one.text;
    EXPECT_EQ(authority(url), one.authority) << one.text;
  }
  for (auto text : {"", "example.com", "ftp://h/", "file:///etc/passwd", "https://", "http:///a",
                    "http://user@h/", "http://u:p@h/", "http://h:0/", "http://h:65536/",
                    "http://h:x/", "http://h/a b", "http://h/\n", "http://[::1/", "http://[x]/",
                    "http://[::1]x/", "http://:80/"})
    EXPECT_THROW(parse_url(text), base::Error) << text;
}

TEST(Url, FollowsReferences) {
  const Url base = parse_url("https://h:8443/a/b?x=1");
  struct Case {
    std::string reference, whole;
  };
  const std::vector<Case> cases{
      {"/c?d", "https://h:8443/c?d"},      {"c", "https://h:8443/a/c"},
      {"?y=2", "https://h:8443/a/b?y=2"},  {"//other/z", "https://other/z"},
      {"http://o/p", "http://o/p"},        {"", "https://h:8443/a/b?x=1"},
      {"#part", "https://h:8443/a/b?x=1"}, {"c?u=http://x", "https://h:8443/a/c?u=http://x"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(resolve_reference(base, one.reference), parse_url(one.whole)) << one.reference;
  EXPECT_THROW(resolve_reference(base, "javascript:alert(1)"), base::Error);
  EXPECT_THROW(resolve_reference(base, "file:///etc/passwd"), base::Error);
}

}  // namespace
}  // namespace gateway
