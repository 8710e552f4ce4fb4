// A journal that waits for its disk or its database: what was decided or paid for is written down,
// later if need be, and no run ends for what cannot be read now.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "journal/journal.h"

namespace gateway {

// Tries again while the journal is unavailable (disk full, database away), half a second later,
// doubling to five. The log has one line when it goes away and one when it is back, however many
// wait. Whoever waits holds nothing but a connection. Retention passes: nobody waits for it.
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
  // `ask` begins one try; it is called again until one is answered.
  template <class T>
  io::Task<T> patiently(std::function<io::Task<T>()> ask);
  void note_away(const std::string& why);
  void note_back();

  base::Clock& clock_;
  base::Log& log_;
  journal::Journal& journal_;
  bool away_ = false;
};

}  // namespace gateway
