// The journal in a PostgreSQL database: for several gateway processes at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "io/blocking.h"
#include "io/loop.h"
#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "journal/journal.h"
#include "journal/writers.h"
#include "postgres/pool.h"

namespace journal {

// An append whose connection broke before the answer came waits until the database can be asked
// what became of it, and is written once: nobody is told "unavailable" of something that was
// written. One that could not be sent is unavailable at once. next() and grown() wait for the
// database.
class PostgresJournal final : public Journal, public Archive, public Checkpoints, public Writers {
 public:
  // Makes or migrates the tables first; refuses what postgres::Connection refuses. Consumers as of
  // SqliteJournal; all processes that write one journal name the same.
  static io::Task<std::unique_ptr<PostgresJournal>> open(io::Loop&, base::Clock&, base::Random&,
                                                         base::Log&, io::BlockingPool&,
                                                         postgres::ConnectOptions,
                                                         std::vector<std::string> consumers = {},
                                                         postgres::PoolOptions = {});
  ~PostgresJournal() override;

  io::Task<std::int64_t> append(Batch) override;
  io::Task<std::optional<RunState>> state(std::string run) override;
  io::Task<std::vector<Event>> events(std::string run, std::int64_t after,
                                      std::size_t limit) override;
  io::Task<std::optional<Event>> find(std::string run, Kind, std::string subject) override;
  io::Task<std::vector<std::string>> blobs(std::vector<std::string> sha256) override;
  io::Task<std::vector<Delivery>> next(std::string consumer, std::optional<std::int64_t> after,
                                       std::size_t limit) override;
  io::Task<> ack(std::string consumer, std::int64_t position) override;
  io::Task<> erase(std::string run) override;
  io::Task<> forget(std::string run) override;

  io::Task<std::vector<RunEntry>> runs(RunFilter, std::size_t limit) override;
  io::Task<std::vector<RunEntry>> ended(base::Time before, std::size_t limit) override;
  io::Task<std::vector<Delivery>> history(std::string ns, std::int64_t after,
                                          std::size_t limit) override;
  io::Task<> grown(std::string ns, std::int64_t after) override;
  io::Task<std::int64_t> position(std::string ns, base::Time before) override;
  io::Task<> import(ImportedRun) override;

  io::Task<std::vector<std::string>> unsigned_namespaces() override;
  io::Task<Unsigned> unsigned_heads(std::string ns, std::size_t limit) override;
  io::Task<> add(Checkpoint, std::vector<Head>, AuditKey) override;
  io::Task<std::vector<AuditKey>> keys() override;
  io::Task<std::vector<Checkpoint>> checkpoints(std::string ns, std::int64_t after,
                                                std::size_t limit) override;
  io::Task<std::vector<Head>> heads(std::string ns, std::int64_t number) override;
  io::Task<std::vector<std::int64_t>> numbers(std::string ns, std::string run) override;

  // Known by a lock that its listening connection holds: a writer whose connection broke counts as
  // gone until it has made it again.
  std::string self() const override;
  io::Task<bool> is_at_work(std::string name) override;

  postgres::Pool::Counters counters() const;

 private:
  struct Impl;
  explicit PostgresJournal(std::unique_ptr<Impl>);
  std::unique_ptr<Impl> impl_;
};

}  // namespace journal
