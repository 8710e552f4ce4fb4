#include "journal/postgres_journal.h"

#include <algorithm>

#include "base/text.h"
#include "io/sync.h"
#include "journal/postgres_tables.h"

namespace journal {

namespace {

using base::Code;
using base::Error;
using postgres::Transaction;
using Results = std::vector<postgres::Result>;

// Contents beyond this are packed and unpacked beside the loop.
constexpr std::size_t bytes_on_loop_max = 64 * 1024;
constexpr base::Duration first_pause{100}, longest_pause{5'000};
// A waiting consumer is told by NOTIFY. One notice is lost when a process dies between its commit
// and the notice, and nobody appends after it: for that alone there is this rare look.
constexpr base::Duration safety_look{60'000};

class Pause {
 public:
  Pause(base::Clock& clock, base::Random& random) : clock_(clock), random_(random) {}
  io::Task<> wait() {
    const auto most = static_cast<std::uint64_t>(next_.count());
    const base::Duration more(static_cast<std::int64_t>(base::random_below(random_, most / 2 + 1)));
    const base::Duration now = next_ + more;
    next_ = std::min(next_ * 2, longest_pause);
    co_await io::sleep(clock_, now);
  }
  void reset() { next_ = first_pause; }

 private:
  base::Clock& clock_;
  base::Random& random_;
  base::Duration next_ = first_pause;
};

std::string random_id(base::Random& random) {
  std::string id(16, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(id.data()), id.size()});
  return id;
}

}  // namespace

struct PostgresJournal::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Random& r, base::Log& g, io::BlockingPool& b,
       postgres::ConnectOptions how, postgres::PoolOptions options)
      : loop(l),
        clock(c),
        random(r),
        log(g),
        blocking(b),
        connecting(how),
        pool(l, c, r, std::move(how), options),
        group(l) {}

  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  io::BlockingPool& blocking;
  const postgres::ConnectOptions connecting;
  const std::string self = base::random_uuid(random);
  // Among those who write this journal.
  const std::int64_t number = static_cast<std::int64_t>(base::random_below(random, 0x7fffffff)) + 1;
  io::Event introduced;    // the others know that we are at work
  std::uint64_t news = 0;  // raised when somebody may have appended
  io::Event came;          // and this set
  io::Event untold;        // other processes have not been told of what we appended
  postgres::Pool pool;
  io::TaskGroup group;

  void tell_waiting() {
    ++news;
    came.set();
  }

  // Until `news` is not `seen` any more.
  io::Task<> wait_for_news(std::uint64_t seen) {
    while (news == seen) {
      came.clear();
      co_await came.wait();
    }
  }

  // ---- the tasks behind it ----

  io::Task<> tell_others() {
    Pause pause(clock, random);
    for (;;) {
      co_await untold.wait();
      untold.clear();
      bool told = true;
      try {
        Transaction news_of_us = tell_news(self);
        co_await pool.run(std::move(news_of_us));
        pause.reset();
      } catch (const Error& error) {
        if (error.code() == Code::cancelled) throw;
        told = false;
      }
      if (told) continue;
      co_await pause.wait();
      untold.set();
    }
  }

  io::Task<> hear_others() {
    Pause pause(clock, random);
    for (;;) {
      try {
        auto connection = co_await postgres::Connection::connect(loop, clock, connecting);
        connection->on_notification([this](const std::string& writer) {
          if (writer != self) tell_waiting();
        });
        Transaction listen = listen_for_news(number);
        co_await connection->run(std::move(listen));
        introduced.set();
        pause.reset();
        tell_waiting();  // of what was appended while we did not listen
        co_await connection->wait_spent();
      } catch (const Error& error) {
        if (error.code() == Code::cancelled) throw;
        log.warn("cannot listen for news of the journal", {{"error", error.what()}});
      }
      co_await pause.wait();
    }
  }

  io::Task<> look_for_safety() {
    for (;;) {
      co_await io::sleep(clock, safety_look);
      tell_waiting();
    }
  }

  // ---- asking ----

  // What changes nothing, or nothing twice: asked again when the connection broke under it.
  io::Task<Results> ask(Transaction transaction) {
    Transaction copy = transaction;
    try {
      auto results = co_await pool.run(std::move(copy));
      co_return results;
    } catch (const postgres::Lost&) {
      // The server was started anew, perhaps.
    }
    co_return co_await pool.run(std::move(transaction));
  }

  // As ask, but waits for a database that is away.
  io::Task<Results> ask_patiently(Transaction transaction) {
    for (Pause pause(clock, random);;) {
      Transaction copy = transaction;
      try {
        auto results = co_await pool.run(std::move(copy));
        co_return results;
      } catch (const Error& error) {
        if (error.code() != Code::unavailable) throw;
      }
      co_await pause.wait();
    }
  }

  // ---- appending ----

