// An API server that answers by script, behind real HTTP over pipes in memory: for tests of what no
// well-behaved server says.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/http.h"
#include "kube/client.h"

namespace kube {

class ScriptedHttp {
 public:
  // How a streamed answer ends.
  enum class End : bool { properly, broken };

  ScriptedHttp(io::Loop& loop, base::Clock& clock)
      : server_(loop, clock, log_, {}, [this](io::Exchange& exchange) { return play(exchange); }),
        tasks_(loop) {}

  Endpoint endpoint() {
    return {.dialer = [this] { return std::make_unique<Dialer>(*this); }, .host = "server"};
  }

  // Each request is answered by the next of these; 599 at the end of the script.
  void answer(int status, std::string body, io::Headers headers = {}) {
    script_.push_back([=](io::Exchange& exchange) -> io::Task<> {
      co_await exchange.respond({status, headers, body});
    });
  }
  void stream(std::vector<std::string> pieces, End end) {
    script_.push_back([=](io::Exchange& exchange) -> io::Task<> {
      co_await exchange.begin(200, {});
      for (const std::string& piece : pieces) co_await exchange.send(piece);
      if (end == End::broken) throw base::Error(base::Code::internal, "breaks off here");
      co_await exchange.end();
    });
  }
  void say_nothing() {
    script_.push_back([](io::Exchange& exchange) { return exchange.client_gone(); });
  }

  std::vector<io::Request> asked;  // so far

 private:
  class Dialer final : public io::Dialer {
   public:
    explicit Dialer(ScriptedHttp& to) : to_(to) {}
    io::Task<std::unique_ptr<io::Conn>> dial() override {
      auto [here, there] = io::memory_pipe();
      to_.tasks_.spawn("connection", to_.server_.serve_conn(std::move(there)));
      co_return std::move(here);
    }

   private:
    ScriptedHttp& to_;
  };
  class NoLog final : public base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  };

  io::Task<> play(io::Exchange& exchange) {
    std::string body = co_await exchange.body(1 << 20);
    asked.push_back({exchange.method(), exchange.target(), exchange.headers(), std::move(body)});
    if (script_.empty()) {
      co_await exchange.respond({599, {}, "the script is at its end"});
      co_return;
    }
    const auto next = std::move(script_.front());
    script_.pop_front();
    co_await next(exchange);
  }

  NoLog log_;
  std::deque<io::Handler> script_;
  io::HttpServer server_;
  io::TaskGroup tasks_;
};

}  // namespace kube
