#include "gateway/patient_journal.h"

#include <algorithm>

#include "io/loop.h"

namespace gateway {

namespace {

constexpr base::Duration first_pause{500}, longest_pause{5'000};

}  // namespace

PatientJournal::PatientJournal(base::Clock& clock, base::Log& log, journal::Journal& journal)
    : clock_(clock), log_(log), journal_(journal) {}

io::Task<std::int64_t> PatientJournal::append(journal::Batch batch) {
  for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    try {
      journal::Batch copy = batch;
      const std::int64_t seq = co_await journal_.append(std::move(copy));
      co_return seq;
    } catch (const base::Error& error) {
      if (error.code() != base::Code::unavailable) throw;
      if (pause == first_pause)
        log_.error("the journal cannot be written; its runs wait",
                   {{"run_uid", batch.run}, {"error", error.what()}});
    }
    co_await io::sleep(clock_, pause);
  }
}

io::Task<std::optional<journal::RunState>> PatientJournal::state(std::string run) {
  return journal_.state(std::move(run));
}

io::Task<std::vector<journal::Event>> PatientJournal::events(std::string run, std::int64_t after,
                                                             std::size_t limit) {
  return journal_.events(std::move(run), after, limit);
}

io::Task<std::optional<journal::Event>> PatientJournal::find(std::string run, journal::Kind kind,
                                                             std::string subject) {
  return journal_.find(std::move(run), kind, std::move(subject));
}

io::Task<std::vector<std::string>> PatientJournal::blobs(std::vector<std::string> sha256) {
  return journal_.blobs(std::move(sha256));
}

io::Task<std::vector<journal::Delivery>> PatientJournal::next(std::string consumer,
                                                              std::optional<std::int64_t> after,
                                                              std::size_t limit) {
  return journal_.next(std::move(consumer), after, limit);
}

io::Task<> PatientJournal::ack(std::string consumer, std::int64_t position) {
  return journal_.ack(std::move(consumer), position);
}

io::Task<> PatientJournal::erase(std::string run) { return journal_.erase(std::move(run)); }

io::Task<> PatientJournal::forget(std::string run) { return journal_.forget(std::move(run)); }

}  // namespace gateway
