#include "io/blocking.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

namespace {

struct Job {
  std::function<void()> call;
  asio::any_io_executor home;
  std::exception_ptr error;
  Event done;
};

}  // namespace

struct BlockingPool::Impl {
  std::mutex mutex;
  std::condition_variable filled;
  std::deque<std::shared_ptr<Job>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void work() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex);
        filled.wait(lock, [&] { return stopping || !queue.empty(); });
        if (stopping) return;
        job = std::move(queue.front());
        queue.pop_front();
      }
      try {
        job->call();
      } catch (...) {
        job->error = std::current_exception();
      }
      finish(std::move(job));
    }
  }

  static void finish(std::shared_ptr<Job> job) {
    job->call = nullptr;
    auto home = job->home;
    // The last reference goes on the loop's thread, where the event lives.
    asio::post(home, [job = std::move(job)] { job->done.set(); });
  }
};

BlockingPool::BlockingPool(std::size_t threads) : impl_(std::make_unique<Impl>()) {
  for (std::size_t i = 0; i < threads; ++i) impl_->threads.emplace_back([this] { impl_->work(); });
}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->filled.notify_all();
  for (auto& thread : impl_->threads) thread.join();
  for (auto& job : impl_->queue) {
    job->error = std::make_exception_ptr(
        base::Error(base::Code::cancelled, "the pool ended before the call began"));
    Impl::finish(std::move(job));
  }
}

Task<> BlockingPool::run_job(std::function<void()> call) {
  auto task = co_await asio::this_coro::cancellation_state;
  check(task);
  auto job = std::make_shared<Job>();
  job->call = std::move(call);
  job->home = co_await asio::this_coro::executor;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->queue.push_back(job);
  }
  impl_->filled.notify_one();
  co_await job->done.wait();
  if (job->error) std::rethrow_exception(job->error);
}

}  // namespace io
