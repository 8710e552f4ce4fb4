// The gateway without a journal: the shipped class with one that keeps everything in memory, as a
// process of its own. What it is faster than the shipped programs is what their journals cost.
#include <csignal>

#include "bench.h"
#include "gateway/server.h"
#include "io/conn.h"
#include "io/sync.h"

namespace bench {

namespace {

// Of one gateway, which never restarts: nobody reads events again, and nothing is refused.
class MemoryJournal final : public journal::Journal {
 public:
  io::Task<std::int64_t> append(journal::Batch batch) override {
    auto& run = runs_[batch.run];
    if (!run) run = journal::RunState{.fence = batch.fence, .seq = -1};
    run->fence = std::max(run->fence, batch.fence);
    run->seq += static_cast<std::int64_t>(batch.events.size());
    for (auto& blob : batch.blobs) blobs_[blob.sha256] = std::move(blob.bytes);
    co_return run->seq;
  }
  io::Task<std::optional<journal::RunState>> state(std::string run) override {
    co_return runs_[run];
  }
  io::Task<std::vector<std::string>> blobs(std::vector<std::string> sha256) override {
    std::vector<std::string> out;
    for (const auto& name : sha256) out.push_back(blobs_.at(name));
    co_return out;
  }
  io::Task<std::vector<journal::Delivery>> next(std::string, std::optional<std::int64_t>,
                                                std::size_t) override {
    co_await never_.wait();
    co_return std::vector<journal::Delivery>{};
  }
  io::Task<std::vector<journal::Event>> events(std::string, std::int64_t, std::size_t) override {
    co_return std::vector<journal::Event>{};
  }
  io::Task<std::optional<journal::Event>> find(std::string, journal::Kind, std::string) override {
    co_return std::nullopt;
  }
  io::Task<> ack(std::string, std::int64_t) override { co_return; }
  io::Task<> erase(std::string) override { co_return; }
  io::Task<> forget(std::string) override { co_return; }

 private:
  std::map<std::string, std::optional<journal::RunState>> runs_;
  std::map<std::string, std::string> blobs_;
  io::Event never_;
};

io::Task<> stop_at_signal(io::TaskGroup& group) {
  co_await io::next_signal({SIGTERM});
  group.stop();
}

}  // namespace

void serve_gateway(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  SilentLog log;
  MemoryJournal journal;
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  gateway::Gateway gateway(loop, clock, random, log, journal, api, {});
  auto listener = io::listen_fd(loop, flags.number("fd"));
  io::HttpServer server(loop, clock, log, {.connections_per_peer = 1024}, gateway.handler());
  io::TaskGroup group(loop);
  group.spawn("gateway", gateway.run());
  group.spawn("bridges", server.serve(*listener, nullptr));
  group.spawn("signals", stop_at_signal(group));
  loop.run(group.join());
}

}  // namespace bench
