#include "gateway/patient_journal.h"

#include <algorithm>

#include "io/loop.h"

namespace gateway {

namespace {

constexpr base::Duration first_pause{500}, longest_pause{5'000};

}  // namespace

PatientJournal::PatientJournal(base::Clock& clock, base::Log& log, journal::Journal& journal)
    : clock_(clock), log_(log), journal_(journal) {}

void PatientJournal::note_away(const std::string& why) {
  if (!std::exchange(away_, true))
    log_.error("the journal is not available; its runs wait", {{"error", why}});
}

void PatientJournal::note_back() {
  if (std::exchange(away_, false)) log_.info("the journal is available again");
}

template <class T>
io::Task<T> PatientJournal::patiently(std::function<io::Task<T>()> ask) {
  for (base::Duration pause = first_pause;; pause = std::min(pause * 2, longest_pause)) {
    try {
      io::Task<T> asked = ask();
      if constexpr (std::is_void_v<T>) {
        co_await std::move(asked);
        note_back();
        co_return;
      } else {
        T answer = co_await std::move(asked);
        note_back();
        co_return answer;
      }
    } catch (const base::Error& error) {
      if (error.code() != base::Code::unavailable) throw;
      note_away(error.what());
    }
    co_await io::sleep(clock_, pause);
  }
}

io::Task<std::int64_t> PatientJournal::append(journal::Batch batch) {
  return patiently<std::int64_t>(
      [this, batch = std::move(batch)] { return journal_.append(batch); });
}

io::Task<std::optional<journal::RunState>> PatientJournal::state(std::string run) {
  return patiently<std::optional<journal::RunState>>(
      [this, run = std::move(run)] { return journal_.state(run); });
}

io::Task<std::vector<journal::Event>> PatientJournal::events(std::string run, std::int64_t after,
                                                             std::size_t limit) {
  return patiently<std::vector<journal::Event>>(
      [this, run = std::move(run), after, limit] { return journal_.events(run, after, limit); });
}

io::Task<std::optional<journal::Event>> PatientJournal::find(std::string run, journal::Kind kind,
                                                             std::string subject) {
  return patiently<std::optional<journal::Event>>(
      [this, run = std::move(run), kind, subject = std::move(subject)] {
        return journal_.find(run, kind, subject);
      });
}

io::Task<std::vector<std::string>> PatientJournal::blobs(std::vector<std::string> sha256) {
  return patiently<std::vector<std::string>>(
      [this, sha256 = std::move(sha256)] { return journal_.blobs(sha256); });
}

io::Task<std::vector<journal::Delivery>> PatientJournal::next(std::string consumer,
                                                              std::optional<std::int64_t> after,
                                                              std::size_t limit) {
  return patiently<std::vector<journal::Delivery>>(
      [this, consumer = std::move(consumer), after, limit] {
        return journal_.next(consumer, after, limit);
      });
}

io::Task<> PatientJournal::ack(std::string consumer, std::int64_t position) {
  return patiently<void>([this, consumer = std::move(consumer), position] {
    return journal_.ack(consumer, position);
  });
}

io::Task<> PatientJournal::erase(std::string run) { return journal_.erase(std::move(run)); }

io::Task<> PatientJournal::forget(std::string run) { return journal_.forget(std::move(run)); }

}  // namespace gateway
