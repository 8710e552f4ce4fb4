#include "sim/port.h"

#include <map>

#include "base/error.h"

namespace sim {

struct Port::State {
  base::Clock& clock;
  io::HttpServer* http = nullptr;
  io::TaskGroup* tasks = nullptr;
  std::function<base::Duration()> delay;
  std::uint64_t last = 0;
  std::map<std::uint64_t, io::Conn*> dialled;  // by number: the order does not change
};

// One end of a connection.
class Port::Link final : public io::Conn {
 public:
  Link(std::shared_ptr<State> state, std::unique_ptr<io::Conn> inner, std::string who,
       bool is_dialler)
      : state_(std::move(state)), inner_(std::move(inner)) {
    peer_.address = std::move(who);
    if (is_dialler) state_->dialled[number_ = ++state_->last] = inner_.get();
  }
  ~Link() override { state_->dialled.erase(number_); }

  io::Task<std::size_t> read_some(std::span<char> buffer) override {
    return inner_->read_some(buffer);
  }
  io::Task<> write(std::string_view bytes) override {
    const auto time = state_->delay ? state_->delay() : base::Duration(0);
    if (time > base::Duration(0)) co_await io::sleep(state_->clock, time);
    co_await inner_->write(bytes);
  }
  io::Task<> shutdown_write() override { return inner_->shutdown_write(); }
  void close() override { inner_->close(); }
  const io::Peer& peer() const override { return peer_; }
  bool ended() const override { return inner_->ended(); }

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<io::Conn> inner_;
  io::Peer peer_;
  std::uint64_t number_ = 0;
};

class Port::LinkDialer final : public io::Dialer {
 public:
  LinkDialer(std::shared_ptr<State> state, std::string who)
      : state_(std::move(state)), who_(std::move(who)) {}
  io::Task<std::unique_ptr<io::Conn>> dial() override {
    if (!state_->http) throw base::Error(base::Code::unavailable, "connection refused");
    auto [here, there] = io::memory_pipe();
    auto served = std::make_unique<Link>(state_, std::move(there), who_, false);
    state_->tasks->spawn("connection", state_->http->serve_conn(std::move(served)));
    co_return std::make_unique<Link>(state_, std::move(here), "port", true);
  }

 private:
  std::shared_ptr<State> state_;
  std::string who_;
};

Port::Port(base::Clock& clock) : state_(std::make_shared<State>(clock)) {}
Port::~Port() { shut(); }

std::unique_ptr<io::Dialer> Port::dialer(std::string who) {
  return std::make_unique<LinkDialer>(state_, std::move(who));
}

void Port::open(io::HttpServer& http, io::TaskGroup& tasks) {
  state_->http = &http;
  state_->tasks = &tasks;
}

void Port::shut() { state_->http = nullptr; }

void Port::break_all() {
  for (const auto& [number, conn] : state_->dialled) conn->close();
}

void Port::delay(std::function<base::Duration()> delay) { state_->delay = std::move(delay); }

}  // namespace sim
