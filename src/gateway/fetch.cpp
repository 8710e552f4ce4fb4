#include "gateway/fetch.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/address.h"
#include "gateway/html.h"
#include "io/http.h"
#include "io/tls.h"

namespace gateway {

using base::cat;
using base::Json;
using protocol::ToolResult;

namespace {

constexpr int redirects_max = 5;
constexpr std::int64_t chars_default = 50'000, chars_max = 100'000;
constexpr std::size_t headers_max = 32;

// For the model, which can do better the next time.
[[noreturn]] void refuse(std::string why) {
  throw base::Error(base::Code::invalid, cat("fetch_url: ", std::move(why)));
}

struct Wish {
  Url url;
  std::int64_t chars = chars_default;
  io::Headers headers;
};

// Fields that belong to the connection, or that would change what comes back in ways we do not
// read.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 11> ours{
      "host",    "connection", "content-length",  "transfer-encoding", "upgrade", "te",
      "trailer", "expect",     "accept-encoding", "keep-alive",        "range"};
  const std::string lower = base::lower(name);
  return lower.starts_with("proxy-") || std::ranges::find(ours, lower) != ours.end();
}

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(static_cast<char>(c)) ==
               std::string_view::npos;
  });
}

io::Headers read_headers(const Json& given) {
  io::Headers headers;
  if (!given.is_object()) refuse("headers: must be an object of texts");
  if (given.get_object().size() > headers_max) refuse("headers: too many of them");
  for (const auto& [key, value] : given.get_object()) {
    const std::string_view name = key;
    if (!is_token(name) || is_ours(name)) refuse(cat("headers: \"", name, "\" cannot be set"));
    if (!value.is_string()) refuse(cat("headers.", name, ": must be a text"));
    const std::string_view text = value.get_string();
    if (std::ranges::any_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
      refuse(cat("headers.", name, ": must hold no control characters"));
    headers.set(name, std::string(text));
  }
  return headers;
}

Wish read_wish(std::string_view arguments) {
  Wish wish;
  const Json json = base::parse_json(arguments);
  if (!json.is_object()) refuse("the arguments must be a JSON object");
  const auto url = base::find_string(json, {"url"});
  if (!url) refuse("url: is required and must be a text");
  wish.url = parse_url(*url);
  if (base::find(json, {"maxChars"})) {
    const auto chars = base::find_int(json, {"maxChars"});
    if (!chars || *chars < 1) refuse("maxChars: must be a number from 1 to 100000");
    wish.chars = std::min(*chars, chars_max);
  }
  if (const Json* headers = base::find(json, {"headers"}); headers && !headers->is_null())
    wish.headers = read_headers(*headers);
  return wish;
}

// Connects to addresses that were looked at, and to no other: a name that resolves to something
// else a moment later changes nothing.
class CheckedDialer final : public io::Dialer {
 public:
  CheckedDialer(std::vector<std::string> addresses, std::uint16_t port)
      : addresses_(std::move(addresses)), port_(port) {}
  io::Task<std::unique_ptr<io::Conn>> dial() override {
    std::string why;
    for (const auto& address : addresses_) {
      try {
        co_return co_await io::connect_tcp(address, port_);
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        why = error.what();
      }
    }
    throw base::Error(base::Code::unavailable, why);
  }

 private:
  std::vector<std::string> addresses_;
  std::uint16_t port_;
};

io::Task<std::vector<std::string>> checked_addresses(const Url& url,
                                                     const FetchSettings& settings) {
  std::vector<std::string> addresses = co_await io::resolve(url.host);
  std::string refused;
  std::erase_if(addresses, [&](const std::string& address) {
    const std::string_view why = why_not_public(address);
    if (why.empty() ||
        std::ranges::count(settings.also, host_and_port({.host = address, .port = url.port})))
      return false;
    refused = cat(address, ", which is ", why);
    return true;
  });
  if (addresses.empty())
    throw base::Error(base::Code::denied, cat("fetch_url: ", url.host, " is at ",
                                              refused.empty() ? "no address" : refused,
                                              ": only public addresses are fetched"));
  co_return addresses;
}

struct Page {
  int status = 0;
  std::string type, body;
  bool cut = false;
};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string media_type(std::string_view content_type) {
  return base::lower(base::trim(content_type.substr(0, content_type.find(';'))));
}

bool is_text(std::string_view type) {
  return type.empty() || type.starts_with("text/") || type.ends_with("+json") ||
         type.ends_with("+xml") || type == "application/json" || type == "application/xml" ||
         type == "application/javascript" || type == "application/x-javascript" ||
         type == "application/yaml" || type == "application/x-yaml" || type == "application/toml" ||
         type == "application/x-ndjson" || type == "application/x-www-form-urlencoded";
}

// One request of the chain; `url` becomes where to go on, when the page says so.
io::Task<std::optional<Page>> get(io::Loop& loop, base::Clock& clock, const FetchSettings& settings,
                                  Url& url, const io::Headers& headers) {
  auto addresses = co_await checked_addresses(url, settings);
  std::unique_ptr<io::Dialer> dialer =
      std::make_unique<CheckedDialer>(std::move(addresses), url.port);
  if (url.scheme == Scheme::https) {
    io::TlsClient tls;
    tls.server_name = url.host;
    dialer = io::tls_dialer(std::move(dialer), io::make_context(tls));
  }
  io::HttpClient client(loop, clock, std::move(dialer), authority(url));
  io::Request request{"GET", url.target, headers, ""};
  auto set_default = [&](std::string_view name, std::string value) {
    if (!request.headers.has(name)) request.headers.set(name, std::move(value));
  };
  set_default("User-Agent", "sympozium-fetch");
  set_default("Accept", "text/html, text/*, application/json, */*;q=0.5");
  set_default("Accept-Encoding", "identity");
  auto stream = co_await client.open(std::move(request), settings.deadline);

  if (const auto location = stream->headers().get("Location");
      is_redirect(stream->status()) && !location.empty()) {
    url = resolve_reference(url, location);
    co_return std::nullopt;
  }
  Page page{stream->status(), std::string(stream->headers().get("Content-Type")), "", false};
  const std::string encoding = base::lower(stream->headers().get("Content-Encoding"));
  if (!encoding.empty() && encoding != "identity")
    refuse(cat("the page came compressed (", encoding, ") although that was not asked for"));
  if (const std::string type = media_type(page.type); !is_text(type))
    refuse(cat("the page is ", type, ", not text"));
  while (page.body.size() <= settings.bytes_max) {
    auto piece = co_await stream->next();
    if (!piece) break;
    page.body += *piece;
  }
  page.cut = page.body.size() > settings.bytes_max;
  if (page.cut) page.body.resize(settings.bytes_max);
  co_return page;
}

io::Task<Page> follow(io::Loop& loop, base::Clock& clock, FetchSettings settings, Wish wish) {
  Url url = wish.url;
  for (int redirects = 0; redirects <= redirects_max; ++redirects) {
    // What was meant for one server is not told to another.
    const io::Headers headers = origin(url) == origin(wish.url) ? wish.headers : io::Headers();
    auto page = co_await get(loop, clock, settings, url, headers);
    if (page) co_return std::move(*page);
  }
  refuse(cat("more than ", redirects_max, " redirects"));
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

// At most `chars` characters; where the next one begins, or the size.
std::size_t end_of_chars(std::string_view text, std::int64_t chars) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (begins && chars-- == 0) return at;
  }
  return text.size();
}

