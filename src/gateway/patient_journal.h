// A journal that waits for its disk: what was decided or paid for is written down, later if need
// be.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "journal/journal.h"

namespace gateway {

// append() tries again while the journal is unavailable (disk full, database away), half a second
// later, doubling to five; it says so once. Whoever waits for it holds nothing but a connection.
// Everything else passes.
class PatientJournal final : public journal::Journal {
 public:
  PatientJournal(base::Clock&, base::Log&, journal::Journal&);

  io::Task<std::int64_t> append(journal::Batch) override;
  io::Task<std::optional<journal::RunState>> state(std::string run) override;
  io::Task<std::vector<journal::Event>> events(std::string run, std::int64_t after,
                                               std::size_t limit) override;
  io::Task<std::optional<journal::Event>> find(std::string run, journal::Kind,
                                               std::string subject) override;
  io::Task<std::vector<std::string>> blobs(std::vector<std::string> sha256) override;
  io::Task<std::vector<journal::Delivery>> next(std::string consumer,
                                                std::optional<std::int64_t> after,
                                                std::size_t limit) override;
  io::Task<> ack(std::string consumer, std::int64_t position) override;
  io::Task<> erase(std::string run) override;
  io::Task<> forget(std::string run) override;

 private:
  base::Clock& clock_;
  base::Log& log_;
  journal::Journal& journal_;
};

}  // namespace gateway
