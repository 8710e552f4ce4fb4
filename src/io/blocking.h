// Calls that may block (mount, unlink of trees, big JSON, disk) run on two threads beside the loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "io/loop.h"

namespace io {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads = 2);
  // Waits for running calls; those still queued are cancelled. Before its loop goes away.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;

  // Runs `call` on a thread; the awaiting task goes on on its loop. What it throws is thrown there.
  // Cancellation abandons the result, not the call: it owns what it captured.
  template <class F>
  auto run(F call) -> Task<std::invoke_result_t<F>> {
    using R = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<R>) {
      std::function<void()> job = std::move(call);
      co_await run_job(std::move(job));
    } else {
      auto result = std::make_shared<std::optional<R>>();
      std::function<void()> job = [call = std::move(call), result]() mutable {
        result->emplace(call());
      };
      co_await run_job(std::move(job));
      co_return std::move(**result);
    }
  }

 private:
  Task<> run_job(std::function<void()>);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace io
