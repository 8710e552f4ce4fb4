#include "sim/journals.h"

#include <filesystem>

#include "journal/tables.h"

namespace sim {

namespace {

// Memory where there is some: nothing here outlives the test.
std::filesystem::path place() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

}  // namespace

Disk::Disk(base::Clock& c) : clock(c), folder_(place()) {
  open();
  journal::set_consumers(*database_, {"status"});
}

void Disk::open() {
  database_.reset();
  database_ = std::make_unique<sqlite::Database>(folder_ / "journal.db", journal::file_kind(),
                                                 sqlite::Access::read_write);
  database_->execute("PRAGMA synchronous = OFF");
}

// ---- on the disk ----

template <class Job>
auto DiskJournal::commit(Job job) {
  sqlite::Database& database = disk_.database();
  database.run("BEGIN IMMEDIATE");
  try {
    auto result = job(database);
    database.run("COMMIT");
    disk_.written.set();
    return result;
  } catch (...) {
    database.run("ROLLBACK");
    throw;
  }
}

io::Task<std::int64_t> DiskJournal::append(journal::Batch batch) {
  co_return commit([&](sqlite::Database& database) {
    return journal::append(database, batch, disk_.clock.now());
  });
}

io::Task<std::optional<journal::RunState>> DiskJournal::state(std::string run) {
  co_return journal::find_state(disk_.database(), run);
}

io::Task<std::vector<journal::Event>> DiskJournal::events(std::string run, std::int64_t after,
                                                          std::size_t limit) {
  co_await io::yield();
  co_return journal::list_events(disk_.database(), run, after, limit);
}

io::Task<std::optional<journal::Event>> DiskJournal::find(std::string run, journal::Kind kind,
                                                          std::string subject) {
  co_return journal::find_event(disk_.database(), run, kind, subject);
}

io::Task<std::vector<std::string>> DiskJournal::blobs(std::vector<std::string> sha256) {
  co_await io::yield();
  std::vector<std::string> contents;
  for (const auto& name : sha256) contents.push_back(journal::get_blob(disk_.database(), name));
  co_return contents;
}

io::Task<std::vector<journal::Delivery>> DiskJournal::next(std::string consumer,
                                                           std::optional<std::int64_t> after,
                                                           std::size_t limit) {
  for (;;) {
    disk_.written.clear();
    auto deliveries = journal::list_deliveries(disk_.database(), consumer, after, limit);
    if (!deliveries.empty()) co_return deliveries;
    co_await disk_.written.wait();
  }
}

io::Task<> DiskJournal::ack(std::string consumer, std::int64_t position) {
  commit([&](sqlite::Database& database) {
    journal::acknowledge(database, consumer, position);
    return true;
  });
  co_return;
}

io::Task<> DiskJournal::erase(std::string run) {
  commit([&](sqlite::Database& database) {
    journal::erase_run(database, run);
    return true;
  });
  co_return;
}

io::Task<> DiskJournal::forget(std::string run) {
  commit([&](sqlite::Database& database) {
    journal::forget_run(database, run);
    return true;
  });
  co_return;
}

// ---- the witness ----

Witness::Witness(base::Clock& clock, journal::Journal& inner, Book& book, int gateway,
                 const Planned& planned, const Away& away, std::function<void()> die)
    : clock_(clock),
      inner_(inner),
      book_(book),
      gateway_(gateway),
      planned_(planned),
      away_(away),
      die_(std::move(die)) {}

io::Task<> Witness::go_down() {
  if (!down_) die_();
  down_ = true;
  co_await never_.wait();
}

io::Task<std::int64_t> Witness::append(journal::Batch batch) {
  auto turn = co_await order_.acquire();
  if (down_) co_await never_.wait();
  const Mishap mishap = planned_ ? planned_(batch) : Mishap{};
  if (mishap.before > base::Duration(0)) co_await io::sleep(clock_, mishap.before);
  if (mishap.refused) throw base::Error(base::Code::unavailable, "journal: away, as planned");
  if (mishap.death == Mishap::Death::before) co_await go_down();
  journal::Batch copy = batch;
  const std::int64_t seq = co_await inner_.append(std::move(copy));
  for (const auto& event : batch.events) {
    book_.entries.push_back({batch.run, gateway_, batch.fence, event.kind, event.body});
    if (book_.on_commit) book_.on_commit(book_.entries.back());
  }
  if (mishap.death == Mishap::Death::after) co_await go_down();
  if (mishap.after > base::Duration(0)) co_await io::sleep(clock_, mishap.after);
  co_return seq;
}

// Before each read.
io::Task<> Witness::look() {
  if (down_) co_await never_.wait();
  if (away_ && away_()) throw base::Error(base::Code::unavailable, "journal: away, as planned");
}

io::Task<std::optional<journal::RunState>> Witness::state(std::string run) {
  co_await look();
  co_return co_await inner_.state(std::move(run));
}
io::Task<std::vector<journal::Event>> Witness::events(std::string run, std::int64_t after,
                                                      std::size_t limit) {
  co_await look();
  co_return co_await inner_.events(std::move(run), after, limit);
}
io::Task<std::optional<journal::Event>> Witness::find(std::string run, journal::Kind kind,
                                                      std::string subject) {
  co_await look();
  co_return co_await inner_.find(std::move(run), kind, std::move(subject));
}
io::Task<std::vector<std::string>> Witness::blobs(std::vector<std::string> sha256) {
  co_await look();
  co_return co_await inner_.blobs(std::move(sha256));
}
io::Task<std::vector<journal::Delivery>> Witness::next(std::string consumer,
                                                       std::optional<std::int64_t> after,
                                                       std::size_t limit) {
  co_await look();
  co_return co_await inner_.next(std::move(consumer), after, limit);
}
io::Task<> Witness::ack(std::string consumer, std::int64_t position) {
  co_await look();
  co_await inner_.ack(std::move(consumer), position);
}
io::Task<> Witness::erase(std::string run) { return inner_.erase(std::move(run)); }
io::Task<> Witness::forget(std::string run) { return inner_.forget(std::move(run)); }

}  // namespace sim
