// The one thread that writes a file: jobs from the loop, many of them under one commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/clock.h"
#include "io/loop.h"
#include "sqlite/database.h"

namespace sqlite {

struct WriterOptions {
  std::size_t queued_jobs_max = 8192;                      // beyond: Error(unavailable)
  std::size_t batch_jobs_max = 512;                        // jobs under one commit
  base::Duration retry_full_after = base::Duration(1000);  // see write
  // Called on the loop after each batch, also when nobody waits for its results any more.
  std::function<void()> on_written;
};

class Writer {
 public:
  struct Counters {
    std::uint64_t commits = 0;      // transactions made durable
    std::uint64_t jobs = 0;         // jobs that are durable
    std::uint64_t failed_jobs = 0;  // jobs that threw, or whose commit failed
  };

  // Opens (creates, migrates) the file before it returns. The loop must outlive the writer.
  Writer(io::Loop&, base::Clock&, const std::string& path, const FileKind&, WriterOptions = {});
  ~Writer();  // as close()
  Writer(const Writer&) = delete;

  // Runs `job(Database&)` on the writer's thread, in the order of the calls, and gives its result
  // when it is durable. Jobs that wait together share one transaction and one sync, each in a
  // savepoint: one that throws is undone alone. When the commit fails all its jobs fail.
  // `job` owns what it captures and leaves transactions alone. Cancellation abandons the result,
  // not the job.
  // Disk full: Error(unavailable) "… disk full"; for the time of `retry_full_after` every further
  // write is refused at once, then one is let through to see. Reads go on.
  // A disk that fails otherwise: every later write is refused, until a restart.
  template <class F>
  auto write(F job) -> io::Task<std::invoke_result_t<F&, Database&>> {
    using R = std::invoke_result_t<F&, Database&>;
    auto owned = std::make_shared<F>(std::move(job));
    if constexpr (std::is_void_v<R>) {
      std::function<void(Database&)> work = [owned](Database& database) { (*owned)(database); };
      co_await run_job(std::move(work));
    } else {
      auto result = std::make_shared<std::optional<R>>();
      std::function<void(Database&)> work = [owned, result](Database& database) {
        result->emplace((*owned)(database));
      };
      co_await run_job(std::move(work));
      co_return std::move(**result);
    }
  }

  Counters counters() const;
  // Finishes what is queued, empties the write-ahead log into the file and closes it. Blocks.
  // Later writes are refused.
  void close();

 private:
  io::Task<> run_job(std::function<void(Database&)>);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sqlite
