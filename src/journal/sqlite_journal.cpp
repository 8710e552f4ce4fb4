#include "journal/sqlite_journal.h"

#include "io/sync.h"
#include "journal/tables.h"
#include "sqlite/readers.h"

namespace journal {

using sqlite::Database;

struct SqliteJournal::Impl {
  Impl(io::Loop& loop, base::Clock& c, io::BlockingPool& pool, const std::string& path)
      : clock(c),
        writer(loop, c, path, file_kind(), {.on_written = [set = written] { set->set(); }}),
        readers(pool, path, file_kind()) {}

  base::Clock& clock;
  std::shared_ptr<io::Event> written = std::make_shared<io::Event>();  // see next()
  sqlite::Writer writer;
  sqlite::Readers readers;  // closed before the writer
};

SqliteJournal::SqliteJournal(io::Loop& loop, base::Clock& clock, io::BlockingPool& pool,
                             const std::string& path, std::vector<std::string> consumers) {
  {
    Database database(path, file_kind(), sqlite::Access::read_write);
    database.execute("BEGIN IMMEDIATE");
    set_consumers(database, consumers);
    database.execute("COMMIT");
  }
  impl_ = std::make_unique<Impl>(loop, clock, pool, path);
}

SqliteJournal::~SqliteJournal() = default;

void SqliteJournal::close() { impl_->writer.close(); }

sqlite::Writer::Counters SqliteJournal::counters() const { return impl_->writer.counters(); }

io::Task<std::int64_t> SqliteJournal::append(Batch batch) {
  const base::Time now = impl_->clock.now();
  auto job = [batch = std::move(batch), now](Database& database) {
    return journal::append(database, batch, now);
  };
  co_return co_await impl_->writer.write(std::move(job));
}

io::Task<std::optional<RunState>> SqliteJournal::state(std::string run) {
  co_return impl_->readers.read_now([&](Database& database) { return find_state(database, run); });
}

io::Task<std::vector<Event>> SqliteJournal::events(std::string run, std::int64_t after,
                                                   std::size_t limit) {
  auto list = [run = std::move(run), after, limit](Database& database) {
    return list_events(database, run, after, limit);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<std::optional<Event>> SqliteJournal::find(std::string run, Kind kind,
                                                   std::string subject) {
  co_return impl_->readers.read_now(
      [&](Database& database) { return find_event(database, run, kind, subject); });
}

io::Task<std::vector<std::string>> SqliteJournal::blobs(std::vector<std::string> sha256) {
  auto get = [sha256 = std::move(sha256)](Database& database) {
    std::vector<std::string> contents;
    for (const auto& name : sha256) contents.push_back(get_blob(database, name));
    return contents;
  };
  co_return co_await impl_->readers.read(std::move(get));
}

io::Task<std::vector<Delivery>> SqliteJournal::next(std::string consumer,
                                                    std::optional<std::int64_t> after,
                                                    std::size_t limit) {
  for (;;) {
    // Cleared before the look: a commit that the look does not see sets it afterwards.
    impl_->written->clear();
    auto deliveries = impl_->readers.read_now(
        [&](Database& database) { return list_deliveries(database, consumer, after, limit); });
    if (!deliveries.empty()) co_return deliveries;
    co_await impl_->written->wait();
  }
}

io::Task<> SqliteJournal::ack(std::string consumer, std::int64_t position) {
  auto job = [consumer = std::move(consumer), position](Database& database) {
    acknowledge(database, consumer, position);
  };
  co_await impl_->writer.write(std::move(job));
}

io::Task<> SqliteJournal::erase(std::string run) {
  auto job = [run = std::move(run)](Database& database) { erase_run(database, run); };
  co_await impl_->writer.write(std::move(job));
}

io::Task<> SqliteJournal::forget(std::string run) {
  auto job = [run = std::move(run)](Database& database) { forget_run(database, run); };
  co_await impl_->writer.write(std::move(job));
}

// ---- archive ----

io::Task<std::vector<RunEntry>> SqliteJournal::runs(RunFilter filter, std::size_t limit) {
  auto list = [filter = std::move(filter), limit](Database& database) {
    return list_runs(database, filter, limit);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<std::vector<RunEntry>> SqliteJournal::ended(base::Time before, std::size_t limit) {
  auto list = [before, limit](Database& database) { return list_ended(database, before, limit); };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<std::vector<Delivery>> SqliteJournal::history(std::string ns, std::int64_t after,
                                                       std::size_t limit) {
  auto list = [ns = std::move(ns), after, limit](Database& database) {
    return list_history(database, ns, after, limit);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<> SqliteJournal::grown(std::string ns, std::int64_t after) {
  for (;;) {
    impl_->written->clear();  // as in next()
    const auto last = impl_->readers.read_now(
        [&](Database& database) { return last_position(database, ns, base::Time::max()); });
    if (last > after) co_return;
    co_await impl_->written->wait();
  }
}

io::Task<std::int64_t> SqliteJournal::position(std::string ns, base::Time before) {
  auto find = [ns = std::move(ns), before](Database& database) {
    return last_position(database, ns, before);
  };
  co_return co_await impl_->readers.read(std::move(find));
}

io::Task<> SqliteJournal::import(ImportedRun run) {
  auto job = [run = std::move(run)](Database& database) {
    import_run(database, run, check_import(run));
  };
  co_await impl_->writer.write(std::move(job));
}

// ---- checkpoints ----

io::Task<std::vector<std::string>> SqliteJournal::unsigned_namespaces() {
  for (;;) {
    impl_->written->clear();  // as in next()
    auto names = impl_->readers.read_now(list_unsigned_namespaces);
    if (!names.empty()) co_return names;
    co_await impl_->written->wait();
  }
}

io::Task<Checkpoints::Unsigned> SqliteJournal::unsigned_heads(std::string ns, std::size_t limit) {
  auto list = [ns = std::move(ns), limit](Database& database) {
    return list_unsigned(database, ns, limit);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<> SqliteJournal::add(Checkpoint checkpoint, std::vector<Head> signed_heads, AuditKey key) {
  auto job = [checkpoint = std::move(checkpoint), signed_heads = std::move(signed_heads),
              key = std::move(key)](Database& database) {
    add_checkpoint(database, checkpoint, signed_heads, key);
  };
  co_await impl_->writer.write(std::move(job));
}

io::Task<std::vector<AuditKey>> SqliteJournal::keys() {
  co_return co_await impl_->readers.read(list_audit_keys);
}

io::Task<std::vector<Checkpoint>> SqliteJournal::checkpoints(std::string ns, std::int64_t after,
                                                             std::size_t limit) {
  auto list = [ns = std::move(ns), after, limit](Database& database) {
    return list_checkpoints(database, ns, after, limit);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<std::vector<Head>> SqliteJournal::heads(std::string ns, std::int64_t number) {
  auto list = [ns = std::move(ns), number](Database& database) {
    return list_heads(database, ns, number);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

io::Task<std::vector<std::int64_t>> SqliteJournal::numbers(std::string ns, std::string run) {
  auto list = [ns = std::move(ns), run = std::move(run)](Database& database) {
    return list_numbers(database, ns, run);
  };
  co_return co_await impl_->readers.read(std::move(list));
}

}  // namespace journal
