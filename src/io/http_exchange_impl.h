// One request on a server's connection. Included by .cpp files of io/ only.
#pragma once

#include "base/error.h"
#include "io/http_impl.h"

namespace io {

// A fault in the request itself: the answer that the protocol wants; the connection ends after it.
class Refusal : public base::Error {
 public:
  Refusal(int status, const std::string& why) : Error(base::Code::invalid, why), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

class ServerExchange final : public Exchange {
 public:
  // `unread`: bytes of the connection that came and were not parsed; they outlive the exchange.
  ServerExchange(Conn& conn, std::string& unread, std::size_t header_limit)
      : conn_(conn), unread_(unread), parser_(header_limit) {}

  enum class Head : unsigned char { none, partial, whole };
  // Reads and parses once. none: the client left between two requests. Throws Refusal.
  Task<Head> read_head();

  const std::string& method() const override { return parser_.method; }
  const std::string& target() const override { return parser_.target; }
  const Headers& headers() const override { return parser_.headers; }
  const Peer& peer() const override { return conn_.peer(); }
  bool answered() const override { return answered_; }

  Task<std::string> body(std::size_t limit) override;
  Task<> respond(Response) override;
  Task<> begin(int status, Headers) override;
  Task<> send(std::string_view chunk) override;
  Task<> end() override;
  Task<> client_gone() override;

  void close_after() { close_ = true; }
  // The request was read to its end.
  bool read_whole() const { return parser_.is_done(); }
  // The connection may serve another request after this one.
  bool reusable() const { return finished_ && read_whole() && keeps_alive(); }

 private:
  bool keeps_alive() const { return !close_ && parser_.keep_alive(); }
  bool sends_body(int status) const;
  std::string format_head(int status, const Headers&) const;
  void let_go_of_body();

  Conn& conn_;
  std::string& unread_;
  MessageParser<true> parser_;
  bool tried_ = false, answered_ = false, finished_ = false, close_ = false;
  bool bodiless_ = false, chunked_ = false;  // of the answer
};

}  // namespace io
