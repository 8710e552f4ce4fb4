#include <cstring>

#include "io/conn.h"
#include "io/sync.h"

namespace io {

namespace {

constexpr std::size_t pipe_limit = 64 * 1024;

// One direction.
struct Half {
  std::string bytes;
  bool ended = false, closed = false;
  Event readable, writable;
};

class MemoryConn final : public Conn {
 public:
  MemoryConn(std::shared_ptr<Half> in, std::shared_ptr<Half> out)
      : in_(std::move(in)), out_(std::move(out)) {
    peer_.address = "pipe";
  }
  ~MemoryConn() override { close(); }

  Task<std::size_t> read_some(std::span<char> buffer) override {
    auto half = in_;
    while (half->bytes.empty() || half->closed) {
      if (half->closed) throw base::Error(base::Code::unavailable, "reading from pipe: closed");
      if (half->ended) co_return 0;
      half->readable.clear();
      co_await half->readable.wait();
    }
    const std::size_t count = std::min(buffer.size(), half->bytes.size());
    std::memcpy(buffer.data(), half->bytes.data(), count);
    half->bytes.erase(0, count);
    half->writable.set();
    co_return count;
  }

  Task<> write(std::string_view bytes) override {
    auto half = out_;
    while (!bytes.empty()) {
      if (half->closed || half->ended)
        throw base::Error(base::Code::unavailable, "writing to pipe: closed");
      if (half->bytes.size() >= pipe_limit) {
        half->writable.clear();
        co_await half->writable.wait();
        continue;
      }
      const std::size_t count = std::min(bytes.size(), pipe_limit - half->bytes.size());
      half->bytes.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      half->readable.set();
    }
  }

  Task<> shutdown_write() override {
    out_->ended = true;
    out_->readable.set();
    co_return;
  }

  void close() override {
    in_->closed = true;
    out_->ended = true;  // what was written is still read
    for (auto& half : {in_, out_}) {
      half->readable.set();
      half->writable.set();
    }
  }

  const Peer& peer() const override { return peer_; }
  bool ended() const override { return in_->ended || in_->closed; }

 private:
  std::shared_ptr<Half> in_, out_;
  Peer peer_;
};

}  // namespace

std::pair<std::unique_ptr<Conn>, std::unique_ptr<Conn>> memory_pipe() {
  auto one = std::make_shared<Half>(), other = std::make_shared<Half>();
  return {std::make_unique<MemoryConn>(one, other), std::make_unique<MemoryConn>(other, one)};
}

}  // namespace io
