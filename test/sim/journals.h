// The journal of a world, and who looks on while it is written.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/sync.h"
#include "journal/journal.h"
#include "sqlite/database.h"
#include "support/temp_directory.h"

namespace sim {

// The tables of the SQLite journal, in a file that outlives every gateway. What is not there are
// the threads beside the loop: so the same world goes the same way.
class Disk {
 public:
  explicit Disk(base::Clock&);
  // As after the end of the process that had it open.
  void open();

  base::Clock& clock;
  sqlite::Database& database() { return *database_; }
  io::Event written;

 private:
  test::TempDirectory folder_;
  std::unique_ptr<sqlite::Database> database_;
};

// A gateway's journal on it.
class DiskJournal final : public journal::Journal {
 public:
  explicit DiskJournal(Disk& disk) : disk_(disk) {}
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
  template <class Job>
  auto commit(Job job);
  Disk& disk_;
};

// What was committed, in order, and by which gateway.
struct Committed {
  std::string run;
  int gateway = 0;
  journal::Fence fence;
  journal::Kind kind{};
  std::string body;
  template <class T>
  T read() const {
    return schema::read<T>(base::parse_json(body));
  }
};
struct Book {
  std::vector<Committed> entries;
  std::function<void(const Committed&)> on_commit;
};

// What is to happen to one append.
struct Mishap {
  enum class Death : std::uint8_t { none, before, after } death = Death::none;
  bool refused = false;  // unavailable: nothing is written
  base::Duration before{0}, after{0};
};
using Planned = std::function<Mishap(const journal::Batch&)>;
// Whether the journal cannot be read now.
using Away = std::function<bool()>;

// Passes on what one gateway does with its journal, writes down what was committed, and lets happen
// what is planned. Appends are made one after the other, as the real journal makes them.
class Witness final : public journal::Journal {
 public:
  // `die`: this gateway is dead from here on; it hears of nothing any more.
  Witness(base::Clock&, journal::Journal& inner, Book&, int gateway, const Planned&, const Away&,
          std::function<void()> die);
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
  io::Task<> go_down();
  io::Task<> look();

  base::Clock& clock_;
  journal::Journal& inner_;
  Book& book_;
  const int gateway_;
  const Planned& planned_;
  const Away& away_;
  std::function<void()> die_;
  io::Semaphore order_{1};
  io::Event never_;
  bool down_ = false;
};

}  // namespace sim