  io::Task<PreparedBatch> make(Batch batch) {
    std::size_t size = 0;
    for (const auto& blob : batch.blobs) size += blob.bytes.size();
    const base::Time now = clock.now();
    auto work = [batch = std::move(batch), now, id = random_id(random)] {
      return prepare(batch, now, id);
    };
    if (size <= bytes_on_loop_max) co_return work();
    co_return co_await blocking.run(std::move(work));
  }

  // Until it is known what became of a batch whose connection broke: what is left of that ends
  // first, lest it writes the batch after we looked.
  io::Task<std::int64_t> settle(PreparedBatch batch, postgres::Backend left) {
    log.warn("the connection broke under an append; looking whether it was written",
             {{"run_uid", batch.run}});
    for (Pause pause(clock, random);;) {
      try {
        co_await pool.end(left);
        Transaction again = append_to(batch, Try::again);
        const auto results = co_await pool.run(std::move(again));
        co_return appended(results);
      } catch (const postgres::Lost& lost) {
        left = lost.backend();
      } catch (const Error& error) {
        if (error.code() != Code::unavailable) throw;
      }
      co_await pause.wait();
    }
  }

  io::Task<std::int64_t> write(PreparedBatch batch) {
    postgres::Backend left;
    try {
      Transaction first = append_to(batch, Try::first);
      const auto results = co_await pool.run(std::move(first));
      co_return appended(results);
    } catch (const postgres::Lost& lost) {
      left = lost.backend();
    }
    co_return co_await settle(std::move(batch), left);
  }
};

PostgresJournal::PostgresJournal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresJournal::~PostgresJournal() = default;

io::Task<std::unique_ptr<PostgresJournal>> PostgresJournal::open(
    io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
    io::BlockingPool& blocking, postgres::ConnectOptions connecting,
    std::vector<std::string> consumers, postgres::PoolOptions options) {
  co_await postgres::migrate(loop, clock, connecting, postgres_schema());
  auto impl =
      std::make_unique<Impl>(loop, clock, random, log, blocking, std::move(connecting), options);
  Transaction named = set_consumers(consumers);
  co_await impl->ask(std::move(named));
  impl->group.spawn("telling of the journal's news", impl->tell_others());
  impl->group.spawn("listening for the journal's news", impl->hear_others());
  impl->group.spawn("looking for the journal's news", impl->look_for_safety());
  co_await impl->introduced.wait();
  co_return std::unique_ptr<PostgresJournal>(new PostgresJournal(std::move(impl)));
}

postgres::Pool::Counters PostgresJournal::counters() const { return impl_->pool.counters(); }

io::Task<std::int64_t> PostgresJournal::append(Batch batch) {
  const std::string run = batch.run;
  const auto after = batch.after;
  PreparedBatch prepared = co_await impl_->make(std::move(batch));
  std::int64_t seq = 0;
  try {
    seq = co_await impl_->write(std::move(prepared));
  } catch (const postgres::SqlError& error) {
    if (!is_not_last(error)) throw;
    throw Error(Code::conflict, not_last(run, *after));
  }
  impl_->tell_waiting();
  impl_->untold.set();
  co_return seq;
}

io::Task<std::optional<RunState>> PostgresJournal::state(std::string run) {
  Transaction query = select_state(run);
  const auto results = co_await impl_->ask(std::move(query));
  co_return state_in(results);
}

