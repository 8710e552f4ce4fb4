// The journal in one SQLite file: for one machine and one gateway process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/blocking.h"
#include "io/loop.h"
#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "journal/journal.h"
#include "sqlite/writer.h"

namespace journal {

class SqliteJournal final : public Journal, public Archive, public Checkpoints {
 public:
  // Opens or creates the file before it returns. `consumers` of the outbox: a new one begins with
  // what the outbox still holds, one that is not named any more is forgotten.
  SqliteJournal(io::Loop&, base::Clock&, io::BlockingPool&, const std::string& path,
                std::vector<std::string> consumers = {});
  ~SqliteJournal() override;  // as close()

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

  sqlite::Writer::Counters counters() const;
  // Finishes what was begun and closes the file. Blocks; later appends are refused.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace journal