ToolResult show(Page page, std::int64_t chars) {
  if (page.body.find('\0') != std::string::npos) refuse("the page is binary, not text");
  const std::string parameters = base::lower(page.type);
  const std::string type = media_type(page.type);
  const bool latin1 = parameters.find("iso-8859-1") != std::string::npos ||
                      parameters.find("windows-1252") != std::string::npos;
  std::string text = latin1 ? latin1_to_utf8(page.body) : base::repair_utf8(page.body);
  if (type == "text/html" || type == "application/xhtml+xml") text = html_to_text(text);

  ToolResult result;
  const auto total = text.size();
  const std::size_t end = end_of_chars(text, chars);
  if (end < total || page.cut) result.totalBytes = static_cast<std::int64_t>(total);
  if (end < total)
    text = cat(text.substr(0, end), "\n[cut after ", chars, " characters; maxChars up to ",
               chars_max, " shows more]");
  else if (page.cut)
    text += "\n[cut: the page is larger than what is read of it]";
  result.failed = page.status >= 400;
  result.text = page.status == 200 ? std::move(text) : cat("HTTP status ", page.status, "\n", text);
  return result;
}

}  // namespace

io::Task<ToolResult> fetch_url(io::Loop& loop, base::Clock& clock, FetchSettings settings,
                               std::string arguments) {
  ToolResult failed{"", true, {}, {}};
  try {
    Wish wish = read_wish(arguments);
    const std::int64_t chars = wish.chars;
    auto pages = follow(loop, clock, settings, std::move(wish));
    Page page = co_await io::within(clock, settings.deadline, "fetch_url", std::move(pages));
    co_return show(std::move(page), chars);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    failed.text = error.what();
  }
  co_return failed;
}

}  // namespace gateway
