// An HTTP exchange in memory, for tests of handlers.
#pragma once

#include <string>

#include "io/http.h"
#include "io/sync.h"

namespace apiserver {

class FakeExchange final : public io::Exchange {
 public:
  FakeExchange(std::string method, std::string target, std::string body = "")
      : method_(std::move(method)), target_(std::move(target)), body_(std::move(body)) {}

  const std::string& method() const override { return method_; }
  const std::string& target() const override { return target_; }
  const io::Headers& headers() const override { return request_headers; }
  const io::Peer& peer() const override { return client; }
  io::Task<std::string> body(std::size_t limit) override {
    if (body_.size() > limit) throw base::Error(base::Code::invalid, "too long");
    co_return body_;
  }
  io::Task<> respond(io::Response response) override {
    status = response.status;
    response_headers = response.headers;
    text = std::move(response.body);
    co_return;
  }
  io::Task<> begin(int code, io::Headers given) override {
    status = code;
    response_headers = std::move(given);
    co_return;
  }
  io::Task<> send(std::string_view chunk) override {
    text += chunk;
    co_return;
  }
  io::Task<> end() override {
    ended = true;
    co_return;
  }
  bool answered() const override { return status != 0; }
  io::Task<> client_gone() override { return gone.wait(); }

  io::Headers request_headers;
  io::Peer client;
  io::Event gone;
  int status = 0;
  io::Headers response_headers;
  std::string text;
  bool ended = false;

 private:
  std::string method_, target_, body_;
};

}  // namespace apiserver