io::Task<std::vector<Event>> PostgresJournal::events(std::string run, std::int64_t after,
                                                     std::size_t limit) {
  Transaction query = select_events(run, after, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return events_in(results);
}

io::Task<std::optional<Event>> PostgresJournal::find(std::string run, Kind kind,
                                                     std::string subject) {
  Transaction query = select_event(run, kind, subject);
  const auto results = co_await impl_->ask(std::move(query));
  auto found = events_in(results);
  if (found.empty()) co_return std::nullopt;
  co_return std::move(found.front());
}

io::Task<std::vector<std::string>> PostgresJournal::blobs(std::vector<std::string> sha256) {
  Transaction query = select_blobs(sha256);
  auto results = co_await impl_->ask(std::move(query));
  auto work = [results, sha256 = std::move(sha256)] { return blobs_in(results, sha256); };
  std::size_t size = 0;
  for (std::size_t row = 0; row < results.front().rows(); ++row)
    size += static_cast<std::size_t>(results.front().integer(row, 1));
  if (size <= bytes_on_loop_max) co_return work();
  co_return co_await impl_->blocking.run(std::move(work));
}

io::Task<std::vector<Delivery>> PostgresJournal::next(std::string consumer,
                                                      std::optional<std::int64_t> after,
                                                      std::size_t limit) {
  for (;;) {
    const std::uint64_t seen = impl_->news;
    Transaction query = select_deliveries(consumer, after, limit);
    const auto results = co_await impl_->ask_patiently(std::move(query));
    auto deliveries = deliveries_in(results, consumer);
    if (!deliveries.empty()) co_return deliveries;
    co_await impl_->wait_for_news(seen);
  }
}

io::Task<> PostgresJournal::ack(std::string consumer, std::int64_t position) {
  Transaction query = acknowledge_in(consumer, position);
  const auto results = co_await impl_->ask(std::move(query));
  if (results.front().changes() == 0)
    throw Error(Code::not_found, "the outbox has no consumer " + consumer);
}

io::Task<> PostgresJournal::erase(std::string run) {
  Transaction query = erase_in(run);
  co_await impl_->ask(std::move(query));
}

// A second try may find that the first one did it.
io::Task<> PostgresJournal::forget(std::string run) {
  Transaction query = forget_in(run);
  co_await impl_->pool.run(std::move(query));
  impl_->tell_waiting();  // the signer
  impl_->untold.set();
}

// ---- writers ----

std::string PostgresJournal::self() const { return std::to_string(impl_->number); }

io::Task<bool> PostgresJournal::is_at_work(std::string name) {
  const auto number = base::parse_int(name);
  if (!number || *number < 0 || *number > 0x7fffffff) co_return false;
  Transaction query = look_for_writer(*number);
  const auto results = co_await impl_->ask(std::move(query));
  co_return journal::is_at_work(results);
}

// ---- archive ----

io::Task<std::vector<RunEntry>> PostgresJournal::runs(RunFilter filter, std::size_t limit) {
  Transaction query = select_runs(filter, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return runs_in(results);
}

io::Task<std::vector<RunEntry>> PostgresJournal::ended(base::Time before, std::size_t limit) {
  Transaction query = select_ended(before, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return runs_in(results);
}

io::Task<std::vector<Delivery>> PostgresJournal::history(std::string ns, std::int64_t after,
                                                         std::size_t limit) {
  Transaction query = select_history(ns, after, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return history_in(results);
}

io::Task<> PostgresJournal::grown(std::string ns, std::int64_t after) {
  for (;;) {
    const std::uint64_t seen = impl_->news;
    Transaction query = select_position(ns, base::Time::max());
    const auto results = co_await impl_->ask_patiently(std::move(query));
    if (position_in(results) > after) co_return;
    co_await impl_->wait_for_news(seen);
  }
}

io::Task<std::int64_t> PostgresJournal::position(std::string ns, base::Time before) {
  Transaction query = select_position(ns, before);
  const auto results = co_await impl_->ask(std::move(query));
  co_return position_in(results);
}

io::Task<> PostgresJournal::import(ImportedRun run) {
  const std::string uid = run.events.empty() ? "" : run.events.front().run;
  auto work = [run = std::move(run)] { return import_to(run, check_import(run)); };
  Transaction transaction = co_await impl_->blocking.run(std::move(work));
  try {
    co_await impl_->pool.run(std::move(transaction));
  } catch (const Error& error) {
    if (error.code() != Code::exists) throw;
    throw Error(Code::exists, base::cat("run ", uid, " is in this journal already"));
  }
  impl_->tell_waiting();  // the signer
  impl_->untold.set();
}

// ---- checkpoints ----

io::Task<std::vector<std::string>> PostgresJournal::unsigned_namespaces() {
  for (;;) {
    const std::uint64_t seen = impl_->news;
    Transaction query = select_unsigned_namespaces();
    const auto results = co_await impl_->ask_patiently(std::move(query));
    auto names = namespaces_in(results);
    if (!names.empty()) co_return names;
    co_await impl_->wait_for_news(seen);
  }
}

io::Task<Checkpoints::Unsigned> PostgresJournal::unsigned_heads(std::string ns, std::size_t limit) {
  Transaction query = select_unsigned(ns, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return unsigned_in(results);
}

// Not asked twice: when the first try was written, the second one would not know its own.
io::Task<> PostgresJournal::add(Checkpoint checkpoint, std::vector<Head> signed_heads,
                                AuditKey key) {
  Transaction transaction = add_checkpoint_to(checkpoint, signed_heads, key);
  try {
    co_await impl_->pool.run(std::move(transaction));
  } catch (const Error& error) {
    if (error.code() != Code::exists) throw;
    throw Error(Code::exists, base::cat("namespace ", checkpoint.ns, " has a checkpoint ",
                                        checkpoint.number, " already"));
  }
}

io::Task<std::vector<AuditKey>> PostgresJournal::keys() {
  Transaction query = select_keys();
  const auto results = co_await impl_->ask(std::move(query));
  co_return keys_in(results);
}

io::Task<std::vector<Checkpoint>> PostgresJournal::checkpoints(std::string ns, std::int64_t after,
                                                               std::size_t limit) {
  Transaction query = select_checkpoints(ns, after, limit);
  const auto results = co_await impl_->ask(std::move(query));
  co_return checkpoints_in(results);
}

io::Task<std::vector<Head>> PostgresJournal::heads(std::string ns, std::int64_t number) {
  Transaction query = select_heads(ns, number);
  const auto results = co_await impl_->ask(std::move(query));
  co_return heads_in(results);
}

io::Task<std::vector<std::int64_t>> PostgresJournal::numbers(std::string ns, std::string run) {
  Transaction query = select_numbers(ns, run);
  const auto results = co_await impl_->ask(std::move(query));
  co_return numbers_in(results);
}

}  // namespace journal
