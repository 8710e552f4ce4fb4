#include "node/runtime.h"

#include <deque>

#include "io/conn.h"
#include "io/http.h"
#include "io/sync.h"

namespace node {

namespace {

constexpr base::Duration reconnect{200};
constexpr std::size_t line_bytes = 64 * 1024, queued_orders = 10'000;

}  // namespace

struct ShimRuntime::Impl {
  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  std::string socket;
  std::map<std::string, Record> mirror;
  std::unique_ptr<io::Channel<std::string>> orders;
  io::Event complete;

  void order(const shim::Order& what) {
    if (!orders || !orders->try_push(encode(what) + "\n"))
      log.warn("the shim is not connected; an order waits for its repetition");
  }

  static io::Task<> send(io::Conn& conn, io::Channel<std::string>& queue) {
    for (;;) {
      std::optional<std::string> line = co_await queue.pop();
      if (!line) co_return;
      co_await conn.write(*line);
    }
  }

  // Takes the shim's records as they come; before `ready` they make a new mirror.
  io::Task<> receive(io::Conn& conn, const Changed& changed) {
    io::LineSplitter lines(line_bytes);
    std::optional<std::map<std::string, Record>> fresh(std::in_place);
    std::vector<char> buffer(64 * 1024);
    for (;;) {
      std::size_t got = co_await conn.read_some(buffer);
      if (got == 0) throw base::Error(base::Code::unavailable, "the shim closed the connection");
      lines.add({buffer.data(), got});
      while (auto line = lines.next()) {
        auto record = shim::decode_record(*line);
        if (!record) {
          mirror = std::move(*fresh);
          fresh.reset();
          complete.set();
          changed("");
          continue;
        }
        auto& into = fresh ? *fresh : mirror;
        if (record->state == shim::State::removed)
          into.erase(record->id);
        else
          into[record->id] = *record;
        if (!fresh) changed(record->id);
      }
    }
  }

  io::Task<> once(const Changed& changed) {
    std::unique_ptr<io::Conn> conn = co_await io::connect_unix(socket);
    orders = std::make_unique<io::Channel<std::string>>(queued_orders);
    io::TaskGroup group(loop);
    group.spawn("sending orders", send(*conn, *orders));
    group.spawn("receiving records", receive(*conn, changed));
    std::exception_ptr error;
    try {
      co_await group.join();
    } catch (...) {
      error = std::current_exception();
    }
    group.stop();
    co_await group.join();
    orders.reset();
    if (error) std::rethrow_exception(error);
  }
};

ShimRuntime::ShimRuntime(io::Loop& loop, base::Clock& clock, base::Log& log, std::string socket)
    : impl_(new Impl{loop, clock, log, std::move(socket), {}, nullptr, {}}) {}
ShimRuntime::~ShimRuntime() = default;

io::Task<> ShimRuntime::follow(Changed changed) {
  for (;;) {
    try {
      co_await impl_->once(changed);
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      impl_->log.warn("the shim is out of reach", {{"error", error.what()}});
    }
    co_await io::sleep(impl_->clock, reconnect);
  }
}

io::Task<> ShimRuntime::ready() { co_await impl_->complete.wait(); }

void ShimRuntime::run(const shim::Run& order) { impl_->order(order); }
void ShimRuntime::kill(const std::string& id, int signal) { impl_->order(shim::Kill{id, signal}); }
void ShimRuntime::remove(const std::string& id) { impl_->order(shim::Remove{id}); }

std::optional<Record> ShimRuntime::find(const std::string& id) const {
  auto at = impl_->mirror.find(id);
  if (at == impl_->mirror.end()) return std::nullopt;
  return at->second;
}

std::vector<Record> ShimRuntime::list() const {
  std::vector<Record> out;
  for (const auto& [id, record] : impl_->mirror) out.push_back(record);
  return out;
}

}  // namespace node
