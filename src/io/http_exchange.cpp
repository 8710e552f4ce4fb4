#include <boost/beast/http/status.hpp>
#include <cstdio>

#include "io/http_exchange_impl.h"

namespace io {

namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

bool allows_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Task<ServerExchange::Head> ServerExchange::read_head() {
  if (unread_.empty() || tried_) {
    const std::size_t count = co_await read_more(conn_, unread_, portion(0));
    if (count == 0) {
      if (unread_.empty() && !parser_.got_some()) co_return Head::none;
      throw Refusal(400, "the request ended early");
    }
  }
  tried_ = true;
  const error_code error = parser_.take(unread_);
  if (error == http::error::header_limit) throw Refusal(431, "the request's header is too large");
  if (error == http::error::bad_version) throw Refusal(505, "HTTP/1.1 is spoken here");
  if (error) throw Refusal(400, "malformed request: " + error.message());
  if (!parser_.is_header_done()) co_return Head::partial;
  co_return Head::whole;
}

Task<std::string> ServerExchange::body(std::size_t limit) {
  auto too_large = [&] {
    close_ = true;
    return Refusal(413, base::cat("the request's body is larger than ", limit, " bytes"));
  };
  const auto length = parser_.content_length();
  if (length && *length > limit) throw too_large();
  if (length) parser_.body.reserve(static_cast<std::size_t>(*length));
  if (!parser_.is_done() && unread_.empty() && parser_.version == 11 &&
      base::lower(headers().get("Expect")) == "100-continue")
    co_await conn_.write(continue_line);
  while (!parser_.is_done()) {
    const std::size_t held = unread_.size();
    if (const error_code error = parser_.take(unread_)) {
      close_ = true;
      throw Refusal(400, "malformed request body: " + error.message());
    }
    if (parser_.body.size() > limit) throw too_large();
    if (parser_.is_done() || unread_.size() < held) continue;
    if (unread_.size() > portion(0)) {  // a chunk's size takes a line of its own, no page
      close_ = true;
      throw Refusal(400, "malformed request body: endless chunk header");
    }
    const auto expected = parser_.content_length_remaining();
    const std::size_t count =
        co_await read_more(conn_, unread_, portion(expected.value_or(16 * 1024)));
    if (count == 0) {
      close_ = true;
      throw Refusal(400, "the request's body ended early");
    }
  }
  co_return std::move(parser_.body);
}

Task<> ServerExchange::respond(Response response) {
  if (answered_) throw base::Error(base::Code::internal, "this request is answered already");
  let_go_of_body();
  if (allows_body(response.status))
    response.headers.set("Content-Length", std::to_string(response.body.size()));
  std::string bytes = format_head(response.status, response.headers);
  answered_ = true;
  if (sends_body(response.status)) {
    if (response.body.size() <= copied_body_bytes) {
      bytes += response.body;
    } else {
      co_await conn_.write(bytes);
      bytes = std::move(response.body);
    }
  }
  co_await conn_.write(bytes);
  finished_ = true;
}

Task<> ServerExchange::begin(int status, Headers headers) {
  if (answered_) throw base::Error(base::Code::internal, "this request is answered already");
  let_go_of_body();
  bodiless_ = !sends_body(status);
  chunked_ = parser_.version == 11;
  if (!chunked_) close_ = true;  // RFC 9112 §6.3: the end of the stream ends the answer
  if (chunked_ && allows_body(status)) headers.set("Transfer-Encoding", "chunked");
  const std::string bytes = format_head(status, headers);
  answered_ = true;
  co_await conn_.write(bytes);
}

Task<> ServerExchange::send(std::string_view chunk) {
  if (chunk.empty() || bodiless_) co_return;
  if (!chunked_) {
    co_await conn_.write(chunk);
    co_return;
  }
  char size[24];
  const int digits = std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
  std::string bytes;
  bytes.reserve(chunk.size() + static_cast<std::size_t>(digits) + 2);
  ((bytes += size) += chunk) += "\r\n";
  co_await conn_.write(bytes);
}

Task<> ServerExchange::end() {
  static constexpr std::string_view last = "0\r\n\r\n";
  if (chunked_ && !bodiless_) co_await conn_.write(last);
  finished_ = true;
}

Task<> ServerExchange::client_gone() {
  constexpr std::size_t patience = 64 * 1024;
  try {
    for (;;) {
      const std::size_t count = co_await read_more(conn_, unread_, 512);
      // One that talks on and on without an answer is as good as gone.
      if (count == 0 || unread_.size() > patience) co_return;
    }
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
  }
}

bool ServerExchange::sends_body(int status) const {
  return allows_body(status) && parser_.method != "HEAD";
}

std::string ServerExchange::format_head(int status, const Headers& headers) const {
  std::string head;
  head.reserve(512);
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  ((head += "HTTP/1.1 ") += std::to_string(status)) += ' ';
  head.append(reason.data(), reason.size()) += "\r\n";
  for (const auto& [name, value] : headers.fields()) append_field(head, name, value);
  if (!keeps_alive())
    head += "Connection: close\r\n";
  else if (parser_.version == 10)
    head += "Connection: keep-alive\r\n";
  return head += "\r\n";
}

// The answer begins though the handler did not ask for the whole body: what is here already is
// skipped, for the rest the connection must close.
void ServerExchange::let_go_of_body() {
  if (!parser_.is_done() && parser_.is_header_done() && parser_.take(unread_)) close_ = true;
  parser_.body.clear();
  if (!parser_.is_done()) close_ = true;
}

}  // namespace io
