#include "sqlite/writer.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "io/sync.h"

namespace sqlite {

namespace {

using base::Code;
using base::Error;

struct Job {
  std::function<void(Database&)> work;
  std::exception_ptr error;  // written by the thread before it hands the job back
  io::Event done;            // the loop's
};
using JobPtr = std::shared_ptr<Job>;
using Batch = std::vector<JobPtr>;

}  // namespace

struct Writer::Impl {
  enum class State : unsigned char { good, full, failed };

  Impl(io::Loop& l, base::Clock& c, const std::string& p, const FileKind& kind, WriterOptions o)
      : loop(l),
        clock(c),
        path(p),
        options(o),
        opened(std::in_place, p, kind, Access::read_write) {}

  io::Loop& loop;
  base::Clock& clock;
  const std::string path;
  const WriterOptions options;
  std::optional<Database> opened;  // the thread's alone
  Database& database = *opened;

  std::mutex mutex;
  std::condition_variable filled;
  std::deque<JobPtr> queue;
  bool closing = false;
  Counters counters;

  std::atomic<State> state = State::good;
  std::optional<base::Instant> next_try;  // the loop's: while full, when one write may be tried
  std::thread thread;

  void work() {
    for (Batch batch = take(); !batch.empty(); batch = take()) {
      run(batch);
      for (auto& job : batch) job->work = nullptr;
      loop.post([batch = std::move(batch), on_written = options.on_written] {
        for (auto& job : batch) job->done.set();
        if (on_written) on_written();
      });
    }
  }

  Batch take() {
    std::unique_lock lock(mutex);
    filled.wait(lock, [&] { return closing || !queue.empty(); });
    const std::size_t size = std::min(queue.size(), options.batch_jobs_max);
    const auto end = queue.begin() + static_cast<std::ptrdiff_t>(size);
    Batch batch(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
    queue.erase(queue.begin(), end);
    return batch;
  }

  void run(Batch& batch) {
    const std::int64_t changes = database.total_changes();
    try {
      if (state == State::failed) throw Error(Code::unavailable, "the disk has failed");
      database.run("BEGIN IMMEDIATE");
      for (auto& job : batch) run(*job);
      database.run("COMMIT");
      state = State::good;
    } catch (...) {
      undo();
      judge(std::current_exception());
      for (auto& job : batch)
        if (!job->error) job->error = std::current_exception();
    }
    count(batch, changes);
  }

  // One job in its savepoint. Throws only when the whole transaction is lost.
  void run(Job& job) {
    try {
      database.run("SAVEPOINT job");
      job.work(database);
      database.run("RELEASE job");
    } catch (...) {
      job.error = std::current_exception();
      // SQLite undoes the transaction itself when it has no room or the disk fails.
      if (!database.in_transaction() || is_disk_error(job.error)) throw;
      database.run("ROLLBACK TO job");
      database.run("RELEASE job");
    }
  }

  static bool is_disk_error(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const DiskFull&) {
      return true;
    } catch (const DiskFailed&) {
      return true;
    } catch (...) {
      return false;
    }
  }

  void undo() {
    try {
      if (database.in_transaction()) database.run("ROLLBACK");
    } catch (...) {
      state = State::failed;
    }
  }

  void judge(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const DiskFull&) {
      if (state == State::good) state = State::full;
    } catch (const DiskFailed&) {
      // A failed sync may have dropped pages that a later one calls written.
      state = State::failed;
    } catch (...) {}
  }

  void count(const Batch& batch, std::int64_t changes_before) {
    std::uint64_t good = 0;
    for (const auto& job : batch) good += job->error ? 0 : 1;
    std::lock_guard lock(mutex);
    counters.jobs += good;
    counters.failed_jobs += batch.size() - good;
    if (good > 0 && database.total_changes() != changes_before) ++counters.commits;
  }

  // On the loop. Throws when a write is refused before it is queued.
  void admit() {
    if (state == State::good) {
      next_try.reset();
      return;
    }
    if (state == State::failed)
      throw Error(Code::unavailable, path + ": the disk has failed; restart to go on");
    const base::Instant now = clock.steady();
    const bool early = !next_try || now < *next_try;
    if (!next_try || !early) next_try = now + options.retry_full_after;
    if (early) throw DiskFull(path + ": disk full");
  }

  void enqueue(JobPtr job) {
    {
      std::lock_guard lock(mutex);
      if (closing) throw Error(Code::unavailable, path + ": closed");
      if (queue.size() >= options.queued_jobs_max)
        throw Error(Code::unavailable, path + ": too many writes are waiting");
      queue.push_back(std::move(job));
    }
    filled.notify_one();
  }
};

Writer::Writer(io::Loop& loop, base::Clock& clock, const std::string& path, const FileKind& kind,
               WriterOptions options)
    : impl_(std::make_unique<Impl>(loop, clock, path, kind, options)) {
  impl_->thread = std::thread([this] { impl_->work(); });
}

Writer::~Writer() { close(); }

io::Task<> Writer::run_job(std::function<void(Database&)> work) {
  impl_->admit();
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  impl_->enqueue(job);
  co_await job->done.wait();
  if (job->error) std::rethrow_exception(job->error);
}

Writer::Counters Writer::counters() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

void Writer::close() {
  {
    std::lock_guard lock(impl_->mutex);
    if (impl_->closing) return;
    impl_->closing = true;
  }
  impl_->filled.notify_one();
  impl_->thread.join();
  try {
    impl_->database.checkpoint();
  } catch (const Error&) {
    // A full disk: the log stays and is read at the next start.
  }
  impl_->opened.reset();
}

}  // namespace sqlite
