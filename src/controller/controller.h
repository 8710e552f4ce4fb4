// Reconcilers at work: keys come in, each is looked at by one worker, failures come again later.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "controller/metrics.h"
#include "controller/queue.h"
#include "io/loop.h"

namespace controller {

struct Result {
  std::optional<base::Duration> again_after;  // look again when this much time has passed
};

using Reconcile = std::function<io::Task<Result>(Key)>;

struct ControllerSettings {
  std::size_t workers = 4;
  Backoff backoff;
  base::Duration deadline{60'000};  // of one reconciliation
};

// Metrics: sympozium_reconcile_total{controller,result}, sympozium_reconcile_seconds{controller},
// sympozium_queue_depth{controller}.
class Controller {
 public:
  Controller(io::Loop&, base::Clock&, base::Random&, base::Log&, Metrics&, std::string name,
             Reconcile, ControllerSettings = {});
  ~Controller();
  Controller(const Controller&) = delete;

  void add(const Key& key) { queue_.add(key); }
  void add_after(const Key& key, base::Duration delay) { queue_.add_after(key, delay); }

  // Works until stop(); then finishes what is in hand and returns. Cancelling it abandons what is
  // in hand.
  io::Task<> run();
  void stop() { queue_.close(); }
  const Queue& queue() const { return queue_; }

 private:
  io::Task<> work();
  io::Task<> attempt(Key);
  // Logs it; the word for it in the metrics.
  std::string_view report(const Key&, std::exception_ptr failure) const;

  io::Loop& loop_;
  base::Clock& clock_;
  base::Log& log_;
  Metrics& metrics_;
  std::string name_;
  Reconcile reconcile_;
  ControllerSettings settings_;
  Queue queue_;
};

}  // namespace controller
