// What server and client share: the parser, and how heads are written. Included by .cpp files of
// io/ only.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "base/error.h"
#include "base/text.h"
#include "io/http.h"

namespace io {

namespace http = boost::beast::http;
using boost::system::error_code;

// One message. Beast finds its parts; they go straight into our types.
template <bool is_request>
class MessageParser final : public http::basic_parser<is_request> {
 public:
  explicit MessageParser(std::size_t header_limit) {
    this->header_limit(static_cast<std::uint32_t>(header_limit));
    this->body_limit(boost::none);  // the reader of the body sets the limit
  }

  // Parses what `unread` holds and takes it away; stops after the header and at the message's end.
  // What is left is incomplete, or belongs to the next message.
  error_code take(std::string& unread) {
    std::size_t used = 0;
    error_code error;
    while (used < unread.size() && !this->is_done()) {
      const bool had_header = this->is_header_done();
      used += this->put(boost::asio::buffer(unread.data() + used, unread.size() - used), error);
      if (error || this->is_header_done() != had_header) break;
    }
    unread.erase(0, used);
    return error == http::error::need_more ? error_code() : error;
  }

  std::string method, target;  // of a request
  int status = 0;              // of a response
  int version = 11;
  Headers headers;
  std::string body;  // what has come and was not taken out yet

 private:
  using Text = boost::beast::string_view;

  void on_request_impl(http::verb, Text m, Text t, int v, error_code&) override {
    method.assign(m.data(), m.size());
    target.assign(t.data(), t.size());
    version = v;
  }
  void on_response_impl(int code, Text, int v, error_code&) override {
    status = code;
    version = v;
  }
  void on_field_impl(http::field, Text name, Text value, error_code&) override {
    if (!this->is_header_done())  // trailers are not header fields
      headers.add({name.data(), name.size()}, std::string(value.data(), value.size()));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(Text piece, error_code&) override {
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text piece, error_code&) override {
    body.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_finish_impl(error_code&) override {}
};

// Appends "name: value\r\n". A line break in either would begin another field: Error(invalid).
inline void append_field(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::string_view breaks("\r\n\0", 3);
  if (name.empty() || name.find_first_of(breaks) != name.npos || name.find(':') != name.npos ||
      value.find_first_of(breaks) != value.npos)
    throw base::Error(base::Code::invalid,
                      base::cat("header field ", name.substr(0, 40), " contains a line break"));
  (((out += name) += ": ") += value) += "\r\n";
}

// A larger body is written by itself, so that it is not there twice.
inline constexpr std::size_t copied_body_bytes = 64 * 1024;

// How much to read at once: small while nothing is known to come, so that idle connections are
// cheap.
inline std::size_t portion(std::uint64_t expected) {
  constexpr std::uint64_t small = 4 * 1024, large = 64 * 1024;
  return static_cast<std::size_t>(std::clamp(expected, small, large));
}

// Reads once, to the end of `unread`; 0 at the end of the stream.
inline Task<std::size_t> read_more(Conn& conn, std::string& unread, std::size_t size) {
  const std::size_t held = unread.size();
  unread.resize(held + size);
  std::span<char> room(unread.data() + held, size);
  std::size_t count = 0;
  try {
    count = co_await conn.read_some(room);
  } catch (...) {
    unread.resize(held);
    throw;
  }
  unread.resize(held + count);
  co_return count;
}

}  // namespace io
